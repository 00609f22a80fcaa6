//! A scenario as it is meant: typed, checked, one variant applied. Plain data.

use std::collections::BTreeMap;

use revlab_clients::plan::ClientPlan;
use revlab_fake_ca::config::CaConfig;
use revlab_lab::network::Network;
use revlab_lab::trace::{Purpose, Verdict};
use revlab_lab::{Code, Instant, Name, Outcome, Seed, Span};
use revlab_pki::CrlExtension;
use revlab_sut::config::{SutConfig, ValidatorConfig};

/// One variant of a scenario, ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Path below the scenario library (or the file's own name), without `.toml`:
    /// `kb2666300/lab`.
    pub name: String,
    /// One line.
    pub title: String,
    /// What it shows and where it comes from.
    pub description: Option<String>,
    /// The variant that was applied; none: the scenario has no variants.
    pub variant: Option<Name>,
    /// Labels to select by.
    pub tags: Vec<String>,
    /// The merged scenario as TOML text, as `--out` keeps it.
    pub resolved: String,
    /// Start of lab time.
    pub start: Instant,
    /// How long the run lasts.
    pub duration: Span,
    /// By how much durations may be divided where the run is made in real time.
    pub divide: Option<u32>,
    /// Whether real servers run it in real time in any case, because it shows what they do with many
    /// attempts at once.
    pub always_real: bool,
    /// The seed of all chance.
    pub seed: Seed,
    /// Durations on the way.
    pub network: Network,
    /// The CAs by name; parents before children is not implied.
    pub cas: BTreeMap<Name, CaConfig>,
    /// The systems under test by name.
    pub suts: BTreeMap<Name, SutConfig>,
    /// The validators by name.
    pub validators: BTreeMap<Name, ValidatorConfig>,
    /// The clients by name.
    pub clients: BTreeMap<Name, ClientPlan>,
    /// The faults by name.
    pub faults: BTreeMap<Name, revlab_fake_ca::fault::FaultConfig>,
    /// The operations by name.
    pub operations: BTreeMap<Name, Operation>,
    /// The expectations in the order of the file.
    pub expectations: Vec<Expectation>,
}

/// What an administrator does, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its name in the scenario.
    pub name: Name,
    /// The actor it is done to.
    pub on: Name,
    /// The first time.
    pub at: Instant,
    /// Repeated so often, up to `until`.
    pub every: Option<Span>,
    /// No repetition at or after this; the end of the run unless set.
    pub until: Instant,
    /// What is done.
    pub action: OperationKind,
}

/// What an administrator can do.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationKind {
    /// On a SUT.
    Sut(revlab_sut::config::SutOperation),
    /// On a CA: revokes the certificate of an identity (`jmeter-1`), a SUT, a directory or a CA below it.
    Revoke {
        /// Whose certificate.
        identity: Name,
        /// Reason code, RFC 5280 §5.3.1.
        reason: Option<u8>,
        /// Further extensions of the CRL entry.
        extensions: Vec<CrlExtension>,
    },
    /// On a CA: publishes now.
    Publish {
        /// A base (with a delta where there are deltas), or a delta alone.
        base: bool,
    },
    /// On a CA: takes the certificate of an identity off hold.
    Release {
        /// Whose certificate.
        identity: Name,
    },
    /// On a CA: what is about the CA alone, such as skipping an issue.
    Ca(revlab_fake_ca::config::CaOperation),
    /// On a CA: the AIA of the CA is corrected and all client certificates of it are issued anew
    /// with these OCSP URLs; the clients use the new ones from then on.
    Reissue {
        /// URLs under id-ad-ocsp of the new certificates.
        ocsp: Vec<revlab_lab::http::Url>,
    },
    /// On a CA: all faults on it end, those that were to come included.
    Heal,
    /// On a SUT: its certificate is exchanged for a new one of the same CA, with the same subject and
    /// the same dates.
    SwapCertificate {
        /// The DNS names of the new one.
        names: Vec<String>,
    },
    /// On a SUT: its first certificate is put back.
    RestoreCertificate,
    /// On clients: "clear SSL state": TLS sessions and remembered certificates are forgotten.
    ClearSslState,
}

/// Something the scenario expects of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Its name in the scenario.
    pub name: Name,
    /// Why it is expected, in words: shown when it fails.
    pub why: Option<String>,
    /// Labels of observations that it shows, such as `O2` of the fact sheet.
    pub shows: Vec<String>,
    /// The ticket under which it is known to fail.
    pub known: Option<String>,
    /// Only what lies in this window counts: [from, to).
    pub window: Window,
    /// What is expected.
    pub kind: ExpectationKind,
}

/// A stretch of lab time, [from, to).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Inclusive.
    pub from: Instant,
    /// Exclusive.
    pub to: Instant,
}

impl Window {
    /// Whether `t` lies in it.
    pub fn contains(self, t: Instant) -> bool {
        self.from <= t && t < self.to
    }
}

/// What can be expected. Each kind is judged by the file of its name under `judge/`.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectationKind {
    /// A share of the attempts that are due in the window had this outcome.
    Attempts {
        /// Which share.
        share: Share,
        /// Of which attempts.
        of: AttemptFilter,
        /// The outcome and code that are counted.
        result: ResultFilter,
    },
    /// Episodes: unbroken runs of attempts with the same outcome and code.
    Episodes {
        /// Of which attempts: those of other clients neither belong to nor break an episode.
        of: AttemptFilter,
        /// Episodes of what.
        result: ResultFilter,
        /// How many.
        count: Count,
        /// How long each lasts, from its first attempt to the first one after it.
        length: Option<SpanRange>,
        /// Whether each ends before the run does, with no operation in or at the end of it.
        heals: Option<bool>,
        /// When the first begins, from the start of the run.
        first: Option<SpanRange>,
        /// From the begin of one to the begin of the next.
        apart: Option<SpanRange>,
    },
    /// A number of fetches.
    Fetches {
        /// Of which fetches.
        of: FetchFilter,
        /// How many: in the window, or in each episode of `during`.
        count: Count,
        /// Only in these episodes, each judged by itself; there must be at least one.
        during: Option<During>,
        /// Only while the SUT's newest base CRL was past its nextUpdate.
        while_base_stale: bool,
    },
    /// These fetches in this order, each near its time.
    Order {
        /// In order.
        sequence: Vec<OrderItem>,
        /// How far each may be from its time, either way.
        within: Span,
        /// No other fetch that matches this in the window.
        only: Option<FetchFilter>,
    },
    /// Each fetch of one kind is followed by one of another.
    Follows {
        /// Each of these; there must be at least one.
        after: FetchFilter,
        /// Is followed by one of these.
        then: FetchFilter,
        /// Within this time of the former's end.
        within: Span,
    },
    /// A number or a share of the SUT's checks.
    Checks {
        /// Which checks are looked at.
        of: CheckFilter,
        /// Of those, which are counted.
        result: CheckResult,
        /// How many; exclusive with `share`.
        count: Option<Count>,
        /// Which share.
        share: Option<Share>,
        /// Only in these episodes, each judged by itself; there must be at least one.
        during: Option<During>,
    },
    /// From each revocation to the last admission of that certificate at most so long. At least
    /// one revocation must have happened, to a certificate that was admitted before it and tried
    /// again after it.
    Exposure {
        /// At most.
        at_most: Span,
    },
    /// Lines in the SUT's own log.
    Log {
        /// With this code.
        code: Option<Code>,
        /// In a log whose path contains this.
        file: Option<String>,
        /// How many.
        count: Count,
    },
}

/// Which attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// Of these clients; empty: of all.
    pub clients: Vec<Name>,
    /// With this identity.
    pub identity: Option<Name>,
}

/// Which outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFilter {
    /// The outcome.
    pub outcome: Outcome,
    /// With this code.
    pub code: Option<Code>,
    /// With this IIS sub-status.
    pub substatus: Option<u16>,
    /// Brought about by this validator or SUT: the one that did not accept a certificate.
    pub by: Option<Name>,
}

/// Which fetches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchFilter {
    /// For one of these; empty: for any.
    pub purposes: Vec<Purpose>,
    /// Whose URL contains this.
    pub url: Option<String>,
    /// With this HTTP status.
    pub status: Option<u16>,
    /// That brought what they were made for, or did not.
    pub succeeded: Option<bool>,
    /// By this process.
    pub process: Option<Name>,
    /// By this SUT, or this validator's machines.
    pub by: Option<Name>,
    /// Made without a check (prefetch), or for one.
    pub unsolicited: Option<bool>,
}

/// Which checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckFilter {
    /// By this process.
    pub process: Option<Name>,
    /// By this SUT, or this validator's machines.
    pub by: Option<Name>,
    /// Of this identity.
    pub identity: Option<Name>,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckResult {
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// The code.
    pub code: Option<Code>,
    /// It found its base CRL in this state when it first looked in memory.
    pub base: Option<revlab_lab::trace::State>,
}

/// Episodes of an outcome, as a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct During {
    /// Of which attempts.
    pub of: AttemptFilter,
    /// Episodes of what.
    pub result: ResultFilter,
    /// Only the first so much of each episode, counted from the begin of its first attempt;
    /// none: from there to the end of its last attempt.
    pub at_start: Option<Span>,
}

/// One fetch of an expected order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    /// What is fetched.
    pub of: FetchFilter,
    /// When its answer is expected, as the CA's log stamps it.
    pub at: Instant,
}

/// A share of a number of things.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// Every one, and there is at least one.
    All,
    /// Not one, and there is at least one that could have been.
    None,
    /// At least this part (0 to 1), and there is at least one.
    AtLeast(f64),
    /// At most this part (0 to 1), and there is at least one.
    AtMost(f64),
}

/// A bound on a number: `>= 1`, `= 3`, `2..5` (inclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: Option<u64>,
}

/// An inclusive range of durations: `30m..75m`, `..2h`, `7d..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanRange {
    /// At least.
    pub min: Option<Span>,
    /// At most.
    pub max: Option<Span>,
}
