//! A matrix as one page without a network or a script.

use maud::{Markup, html};

use super::rows::{DIFFER, Row, Shown, UNLIKE, rows, summary};
use super::{Matrix, links};
use crate::report::page::page;

/// Beside the style of reports: room for wide tables, in which the names of scenarios stay in sight.
const WIDE: &str = "main{max-width:none}.matrix{overflow-x:auto}.matrix td{vertical-align:top;min-width:14em}\
    .matrix th[scope=row]{position:sticky;left:0;background:Canvas}\
    .alarm{color:#b3001b;font-weight:bold}\
    @media(prefers-color-scheme:dark){.alarm{color:#ff8a8a}}\
    @media print{.matrix{overflow:visible}.matrix tr{break-inside:avoid}.alarm{color:#b3001b}}";

/// The page; links lead to the folders beside it.
pub fn render(matrix: &Matrix) -> String {
    let shown = html! {
        h1 { "Matrix of servers" }
        p.summary { (summary(matrix)) }
        div.matrix tabindex="0" role="region" aria-label="What each server did" {
            table {
                thead { tr {
                    th scope="col" { "scenario" }
                    @for sut in &matrix.suts { th scope="col" { (sut) } }
                } }
                tbody { @for row in rows(matrix) { (one(&row)) } }
            }
        }
    };
    page("Matrix of servers", WIDE, &shown)
}

fn one(row: &Row<'_>) -> Markup {
    html! {
        tr {
            th scope="row" { (row.name) @if row.differ { br; em { (DIFFER) } } }
            @for it in &row.cells {
                td { @if let Some(it) = it { (cell(it)) } }
            }
        }
    }
}

fn cell(it: &Shown<'_>) -> Markup {
    html! {
        @for why in &it.alarm { div.alarm { (why) } }
        @for line in &it.lines { div { (words(line)) } }
        @if it.unlike_model { div { em { (UNLIKE) } } }
        @if let (Some(trace), Some(report)) = (links::to(it.cell, "trace.jsonl"), links::to(it.cell, "report.html")) {
            div { a href=(trace) { "trace" } " " a href=(report) { "report" } }
        }
        details { summary { "again" } code { (it.cell.command) } }
    }
}

/// What stands between backticks is somebody's own word.
fn words(line: &str) -> Markup {
    html! {
        @for (n, part) in line.split('`').enumerate() {
            @if n % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_says_what_is_open() {
        let mut matrix = sample::matrix();
        matrix.cells[1].fail_open = vec!["2 × <revoked>".to_owned()];
        let page = render(&matrix);
        assert!(page.contains("class=\"alarm\">fail-open: 2 × &lt;revoked&gt;"), "{page}");
        assert!(page.contains("href=\"./s_server/matrix/transport/down/web/trace.jsonl\""));
        assert!(page.contains("default-src 'none'") && !page.contains("<script"));
    }

    #[test]
    fn words_of_the_scenario_are_shown_as_such() {
        let shown = words("it never asks for `a<b`, which fault `x` is on").into_string();
        let wanted = "it never asks for <code>a&lt;b</code>, which fault <code>x</code> is on";
        assert_eq!(shown, wanted);
    }
}
