//! The envelope around every event: who logged it, when, and to which task it belongs.
//!
//! Provider, channel, ids, tasks, opcodes, levels and keywords are documented in the provider's
//! manifest (fact sheet §5.1). Process ids and TaskIds are derived, not drawn.

use revlab_lab::{Code, Instant};

use super::Event;
use super::words::Budgets;
use crate::logs::xml::Xml;
use crate::logs::{Options, identifier, message};

const EVENT: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
const PROVIDER: &str = "Microsoft-Windows-CAPI2";
const GUID: &str = "{5bbca4a8-b209-48dc-a8c7-b23d3e5216fb}";
const CHANNEL: &str = "Microsoft-Windows-CAPI2/Operational";

/// An event before it is written.
pub(super) struct Draft<'a> {
    /// When it was logged, in lab time.
    pub(super) t: Instant,
    pub(super) task: Task<'a>,
    /// Its place in the task, counting from 1.
    pub(super) seq: u32,
    pub(super) event: Event<'a>,
}

/// What shares one TaskId.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    /// The process that logs.
    pub(super) process: &'a str,
    /// `check`, or `prefetch`.
    pub(super) of: &'static str,
    /// The check's number, or the fetch's.
    pub(super) number: u64,
}

/// What the manifest says about an event.
pub(super) struct Manifest {
    /// Event id and task: the number of the "stop" event.
    pub(super) id: u16,
    /// 2: stop, 0: info.
    pub(super) opcode: u8,
    /// Low word of the keywords.
    pub(super) keywords: u16,
    /// The element below `UserData`.
    pub(super) root: &'static str,
}

/// What an event came to.
pub(super) struct Outcome {
    /// HRESULT; 0: success.
    pub(super) result: Code,
    /// Its text, where it is not the system's message to the code.
    pub(super) text: Option<String>,
}

impl From<Code> for Outcome {
    fn from(result: Code) -> Outcome {
        Outcome { result, text: None }
    }
}

/// Writes one event with its envelope.
pub(super) fn write(
    xml: &mut Xml,
    draft: &Draft<'_>,
    number: u64,
    sut: &str,
    budgets: &Budgets,
    options: &Options,
) {
    let manifest = draft.event.manifest();
    let outcome = draft.event.outcome();
    xml.element("Event", &[("xmlns", EVENT)], |xml| {
        xml.element("System", &[], |xml| {
            system(xml, draft, &manifest, &outcome, number, options);
        });
        xml.element("UserData", &[], |xml| {
            xml.element(manifest.root, &[], |xml| {
                draft.event.body(xml, budgets, options);
                trailer(xml, draft, &outcome, sut);
            });
        });
    });
}

fn system(
    xml: &mut Xml,
    draft: &Draft<'_>,
    manifest: &Manifest,
    outcome: &Outcome,
    number: u64,
    options: &Options,
) {
    let id = manifest.id.to_string();
    let failed = outcome.result != Code(0);
    let process = identifier::process_id(draft.task.process).to_string();
    let keywords = format!("0x{:x}", 0x4000_0000_0000_0000 | u64::from(manifest.keywords));
    let stamp = options.stamp(draft.t).to_string();
    xml.empty("Provider", &[("Name", PROVIDER), ("Guid", GUID)]);
    xml.text("EventID", &[], &id);
    xml.text("Version", &[], "0");
    xml.text("Level", &[], if failed { "2" } else { "4" });
    xml.text("Task", &[], &id);
    xml.text("Opcode", &[], &manifest.opcode.to_string());
    xml.text("Keywords", &[], &keywords);
    xml.empty("TimeCreated", &[("SystemTime", &stamp)]);
    xml.text("EventRecordID", &[], &number.to_string());
    xml.empty("Correlation", &[]);
    xml.empty("Execution", &[("ProcessID", &process)]);
    xml.text("Channel", &[], CHANNEL);
    xml.text("Computer", &[], &options.computer);
}

/// What ends every event's data: process, task and result.
fn trailer(xml: &mut Xml, draft: &Draft<'_>, outcome: &Outcome, sut: &str) {
    let task = identifier::guid(&format!("{sut}/{}", draft.task.of), &[draft.task.number]);
    let seq = draft.seq.to_string();
    xml.empty("EventAuxInfo", &[("ProcessName", draft.task.process)]);
    xml.empty("CorrelationAuxInfo", &[("TaskId", &task), ("SeqNumber", &seq)]);
    let text = outcome.text.as_deref().unwrap_or(message::text(outcome.result));
    result(xml, "Result", outcome.result, text);
}

/// `Result` or `Error`: the code as its value, the text within. A success has neither: it is 0.
pub(super) fn result(xml: &mut Xml, name: &str, code: Code, text: &str) {
    let value = format!("{:X}", code.0);
    match code {
        Code(0) => xml.empty(name, &[("value", "0")]),
        _ if text.is_empty() => xml.empty(name, &[("value", &value)]),
        _ => xml.text(name, &[("value", &value)], text),
    }
}

impl Event<'_> {
    fn manifest(&self) -> Manifest {
        match self {
            Event::Chain(_) => super::event_11::MANIFEST,
            Event::Revocation(_) => super::event_41::MANIFEST,
            Event::Rejected(_) => super::event_42::MANIFEST,
            Event::Cache(_) => super::event_51::MANIFEST,
            Event::Wire(_) => super::event_53::MANIFEST,
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Event::Chain(e) => e.code.into(),
            Event::Revocation(e) => e.part.code.into(),
            Event::Rejected(e) => e.outcome().into(),
            Event::Cache(e) => e.outcome(),
            Event::Wire(e) => e.outcome(),
        }
    }

    fn body(&self, xml: &mut Xml, budgets: &Budgets, options: &Options) {
        match self {
            Event::Chain(e) => e.body(xml, options),
            Event::Revocation(e) => e.body(xml, budgets, options),
            Event::Rejected(e) => e.body(xml),
            Event::Cache(e) => e.body(xml, options),
            Event::Wire(e) => e.body(xml, budgets),
        }
    }
}
