//! Validations for others: a validator judges a server or a client, a server its directory.
//!
//! Which code each failure shows as is inferred: winerror.h has codes of their own for what goes wrong
//! between a server, a directory and a client certificate, and their texts fit; no source says that IIS
//! shows them.

use revlab_lab::trace::{Party, Validation, Verdict};
use revlab_lab::{Code, Instant, Out};

use super::{Machine, server_name};
use crate::engine::{Caller, Conclusion, Presented};
use crate::event::{SutAction, Validate};
use crate::iis::Page;

impl Machine {
    /// A certificate is to be judged.
    pub(super) fn validate(&mut self, now: Instant, validate: Validate, out: &mut Out<SutAction>) {
        let (attempt, of) = (validate.attempt, validate.of);
        let caller = match of {
            Party::Directory => Caller::Directory(attempt),
            Party::Server | Party::Client => Caller::Asked(attempt),
        };
        if validate.peer.is_empty() {
            return self.unanswered(now, attempt, of, out);
        }
        let peer = validate.peer.clone();
        let entries = peer.iter().cloned().zip(validate.staples.iter().cloned());
        let staples = entries.filter_map(|(certificate, staple)| Some((certificate, staple?)));
        let presented = Presented { by_server: of != Party::Client, staples: staples.collect() };
        self.asked.insert(attempt, validate);
        self.engine.check(now, &peer, presented, caller, out);
    }

    /// The server knows what to think of its directory: it asks it, or refuses the client.
    pub(super) fn know_directory(
        &mut self,
        now: Instant,
        attempt: u64,
        conclusion: &Conclusion,
        out: &mut Out<SutAction>,
    ) {
        let asked = self.asked.remove(&attempt);
        let objection = self.objection(conclusion).or_else(|| misnamed(asked.as_ref()));
        let validation = self.validation(Party::Directory, conclusion, objection);
        let Some(open) = self.open.get_mut(&attempt) else { return };
        open.validations.push(validation);
        match (objection, self.directory.clone()) {
            (None, Some(directory)) => {
                let peer = open.peer.clone();
                out.act(SutAction::Consult { attempt, directory, peer });
            }
            (Some(code), _) => self.respond(now, attempt, Page::Logon(of_directory(code)), out),
            (None, None) => self.respond(now, attempt, Page::Welcome, out),
        }
    }

    /// The directory has said what it thinks of the client.
    pub(super) fn heed(
        &mut self,
        now: Instant,
        attempt: u64,
        said: Validation,
        out: &mut Out<SutAction>,
    ) {
        let Some(open) = self.open.get_mut(&attempt) else { return };
        let page = said.code.map_or(Page::Welcome, Page::Logon);
        open.validations.push(said);
        self.respond(now, attempt, page, out);
    }

    /// What another machine waited for is known.
    pub(super) fn tell(
        &mut self,
        _now: Instant,
        attempt: u64,
        conclusion: &Conclusion,
        out: &mut Out<SutAction>,
    ) {
        let Some(asked) = self.asked.remove(&attempt) else { return };
        let objection = self.objection(conclusion);
        let mut validation = self.validation(asked.of, conclusion, objection);
        if asked.of == Party::Client {
            let account = self.accounts.as_ref().zip(asked.peer.first());
            let account = account.and_then(|(accounts, own)| accounts.of(own)).cloned();
            validation.code = match objection {
                Some(code) => Some(of_client(code)),
                None => account.is_none().then_some(Code::SEC_E_LOGON_DENIED),
            };
            validation.account = account.filter(|_| validation.code.is_none());
        } else {
            validation.code = objection.or_else(|| misnamed(Some(&asked)));
        }
        out.act(SutAction::Validated { attempt, validation });
    }

    /// Nothing can be said: the certificate is missing, or the machine goes down.
    pub(super) fn unanswered(
        &mut self,
        now: Instant,
        attempt: u64,
        of: Party,
        out: &mut Out<SutAction>,
    ) {
        let (check, verdict) = (0, Verdict::NotChecked);
        let code = Some(match of {
            Party::Client => Code::SEC_E_LOGON_DENIED,
            Party::Server => Code::CERT_E_CHAINING,
            Party::Directory => Code::SEC_E_ISSUING_CA_UNTRUSTED_KDC,
        });
        let validation =
            Validation { by: self.name.clone(), of, check, verdict, code, account: None };
        match of {
            Party::Directory => self.heed(now, attempt, validation, out),
            Party::Server | Party::Client => {
                out.act(SutAction::Validated { attempt, validation });
            }
        }
    }
}

/// What is wrong with the names of a certificate that is in order otherwise.
fn misnamed(asked: Option<&Validate>) -> Option<Code> {
    let asked = asked?;
    let own = asked.peer.first()?;
    let other_host = asked.host.as_ref().is_some_and(|host| !server_name::is_for(own, host));
    let other = asked.principal.as_ref().is_some_and(|wanted| !server_name::is_of(own, wanted));
    match (other_host, other) {
        (true, _) => Some(Code::CERT_E_CN_NO_MATCH),
        (false, true) => Some(Code::SEC_E_WRONG_PRINCIPAL),
        (false, false) => None,
    }
}

/// What a server says when it does not accept its directory.
fn of_directory(code: Code) -> Code {
    match code {
        Code::CRYPT_E_REVOKED => Code::SEC_E_KDC_CERT_REVOKED,
        Code::CRYPT_E_REVOCATION_OFFLINE | Code::CRYPT_E_NO_REVOCATION_CHECK => {
            Code::SEC_E_REVOCATION_OFFLINE_KDC
        }
        Code::CERT_E_EXPIRED => Code::SEC_E_KDC_CERT_EXPIRED,
        _ => Code::SEC_E_ISSUING_CA_UNTRUSTED_KDC,
    }
}

/// What a directory says when it does not accept a client.
fn of_client(code: Code) -> Code {
    match code {
        Code::CRYPT_E_REVOKED => Code::SEC_E_SMARTCARD_CERT_REVOKED,
        Code::CRYPT_E_REVOCATION_OFFLINE | Code::CRYPT_E_NO_REVOCATION_CHECK => {
            Code::SEC_E_REVOCATION_OFFLINE_C
        }
        Code::CERT_E_EXPIRED => Code::SEC_E_SMARTCARD_CERT_EXPIRED,
        _ => Code::SEC_E_ISSUING_CA_UNTRUSTED,
    }
}
