//! A comparison as one page without a network or a script.

use maud::{Markup, html};

use super::Comparison;
use super::sections::{self, Section};
use crate::report::page::page;

/// `worse` as [`super::rules::worse`] gives it.
pub fn render(all: &[(&Comparison, Vec<String>)]) -> String {
    let shown = html! { @for (it, worse) in all { (one(it, worse)) } };
    page("Two runs compared", "", &shown)
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
