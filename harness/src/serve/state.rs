//! What a command comes to: a reply, and perhaps a change of what is served.

use revlab_fake_ca::config::CaOperation;
use revlab_lab::{Instant, Name, Span};
use revlab_pki::CertStatus;
use serde_json::{Map, Value as Json, json};

use super::control::{Command, HOLD, Problem, Which};
use super::core::ServeCore;
use super::faults::{from_now, merge};
use super::laboratory::{Known, Laboratory, from_hex, hex};
use super::openapi;

/// What the control API replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) allow: Option<String>,
}

const JSON: &str = "application/json";

impl Reply {
    fn json(status: u16, json: &Json) -> Reply {
        Reply { status, kind: JSON, body: format!("{json:#}\n"), allow: None }
    }

    fn done() -> Reply {
        Reply { status: 204, kind: JSON, body: String::new(), allow: None }
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Reply {
        let kind = "application/problem+json";
        let body = format!("{:#}\n", problem.json());
        Reply { status: problem.status, kind, body, allow: problem.allow }
    }
}

impl ServeCore {
    /// Carries a command out.
    pub(super) fn control(&mut self, clock: Instant, command: Command) -> Reply {
        self.pass(clock);
        self.carry(clock, command).unwrap_or_else(Reply::from)
    }

    fn carry(&mut self, clock: Instant, command: Command) -> Result<Reply, Problem> {
        let now = self.now(clock);
        match command {
            Command::Health => Ok(Reply::json(200, &json!({ "status": "ok" }))),
            Command::Metrics => Ok(Reply {
                kind: "text/plain; version=0.0.4; charset=utf-8",
                body: self.metrics.text(self.journal.len()),
                ..Reply::json(200, &Json::Null)
            }),
            Command::OpenApi => {
                Ok(Reply { body: openapi::TEXT.to_owned(), ..Reply::json(200, &Json::Null) })
            }
            Command::State => Ok(Reply::json(200, &self.state(now))),
            Command::Certificates => Ok(Reply::json(200, &self.certificates())),
            Command::Journal { limit } => {
                let mut journal = self.journal.json(limit);
                journal["start"] = json!(self.scenario.start);
                Ok(Reply::json(200, &journal))
            }
            Command::Forget => {
                self.journal.clear();
                Ok(Reply::done())
            }
            Command::Revoke { which, reason } => self.revoke(now, &which, reason),
            Command::Publish { ca, base } => {
                self.operate_named(now, ca.as_deref(), CaOperation::Publish { base })
            }
            Command::Release(which) => self.release(now, &which),
            Command::Skip { ca, base } => {
                self.operate_named(now, ca.as_deref(), CaOperation::Skip { base })
            }
            Command::Postpone { ca, base, by } => {
                self.operate_named(now, ca.as_deref(), CaOperation::Postpone { base, by })
            }
            Command::Restore { ca, back } => {
                self.operate_named(now, ca.as_deref(), CaOperation::Restore { back })
            }
            Command::Clock { ca: None, by } => Ok(self.move_on(clock, by)),
            Command::Clock { ca: Some(ca), by } => self.set_clock(now, &ca, by),
            Command::Reset => {
                self.reset(clock).map_err(|error| Problem::new(500, error.to_string()))?;
                Ok(Reply::json(200, &self.state(self.now(clock))))
            }
            other => self.carry_fault(now, other),
        }
    }

    fn carry_fault(&mut self, now: Instant, command: Command) -> Result<Reply, Problem> {
        match command {
            Command::Fault(name) => Ok(Reply::json(200, self.fault(&name)?)),
            Command::Add { name, mut table } => {
                if self.faults.contains_key(&name) {
                    let detail = "there is a fault of that name; PATCH changes it";
                    return Err(Problem::new(409, detail));
                }
                from_now(now, true, &mut table);
                self.put(&name, table)?;
                Ok(Reply::json(201, self.fault(&name)?))
            }
            Command::Change { name, mut patch } => {
                let mut table = match self.fault(&name)? {
                    Json::Object(table) => table.clone(),
                    _ => Map::new(),
                };
                from_now(now, false, &mut patch);
                merge(&mut table, patch);
                self.put(&name, table)?;
                Ok(Reply::json(200, self.fault(&name)?))
            }
            Command::Remove(name) => {
                self.fault(&name)?;
                let mut faults = self.faults.clone();
                faults.remove(&name);
                self.set_faults(faults)?;
                Ok(Reply::done())
            }
            Command::Populate(tables) => {
                let mut faults = self.faults.clone();
                for (name, mut table) in tables {
                    if let Json::Object(table) = &mut table {
                        from_now(now, true, table);
                    }
                    faults.insert(name, table);
                }
                self.set_faults(faults)?;
                Ok(Reply::json(201, &self.all_faults()))
            }
            Command::Heal => {
                let healed: Vec<String> = self.faults.keys().cloned().collect();
                self.set_faults(Map::new())?;
                Ok(Reply::json(200, &json!({ "healed": healed })))
            }
            _ => Ok(Reply::json(200, &self.all_faults())),
        }
    }

    fn all_faults(&self) -> Json {
        Json::Object(self.faults.clone())
    }

    fn fault(&self, name: &str) -> Result<&Json, Problem> {
        let hint = || crate::scenario::hint(name, self.faults.keys().map(String::as_str));
        self.faults
            .get(name)
            .ok_or_else(|| Problem::new(404, format!("there is no fault `{name}`{}", hint())))
    }

    fn put(&mut self, name: &str, table: Map<String, Json>) -> Result<(), Problem> {
        let mut faults = self.faults.clone();
        faults.insert(name.to_owned(), Json::Object(table));
        self.set_faults(faults)
    }

    fn revoke(
        &mut self,
        now: Instant,
        which: &Which,
        reason: Option<u8>,
    ) -> Result<Reply, Problem> {
        let known = self.which(which)?;
        if let Some(CertStatus::Revoked { .. }) = self.lab.ca.status(&known.ca, &known.serial) {
            return Err(Problem::new(409, format!("`{}` is revoked already", known.name)));
        }
        let operation = Laboratory::revocation(&known, reason);
        self.operate_ca(now, known.ca.clone(), operation);
        Ok(Reply::json(200, &self.certificate(&known)))
    }

    fn which(&self, which: &Which) -> Result<Known, Problem> {
        let (ca, serial) = match which {
            Which::Identity(name) => {
                let nobody = || format!("there is no certificate of `{name}`; see /certificates");
                return self.lab.named(name).ok_or_else(|| Problem::new(404, nobody()));
            }
            Which::Serial { ca, serial } => (ca.as_deref(), serial),
        };
        let octets = from_hex(serial)
            .ok_or_else(|| Problem::new(400, "`serial` is a serial number in hex"))?;
        let mut found = self.lab.with_serial(&octets);
        found.retain(|known| ca.is_none_or(|ca| *known.ca == *ca));
        match found.pop() {
            Some(known) if found.is_empty() => Ok(known),
            Some(_) => {
                Err(Problem::new(409, "several CAs have issued that serial number: say `ca`"))
            }
            None => Err(Problem::new(404, "no certificate has that serial number")),
        }
    }

    fn release(&mut self, now: Instant, which: &Which) -> Result<Reply, Problem> {
        let known = self.which(which)?;
        match self.lab.ca.status(&known.ca, &known.serial) {
            Some(CertStatus::Revoked { reason: Some(HOLD), .. }) => {}
            _ => return Err(Problem::new(409, format!("`{}` is not on hold", known.name))),
        }
        let operation = CaOperation::Release { serial: known.serial.clone() };
        self.operate_ca(now, known.ca.clone(), operation);
        Ok(Reply::json(200, &self.certificate(&known)))
    }

    /// Something is done at a CA; the reply says what it has published last.
    fn operate_named(
        &mut self,
        now: Instant,
        ca: Option<&str>,
        operation: CaOperation,
    ) -> Result<Reply, Problem> {
        let ca = self.named_ca(ca)?;
        self.operate_ca(now, ca.clone(), operation);
        Ok(Reply::json(200, &self.publications(&ca)))
    }

    /// The CA of this name; without a name the only one, or the one called `issuing`.
    fn named_ca(&self, ca: Option<&str>) -> Result<Name, Problem> {
        let mut names = self.scenario.cas.keys();
        let found = match ca {
            Some(ca) => names.find(|name| ***name == *ca),
            None if names.len() == 1 => names.next(),
            None => names.find(|name| ***name == *"issuing"),
        };
        let hint = || {
            let names = self.scenario.cas.keys().map(|name| &**name);
            crate::scenario::hint(ca.unwrap_or_default(), names)
        };
        let nobody = || match ca {
            Some(ca) => Problem::new(404, format!("there is no CA `{ca}`{}", hint())),
            None => Problem::new(400, format!("there are several CAs: say `ca`{}", hint())),
        };
        found.cloned().ok_or_else(nobody)
    }

    fn move_on(&mut self, clock: Instant, by: Span) -> Reply {
        self.ahead = self.ahead + by;
        self.pass(clock);
        let now = self.now(clock);
        Reply::json(200, &json!({ "now": now, "ahead": self.ahead.to_string() }))
    }

    /// A CA's own clock is set.
    fn set_clock(&mut self, now: Instant, ca: &str, by: Span) -> Result<Reply, Problem> {
        let ca = self.named_ca(Some(ca))?;
        let skew = self.lab.ca.step_clock(now, &ca, by).unwrap_or(Span::ZERO);
        let json = json!({
            "now": now,
            "ahead": self.ahead.to_string(),
            "ca": &*ca,
            "skew": skew.to_string(),
        });
        Ok(Reply::json(200, &json))
    }

    fn state(&self, now: Instant) -> Json {
        let cas: Map<String, Json> =
            self.scenario.cas.keys().map(|ca| (ca.to_string(), self.ca_state(ca))).collect();
        let active = self.in_force().filter(|fault| fault.is_active(now));
        json!({
            "scenario": self.scenario.name,
            "variant": self.scenario.variant.as_deref(),
            "revlab": env!("CARGO_PKG_VERSION"),
            "start": self.scenario.start,
            "now": now,
            "ahead": self.ahead.to_string(),
            "cas": cas,
            "faults": self.faults.keys().collect::<Vec<_>>(),
            "active_faults": active.map(|fault| &*fault.name).collect::<Vec<_>>(),
            "journal": self.journal.len(),
        })
    }

    fn ca_state(&self, ca: &Name) -> Json {
        let urls = self.lab.ca.urls(ca);
        json!({
            "base": urls.as_ref().map(|urls| &urls.base),
            "delta": urls.as_ref().and_then(|urls| urls.delta.as_ref()),
            "certificate": urls.as_ref().map(|urls| &urls.certificate),
            "ocsp": urls.as_ref().map(|urls| &urls.ocsp),
            "published": self.publications(ca),
        })
    }

    /// What a CA has published last.
    fn publications(&self, ca: &Name) -> Json {
        let of_ca = self.latest.iter().filter(|((of, _), _)| of == ca);
        let published: Map<String, Json> = of_ca
            .map(|((_, what), publish)| {
                let json = json!({
                    "number": publish.number,
                    "base_number": publish.base_number,
                    "this_update": publish.this_update,
                    "next_update": publish.next_update,
                    "entries": publish.entries,
                    "bytes": publish.bytes,
                    "sha1": publish.sha1,
                });
                ((*what).to_owned(), json)
            })
            .collect();
        Json::Object(published)
    }

    fn certificates(&self) -> Json {
        self.lab.known().map(|known| self.certificate(&known)).collect()
    }

    fn certificate(&self, known: &Known) -> Json {
        let (status, reason, revoked_at) = match self.lab.ca.status(&known.ca, &known.serial) {
            Some(CertStatus::Revoked { at, reason }) => ("revoked", reason, Some(at)),
            Some(CertStatus::Good) => ("good", None, None),
            _ => ("unknown", None, None),
        };
        json!({
            "name": &*known.name,
            "ca": &*known.ca,
            "serial": hex(&known.serial),
            "status": status,
            "reason": reason,
            "revoked_at": revoked_at,
        })
    }
}
