//! `report.html`: one page without a network, for a browser.
//!
//! What can be read without a script is written here: what it came to, expectations, episodes,
//! counts of fetches. `page.js` draws the time line and tells single attempts from the data beside
//! them, the trace in columns.

mod data;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use revlab_lab::Outcome;
use revlab_lab::trace::Trace;

use super::{facts, summary, words};
use crate::judge::index::Index;
use crate::judge::{
    Episode, Finding, Judgement, Status, about, at, by_alert, counted, result_words,
};
use crate::scenario::Scenario;

pub(crate) const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// Nothing is ever loaded.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
/// More episodes than this get no name and no line.
const MOST: usize = 500;

/// What the sections are made from.
struct Page<'p> {
    scenario: &'p Scenario,
    index: &'p Index<'p>,
    judgement: &'p Judgement,
    /// Those other than admitted.
    episodes: Vec<&'p Episode>,
}

/// The report of one run as a page.
pub fn render(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> String {
    page(scenario, trace, judgement, STYLE, SCRIPT)
}

fn page(
    scenario: &Scenario,
    trace: &Trace,
    judgement: &Judgement,
    style: &str,
    script: &str,
) -> String {
    let index = Index::new(scenario, trace);
    let refused = judgement.episodes.iter().filter(|e| e.outcome != Outcome::Admitted);
    let episodes = refused.collect();
    let page = Page { scenario, index: &index, judgement, episodes };
    let named = page.episodes.get(..MOST).unwrap_or(&page.episodes);
    let data = data::data(scenario, &index, named);
    // Only maps with keys that are not text can make this fail. In a script nothing else than `<`
    // means anything to HTML.
    let data = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");
    let title = format!("{}: {}", judgement.status().as_str(), scenario.title);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                header { (head(&page)) }
                main {
                    (time_line())
                    (episodes_table(&page))
                    (expectations(&judgement.findings))
                    (attempts())
                    (fetches(&page))
                }
                script #data type="application/json" { (PreEscaped(data)) }
                script { (PreEscaped(script)) }
            }
        }
    };
    markup.into_string()
}

fn head(page: &Page<'_>) -> Markup {
    let (scenario, index) = (page.scenario, page.index);
    let status = page.judgement.status();
    let clocks = facts::clocks(index);
    html! {
        h1 { (badge(status)) " " (scenario.title) }
        p.summary { (facts::summary(page.judgement)) }
        dl.facts {
            dt { "scenario" } dd { (facts::run_name(scenario)) }
            @for (system, hypothesis) in facts::systems(index) {
                dt { "system" }
                dd { (system) @if let Some(words) = hypothesis { br; (words) } }
            }
            dt { "run" } dd { (facts::run_words(scenario, index)) }
            @if !clocks.is_empty() { dt { "clocks" } dd { (clocks) } }
            dt { "again" } dd { code { (facts::command(scenario, index)) } }
        }
        @if let Some(words) = &scenario.description {
            details { summary { "What this scenario is about" } p.description { (words.trim()) } }
        }
    }
}

/// A status that does not rely on its colour.
fn badge(status: Status) -> Markup {
    html! { span class={ "badge " (status.as_str()) } { (status.as_str()) } }
}

fn expectations(findings: &[Finding]) -> Markup {
    html! {
        section aria-labelledby="expectations" {
            h2 #expectations { "Expectations" }
            @if findings.is_empty() {
                p { "Nothing was expected of this run." }
            } @else {
                table {
                    thead {
                        tr {
                            th scope="col" { "" } th scope="col" { "expectation" }
                            th scope="col" { "expected" } th scope="col" { "seen" }
                        }
                    }
                    tbody { @for finding in findings { (expectation(finding)) } }
                }
            }
        }
    }
}

fn expectation(finding: &Finding) -> Markup {
    let told = finding.verdict != Status::Held && !finding.nearest.is_empty();
    html! {
        tr {
            td { (badge(finding.verdict)) }
            th scope="row" {
                (finding.name)
                @if let Some(ticket) = &finding.known { br; "known as " (ticket) }
                @if !finding.shows.is_empty() { br; "shows " (finding.shows.join(", ")) }
            }
            td { (finding.expected) @if let Some(why) = &finding.why { br; em { (why) } } }
            td {
                (finding.seen)
                @if told {
                    br; "records: "
                    @for (i, n) in finding.nearest.iter().enumerate() {
                        @if i > 0 { ", " } a href={ "#n-" (n) } { (n) }
                    }
                }
            }
        }
    }
}

/// Where the script draws.
fn time_line() -> Markup {
    html! {
        section aria-labelledby="time-line" {
            h2 #time-line { "Time line" }
            noscript { p { "The time line and single attempts need JavaScript; everything else is here." } }
            p #controls .controls {}
            div #lanes tabindex="0" role="group" aria-describedby="keys" aria-label="Time line" {}
            p #keys .hint {
                "Keys: + and − zoom, ← and → move, 0 shows the whole run. Drag to choose a stretch; click an "
                "attempt, a fetch or a bar to see what is behind it. Times are lab time, UTC."
            }
            div #detail aria-live="polite" tabindex="-1" {}
        }
    }
}

fn episodes_table(page: &Page<'_>) -> Markup {
    let total = page.index.attempts.len();
    let found = &page.episodes;
    let attempts: u64 = found.iter().map(|e| e.attempts).sum();
    html! {
        section aria-labelledby="episodes" {
            h2 #episodes { "Episodes in which clients were not admitted" }
            @if total == 0 {
                p { "No attempt was made." }
            } @else if found.is_empty() {
                p { "All " (counted(total, "attempt")) " were admitted." }
            } @else {
                p {
                    (attempts) " of " (counted(total, "attempt")) " were not admitted, in "
                    (counted(found.len(), "episode")) "."
                }
                table {
                    thead {
                        tr {
                            th scope="col" { "episode" } th scope="col" { "from" }
                            th.number scope="col" { "length" } th.number scope="col" { "attempts" }
                            th scope="col" { "client" } th scope="col" { "outcome" }
                            th scope="col" { "ended" }
                        }
                    }
                    tbody {
                        @for (i, episode) in found.iter().take(MOST).enumerate() {
                            (episode_row(page, i, episode))
                        }
                    }
                }
                @if found.len() > MOST {
                    p { "and " (counted(found.len() - MOST, "episode")) " more" }
                }
            }
        }
    }
}

fn episode_row(page: &Page<'_>, place: usize, episode: &Episode) -> Markup {
    let clients: Vec<&str> = episode.clients.iter().map(|c| &**c).collect();
    let came = result_words(episode.outcome, episode.status, episode.substatus, episode.code);
    html! {
        tr {
            th scope="row" { a href={ "#n-" (episode.first) } data-episode=(place) { (place + 1) } }
            td { (at(episode.begin)) }
            td.number { (about(episode.length())) }
            td.number { (episode.attempts) }
            td { (clients.join(", ")) }
            td { (by_alert(came, episode.alert.as_ref())) }
            td { (facts::ended(page.index, episode)) }
        }
    }
}

/// Where the script lists what is in view.
fn attempts() -> Markup {
    html! {
        section .screen aria-labelledby="attempts" {
            h2 #attempts { "Attempts in view" }
            div #list {}
        }
    }
}

fn fetches(page: &Page<'_>) -> Markup {
    html! {
        section aria-labelledby="fetches" {
            h2 #fetches { "Fetches" }
            table {
                thead {
                    tr {
                        th.number scope="col" { "how many" } th scope="col" { "what" }
                        th scope="col" { "came to" } th scope="col" { "by" }
                    }
                }
                tbody {
                    @for count in summary::fetches(page.index) {
                        tr {
                            td.number { (count.count) }
                            td { (words::noun(count.purpose)) }
                            td {
                                @if count.succeeded { "fetched" } @else { "in vain" }
                                @if let Some(status) = count.status { ", status " (status) }
                                @if let Some(error) = count.error { ", " (error.as_str()) }
                                @if let Some(why) = &count.rejected { ", " (why) }
                            }
                            td {
                                (count.by) " " (count.process)
                                @if count.unsolicited { ", unsolicited" }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::judge::sample::Lab;
    use crate::report::sample::{healthy, outage};

    fn text(lab: &Lab, script: &str) -> String {
        let (scenario, trace) = (lab.scenario(), lab.trace());
        page(&scenario, &trace, &judge(&scenario, &trace), "", script)
    }

    #[test]
    fn what_is_read_without_a_script() {
        let text = text(&outage(), "").replace("><", ">\n<");
        let (before, _) = text.split_once("<script").unwrap();
        insta::assert_snapshot!(before);
    }

    #[test]
    fn the_data_are_a_table_of_the_trace() {
        let text = text(&outage(), "");
        let start = text.find("application/json\">").unwrap() + "application/json\">".len();
        let end = start + text[start..].find("</script>").unwrap();
        let data: serde_json::Value = serde_json::from_str(&text[start..end]).unwrap();
        let attempts = &data["attempts"];
        for column in ["n", "due", "client", "thread", "identity", "result", "took", "number"] {
            assert_eq!(attempts[column].as_array().unwrap().len(), 144, "{column}");
        }
        let due: i64 =
            attempts["due"].as_array().unwrap().iter().map(|d| d.as_i64().unwrap()).sum();
        assert_eq!(due, data["start"].as_i64().unwrap() + (24 * 60 - 10) * 60_000);
        insta::assert_snapshot!(format!(
            "{:#}\n{:#}\n{:#}\n{:#}",
            data["results"], data["checks"][1], data["fetches"][2], data["episodes"]
        ));
    }

    #[test]
    fn nothing_of_a_scenario_is_markup() {
        let mut lab = healthy();
        lab.scenario.title = "</title><script>alert(1)</script>".to_owned();
        lab.attempt_of("</script><b>", revlab_lab::Span::from_mins(3), Outcome::Failed, None);
        let text = text(&lab, "");
        assert!(!text.contains("<script>alert") && !text.contains("</script><b>"), "{text}");
    }

    #[test]
    fn a_run_without_a_record_has_a_page_too() {
        let scenario = outage().scenario();
        let judgement = judge(&scenario, &Trace::default());
        assert!(render(&scenario, &Trace::default(), &judgement).contains("No attempt was made."));
    }
}
