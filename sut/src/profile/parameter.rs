//! What one parameter is: its documentation, its source, and how its value is read and shown.

use revlab_lab::Span;

/// How well a parameter's value is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Stated by the vendor or a standard.
    Documented,
    /// Stated by a third party or seen in a published log.
    Reported,
    /// revlab's own deduction; nobody states it.
    Inferred,
}

impl Evidence {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Evidence::Documented => "documented",
            Evidence::Reported => "reported",
            Evidence::Inferred => "inferred",
        }
    }
}

/// One parameter, for listings.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Its name in scenarios and traces.
    pub name: &'static str,
    /// What it is for, with its unit.
    pub doc: &'static str,
}

/// A value as a scenario writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `"6h"`, `"never"`.
    Text(&'a str),
    /// `50`.
    Integer(i64),
    /// `true`.
    Boolean(bool),
}

/// A [`Value`] that is kept.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(untagged, expecting = "a text, a whole number, `true` or `false` is needed")]
pub(super) enum OwnedValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl OwnedValue {
    pub(super) fn as_value(&self) -> Value<'_> {
        match self {
            OwnedValue::Text(text) => Value::Text(text),
            OwnedValue::Integer(n) => Value::Integer(*n),
            OwnedValue::Boolean(b) => Value::Boolean(*b),
        }
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> OwnedValue {
        match value {
            Value::Text(text) => OwnedValue::Text(text.to_owned()),
            Value::Integer(n) => OwnedValue::Integer(n),
            Value::Boolean(b) => OwnedValue::Boolean(b),
        }
    }
}

/// Why a parameter was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// There is no such parameter.
    #[error("there is no parameter `{0}`")]
    Unknown(String),
    /// The value is not one that it can take.
    #[error("{0}")]
    Bad(String),
}

/// A type that a parameter can have.
pub(super) trait Setting: Sized {
    fn read(value: Value<'_>) -> Result<Self, String>;
    fn show(&self) -> serde_json::Value;
}

impl Setting for bool {
    fn read(value: Value<'_>) -> Result<bool, String> {
        match value {
            Value::Boolean(b) => Ok(b),
            _ => Err("`true` or `false` is needed".into()),
        }
    }

    fn show(&self) -> serde_json::Value {
        (*self).into()
    }
}

impl Setting for u32 {
    fn read(value: Value<'_>) -> Result<u32, String> {
        match value {
            Value::Integer(n) => u32::try_from(n).map_err(|_| "0 to 4294967295 is needed".into()),
            _ => Err("a whole number is needed".into()),
        }
    }

    fn show(&self) -> serde_json::Value {
        (*self).into()
    }
}

impl Setting for Span {
    fn read(value: Value<'_>) -> Result<Span, String> {
        let Value::Text(text) = value else {
            return Err("a duration such as `\"6h\"` is needed".into());
        };
        match text.parse::<Span>() {
            Ok(span) if span.is_negative() => Err("a duration of zero or more is needed".into()),
            Ok(span) => Ok(span),
            Err(error) => Err(error.to_string()),
        }
    }

    fn show(&self) -> serde_json::Value {
        self.to_string().into()
    }
}

impl Setting for String {
    fn read(value: Value<'_>) -> Result<String, String> {
        match value {
            Value::Text(text) => Ok(text.to_owned()),
            _ => Err("a text is needed".into()),
        }
    }

    fn show(&self) -> serde_json::Value {
        self.as_str().into()
    }
}

/// Declares a policy enum whose variants have names in scenarios.
macro_rules! policy {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $vdoc:literal])* $variant:ident = $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $vdoc])* $variant,)* }

        impl $crate::profile::parameter::Setting for $name {
            fn read(value: Value<'_>) -> Result<$name, String> {
                const NAMES: &[&str] = &[$($text),*];
                match value {
                    $(Value::Text($text) => Ok($name::$variant),)*
                    _ => Err(format!("one of `{}` is needed", NAMES.join("`, `"))),
                }
            }

            fn show(&self) -> serde_json::Value {
                match self { $($name::$variant => $text.into(),)* }
            }
        }
    };
}

/// Declares the parameters: a struct with a documented field each, and their table.
macro_rules! parameters {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident : $type:ty;
    )*) => {
        /// Every parameter of a profile.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Parameters {
            $(
                $(#[doc = $doc])+
                pub $name: $type,
            )*
        }

        impl Parameters {
            /// The values that `value` gives by name; what is wrong, where one is missing or cannot
            /// be taken.
            pub(super) fn from_values<'a>(
                value: impl Fn(&'static str) -> Option<Value<'a>>,
            ) -> Result<Parameters, String> {
                let names = Parameters::ALL.iter().map(|info| info.name);
                let missing: Vec<&str> = names.filter(|name| value(name).is_none()).collect();
                if let Some(first) = missing.first() {
                    let count = missing.len();
                    return Err(format!(
                        "{count} values are missing, the first is `{first}`: give them, or \
                         extend a profile"
                    ));
                }
                Ok(Parameters {
                    $($name: value(stringify!($name))
                        .ok_or_else(String::new)
                        .and_then(Setting::read)
                        .map_err(|why| format!("`{}`: {why}", stringify!($name)))?,)*
                })
            }

            /// The table of all parameters.
            pub const ALL: &'static [Info] = &[$(Info {
                name: stringify!($name),
                doc: concat!($($doc),+),
            },)*];

            /// What is wrong with a value for a parameter that there is.
            pub(super) fn check(name: &str, value: Value<'_>) -> Result<(), String> {
                match name {
                    $(stringify!($name) => <$type as Setting>::read(value).map(drop),)*
                    _ => Ok(()),
                }
            }

            pub(super) fn set(&mut self, name: &str, value: Value<'_>) -> Result<(), ValueError> {
                match name {
                    $(stringify!($name) => {
                        self.$name = Setting::read(value).map_err(ValueError::Bad)?;
                    })*
                    _ => return Err(ValueError::Unknown(name.to_owned())),
                }
                Ok(())
            }

            /// The value of a parameter as a scenario writes it; null for a name that is none.
            pub fn value(&self, name: &str) -> serde_json::Value {
                match name {
                    $(stringify!($name) => self.$name.show(),)*
                    _ => serde_json::Value::Null,
                }
            }

            pub(super) fn describe(&self) -> BTreeMap<String, serde_json::Value> {
                BTreeMap::from([$((stringify!($name).to_owned(), self.$name.show()),)*])
            }
        }
    };
}

pub(super) use {parameters, policy};
