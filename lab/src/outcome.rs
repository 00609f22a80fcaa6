//! What came of an attempt, and the Win32 codes that go with a refusal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What came of one client attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer met the scenario's `admit` rule.
    Admitted,
    /// The server refused the client, by status or by alert.
    Refused,
    /// The client's time was up.
    TimedOut,
    /// Anything else: refused connection, broken answer.
    Failed,
}

impl Outcome {
    /// All outcomes with their names in scenarios and traces.
    pub const NAMES: [(&'static str, Outcome); 4] = [
        ("admitted", Outcome::Admitted),
        ("refused", Outcome::Refused),
        ("timed_out", Outcome::TimedOut),
        ("failed", Outcome::Failed),
    ];

    /// The name in scenarios and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Admitted => "admitted",
            Outcome::Refused => "refused",
            Outcome::TimedOut => "timed_out",
            Outcome::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A Win32 error code or HRESULT, written as Windows shows it: `0x80092013`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u32);

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $value:literal;)*) => {
        impl Code {
            $($(#[doc = $doc])* pub const $name: Code = Code($value);)*

            /// The symbolic name from winerror.h, where the code is one that revlab uses.
            pub fn symbol(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// Every code that has a name.
            pub const NAMED: &'static [Code] = &[$(Code::$name),*];
        }
    };
}

codes! {
    /// The certificate is listed as revoked.
    CRYPT_E_REVOKED = 0x8009_2010;
    /// There is nothing to check with: neither CDP nor OCSP.
    CRYPT_E_NO_REVOCATION_CHECK = 0x8009_2012;
    /// The revocation source is unreachable, stale, or unusable.
    CRYPT_E_REVOCATION_OFFLINE = 0x8009_2013;
    /// The certificate is outside its validity period.
    CERT_E_EXPIRED = 0x800B_0101;
    /// The chain ends in a root that is not trusted.
    CERT_E_UNTRUSTEDROOT = 0x800B_0109;
    /// No chain could be built.
    CERT_E_CHAINING = 0x800B_010A;
    /// A critical extension of a certificate is not understood (winerror.h, as the other chain codes).
    CERT_E_CRITICAL = 0x800B_0105;
    /// A certificate cannot be read.
    CERT_E_MALFORMED = 0x800B_0108;
    /// A certificate is used for what it is not for.
    CERT_E_WRONG_USAGE = 0x800B_0110;
    /// No certificate policy is valid for the chain.
    CERT_E_INVALID_POLICY = 0x800B_0113;
    /// A name lies outside what a CA above may name.
    CERT_E_INVALID_NAME = 0x800B_0114;
    /// A signature does not verify, or does not count for its weak digest.
    TRUST_E_CERT_SIGNATURE = 0x8009_6004;
    /// A certificate that is no CA's, or too far below one, has issued another.
    TRUST_E_BASIC_CONSTRAINTS = 0x8009_6019;
    /// The certificate is for another name than the one that was asked for.
    CERT_E_CN_NO_MATCH = 0x800B_010F;
    /// No account belongs to what was presented.
    SEC_E_LOGON_DENIED = 0x8009_030C;
    /// The certificate is not that of the principal which was demanded.
    SEC_E_WRONG_PRINCIPAL = 0x8009_0322;
    /// The directory found the client's certificate revoked.
    SEC_E_SMARTCARD_CERT_REVOKED = 0x8009_0351;
    /// The directory does not trust the client's certificate.
    SEC_E_ISSUING_CA_UNTRUSTED = 0x8009_0352;
    /// The directory could not find out whether the client's certificate is revoked.
    SEC_E_REVOCATION_OFFLINE_C = 0x8009_0353;
    /// The directory found the client's certificate expired.
    SEC_E_SMARTCARD_CERT_EXPIRED = 0x8009_0355;
    /// It could not be found out whether the directory's own certificate is revoked.
    SEC_E_REVOCATION_OFFLINE_KDC = 0x8009_0358;
    /// The directory's own certificate is not trusted.
    SEC_E_ISSUING_CA_UNTRUSTED_KDC = 0x8009_0359;
    /// The directory's own certificate has expired.
    SEC_E_KDC_CERT_EXPIRED = 0x8009_035A;
    /// The directory's own certificate is revoked.
    SEC_E_KDC_CERT_REVOKED = 0x8009_035B;
    /// Retrieval of this object by the prefetch service is switched off because OCSP failed.
    ERROR_MEDIA_OFFLINE = 0x10D0;
    /// The prefetch service found the content unchanged.
    ERROR_FILE_OFFLINE = 0x10FE;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("0x{:08X}", self.0))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a code such as `0x80092013`")]
pub struct CodeError {
    text: String,
}

impl FromStr for Code {
    type Err = CodeError;

    /// Reads `0x80092013`, or the unsigned decimal of an IIS log (`2148081683`).
    fn from_str(text: &str) -> Result<Code, CodeError> {
        let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => text.parse(),
        };
        value.map(Code).map_err(|_| CodeError { text: text.to_owned() })
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Code, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_in_hex_and_in_the_decimal_of_an_iis_log() {
        assert_eq!("0x80092013".parse(), Ok(Code::CRYPT_E_REVOCATION_OFFLINE));
        assert_eq!("2148081683".parse(), Ok(Code::CRYPT_E_REVOCATION_OFFLINE));
        assert_eq!(Code::CRYPT_E_REVOKED.to_string(), "0x80092010");
        assert_eq!(Code::ERROR_MEDIA_OFFLINE.0, 4304);
        assert_eq!(Code::ERROR_FILE_OFFLINE.0, 4350);
        assert!("0x8009201g".parse::<Code>().is_err());
    }
}
