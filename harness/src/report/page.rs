//! A page that only shows: without a network, a script, or a file beside it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::html::STYLE;

/// Nothing is ever loaded, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page in the style of all reports, with more of a style beside it.
pub(crate) fn page(title: &str, style: &str, main: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body { main { (main) } }
        }
    };
    markup.into_string()
}
