//! A comparison as one page without a network or a script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Comparison;
use super::sections::{self, Section};
use crate::report::html::STYLE;

/// `worse` as [`super::rules::worse`] gives it.
pub fn render(all: &[(&Comparison, Vec<String>)]) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Two runs compared" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { @for (it, worse) in all { (one(it, worse)) } } }
        }
    };
    markup.into_string()
}

fn one(it: &Comparison, worse: &[String]) -> Markup {
    let (class, badge) = if worse.is_empty() { ("held", "not worse") } else { ("failed", "worse") };
    html! {
        h1 { span class={ "badge " (class) } { (badge) } " " (it.b.run) " against " (it.a.run) }
        p.summary { (sections::verdict(worse)) }
        dl.facts {
            dt { "A" } dd { (sections::side(&it.a)) }
            dt { "B" } dd { (sections::side(&it.b)) }
        }
        @for section in sections::sections(it) { (told(&section)) }
    }
}

fn told(it: &Section) -> Markup {
    let class = |head: &str| head.starts_with(' ').then_some("number");
    html! {
        section {
            h2 { (it.heading) }
            @for line in &it.lines { p { (line) } }
            @if let Some(table) = &it.table {
                table {
                    thead {
                        tr {
                            @for head in &table.head { th scope="col" class=[class(head)] { (head.trim()) } }
                        }
                    }
                    tbody {
                        @for row in &table.rows {
                            tr {
                                @for (cell, head) in row.iter().zip(&table.head) {
                                    td class=[class(head)] { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
