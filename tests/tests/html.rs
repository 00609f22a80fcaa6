//! `report.html` in headless Chromium: what a reader sees, clicks and types.

use std::path::{Path, PathBuf};

use revlab::exec::{self, Options, Transport};
use revlab::{judge, report, scenario};
use revlab_lab::Outcome;
use revlab_lab::trace::{Kind, Trace};
use revlab_tests::program::{program, run};

/// A day in the reporter's lab, with outages: its trace and its page.
fn page() -> (Trace, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/kb2666300/lab.toml");
    let scenarios = scenario::load(&file).expect("no mistakes");
    let unpatched = scenarios.iter().find(|s| s.variant.as_deref() == Some("unpatched"));
    let scenario = unpatched.expect("the variant");
    let run = exec::run(scenario, Transport::Sim, &Options::default(), &mut std::io::sink());
    let trace = run.expect("a run").trace;
    let html = report::html::render(scenario, &trace, &judge::judge(scenario, &trace));
    (trace, html)
}

/// The record of the first attempt that was refused.
fn first_refused(trace: &Trace) -> u64 {
    let refused = |kind: &Kind| matches!(kind, Kind::Attempt(a) if a.outcome == Outcome::Refused);
    trace.records().iter().find(|r| refused(&r.kind)).expect("an outage").n
}

struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Browser {
    fn new() -> Option<Browser> {
        let program = program("chromium")?;
        Some(Browser { program, folder: tempfile::tempdir().expect("a folder") })
    }

    /// The page as it is once its scripts have run.
    fn open(&self, html: &str, place: &str) -> String {
        std::fs::write(self.folder.path().join("page.html"), html).expect("a page");
        let url = format!("file://{}/page.html{place}", self.folder.path().display());
        let line = format!(
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
             --disable-background-networking --disable-component-update --disable-sync \
             --user-data-dir=profile --dump-dom {url}"
        );
        let said = run(&self.program, self.folder.path(), &line);
        assert!(said.ok, "{}", said.text);
        // Only a script that came to its end says so.
        assert!(said.text.contains("data-drawn="), "a script failed: {place}");
        said.text
    }
}

/// The part of a page between two marks.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from}"));
    let rest = &text[start..];
    &rest[..rest.find(to).unwrap_or(rest.len())]
}

/// With a script at its end that does something and leaves what it saw.
fn with_hands(html: &str, hands: &str) -> String {
    let script = format!(
        "<script>const seen = [];\nconst where = () => document.getElementById('where').textContent;\n\
         const lanes = document.getElementById('lanes');\n\
         const key = (key) => lanes.dispatchEvent(new KeyboardEvent('keydown', {{ key, bubbles: true }}));\n\
         const button = (words) => [...document.querySelectorAll('button')]\
         .find((b) => b.textContent === words);\n{hands}\n\
         document.documentElement.dataset.seen = JSON.stringify(seen);</script></body>"
    );
    html.replacen("</body>", &script, 1)
}

fn seen(dom: &str) -> Vec<String> {
    let text = between(dom, "data-seen=\"", "\">").replacen("data-seen=\"", "", 1);
    let text = text.split('"').next().unwrap_or_default().replace("&quot;", "\"");
    serde_json::from_str(&text).expect("a list of texts")
}

#[test]
fn the_page_asks_no_network_for_anything() {
    let (_, html) = page();
    assert!(html.contains("default-src 'none'"));
    for loads in [" src=", "<link", "@import", "url(http", "fetch(", "XMLHttpRequest", "<iframe"] {
        assert!(!html.contains(loads), "{loads}");
    }
}

#[test]
fn an_attempt_tells_its_check_its_fetches_and_the_rule_behind_each_step() {
    let Some(browser) = Browser::new() else { return };
    let (trace, html) = page();
    let dom = browser.open(&html, &format!("#n-{}", first_refused(&trace)));
    let detail = between(&dom, "id=\"detail\"", "</section>");
    for words in [
        "refused with 403.13, 0x80092013 CRYPT_E_REVOCATION_OFFLINE",
        "Why: the check, step by step",
        "base CRL 17 in memory is stale",
        "OCSP has just failed",
        "inferred",
        "Fetched in it: OCSP answer",
        "status 404",
        "revlab run scenarios/kb2666300/lab.toml --variant unpatched --seed 1 --explain",
    ] {
        assert!(detail.contains(words), "{words}");
    }
    let lanes = between(&dom, "<svg viewBox", "</svg>");
    for words in ["class=\"refused\"", "episode 3", "issuing: base CRL", "Attempts: 7557 admitted"]
    {
        assert!(lanes.contains(words), "{words}");
    }
}

#[test]
fn a_fetch_tells_what_it_brought_as_the_ca_published_it() {
    let Some(browser) = Browser::new() else { return };
    let (trace, html) = page();
    let base = |kind: &Kind| matches!(kind, Kind::Fetch(f) if f.object.is_some() && f.succeeded());
    let fetch = trace.records().iter().find(|r| base(&r.kind)).expect("a CRL was fetched");
    let dom = browser.open(&html, &format!("#n-{}", fetch.n));
    let detail = between(&dom, "id=\"detail\"", "</section>");
    for words in ["Fetch of", "thisUpdate", "nextUpdate", "SHA-1", "published", "lists"] {
        assert!(detail.contains(words), "{words}");
    }
}

#[test]
fn it_can_be_used_with_the_keyboard_alone() {
    let Some(browser) = Browser::new() else { return };
    let (_, html) = page();
    let hands =
        "seen.push(where()); key('+'); seen.push(where()); key('ArrowRight'); seen.push(where());
        key('x'); seen.push(where()); key('0'); seen.push(where());
        seen.push(String(lanes.tabIndex)); seen.push(lanes.firstChild.getAttribute('role'));";
    let seen = seen(&browser.open(&with_hands(&html, hands), ""));
    let [whole, zoomed, moved, unmoved, again, tab, role] = &seen[..] else { panic!("{seen:?}") };
    assert!(whole.contains("(1d). Attempts: 7557 admitted, 1083 refused."), "{whole}");
    assert!(zoomed.contains("06:00:00 to 2014-04-16 18:00:00 (12h)"), "{zoomed}");
    assert!(moved.contains("09:00:00 to 2014-04-16 21:00:00 (12h)"), "{moved}");
    assert_eq!((unmoved, again), (moved, whole));
    assert_eq!((&**tab, &**role), ("0", "img"));
}

#[test]
fn a_list_is_filtered_and_turned_and_an_episode_is_gone_to() {
    let Some(browser) = Browser::new() else { return };
    let (_, html) = page();
    let hands = "const list = document.getElementById('list');
        const bar = () => list.firstChild.lastChild.textContent;
        const choose = (name) => { const s = list.querySelector('select'); s.value = name;
          s.dispatchEvent(new Event('change')); };
        seen.push(bar()); choose('refused'); seen.push(bar()); button('later').click(); seen.push(bar());
        choose('failed'); seen.push(bar());
        document.querySelector('a[data-episode=\"1\"]').click(); seen.push(where());
        seen.push(String(list.querySelectorAll('script').length));";
    let seen = seen(&browser.open(&with_hands(&html, hands), ""));
    let [all, refused, later, failed, episode, scripts] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(all, "1 to 50 of 8640");
    assert_eq!(refused, "1 to 50 of 1083");
    assert_eq!(later, "51 to 100 of 1083");
    assert_eq!(failed, "none");
    assert!(episode.starts_with("2014-04-16 11:29:20 to 2014-04-16 14:29:50"), "{episode}");
    assert_eq!(scripts, "0");
}
