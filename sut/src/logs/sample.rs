//! Hand-made records for the tests of the logs.

use revlab_lab::http::{FetchError, Method};
use revlab_lab::trace::{
    Attempt, Check, Fetch, Handshake, Kind, ObjectInfo, Purpose, Record, TlsVersion, Verdict,
};
use revlab_lab::{Code, Instant, Outcome, Span};

/// 2014-04-16T00:00:00Z.
pub(super) const START: Instant = Instant::from_millis(1_397_606_400_000);
/// Where the base CRL is.
pub(super) const BASE_URL: &str = "http://win-msprl0t325o/CertEnroll/XXX-CA(1).crl";
/// Where OCSP is asked, in vain.
pub(super) const OCSP_URL: &str = "http://win-msprl0t325o/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt";

/// A record whose number is its second of the day.
pub(super) fn record(t: Instant, attempt: Attempt) -> Record {
    numbered(t, Kind::Attempt(attempt))
}

/// Any record whose number is its second of the day.
pub(super) fn numbered(t: Instant, kind: Kind) -> Record {
    Record { n: (t - START).as_secs().unsigned_abs(), t, kind }
}

/// An attempt that was let in after `took_ms`.
pub(super) fn admitted(took_ms: i64) -> Attempt {
    Attempt {
        client: "jmeter".into(),
        thread: 0,
        identity: "jmeter-1".into(),
        due: START,
        began: None,
        phase: None,
        phases_ms: None,
        tls: Some(TlsVersion::V1_2),
        http: None,
        cipher: None,
        handshake: Handshake::Full,
        outcome: Outcome::Admitted,
        status: Some(200),
        substatus: None,
        code: None,
        alert: None,
        error: None,
        took_ms,
        wall_ms: None,
        checks: vec![1],
        validations: Vec::new(),
    }
}

/// An attempt that was refused as in the incident.
pub(super) fn refused(took_ms: i64) -> Attempt {
    Attempt {
        outcome: Outcome::Refused,
        status: Some(403),
        substatus: Some(13),
        code: Some(Code::CRYPT_E_REVOCATION_OFFLINE),
        ..admitted(took_ms)
    }
}

/// A fetch that brought base CRL no. 7.
pub(super) fn base_fetch(id: u64, t: Instant, check: u64) -> Fetch {
    Fetch {
        id,
        began: t - Span::from_millis(2),
        by: "web".into(),
        process: "lsass.exe".into(),
        purpose: Purpose::Base,
        method: Method::Get,
        url: BASE_URL.parse().unwrap(),
        status: Some(200),
        substatus: None,
        error: None,
        rejected: None,
        bytes: 700,
        took_ms: 2,
        object: Some(ObjectInfo {
            number: Some(7),
            base_number: None,
            this_update: START - Span::from_mins(10),
            next_update: Some(START + Span::from_mins(75)),
            sha1: Some("da39a3ee5e6b4b0d3255bfef95601890afd80709".into()),
        }),
        check: Some(check),
        unsolicited: None,
        client: Some("jmeter-1".into()),
        faults: Vec::new(),
    }
}

/// An OCSP request that was answered with 404, or with nothing.
pub(super) fn ocsp_fetch(id: u64, t: Instant, check: u64, error: Option<FetchError>) -> Fetch {
    Fetch {
        purpose: Purpose::Ocsp,
        url: format!("{OCSP_URL}/MFEwTzBN").parse().unwrap(),
        status: error.is_none().then_some(404),
        error,
        object: None,
        ..base_fetch(id, t, check)
    }
}

/// A check of `jmeter-1` without steps.
pub(super) fn check(number: u64, verdict: Verdict, code: Option<Code>) -> Check {
    Check {
        check: number,
        began: None,
        by: "web".into(),
        same_as: None,
        process: Some("lsass.exe".into()),
        subject: Some("jmeter-1".into()),
        verdict: Some(verdict),
        code,
        used: Vec::new(),
        steps: Vec::new(),
    }
}
