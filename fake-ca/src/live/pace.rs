//! How fast time passes for what is written.

use std::time::Duration;

use revlab_lab::Span;

/// How fast time passes for what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Lab time: nothing waits, and whoever keeps lab time charges the delays.
    Lab,
    /// Wall time: delays are waited for.
    Real,
}

/// The longest that one answer is held up in wall time, all its pauses together: what is left of them
/// then is skipped, so that no connection is kept for ever.
const LONGEST: Duration = Duration::from_secs(3600);

/// Waits at a pace, within bounds.
#[derive(Debug)]
pub(super) struct Waiting {
    pace: Pace,
    left: Duration,
}

impl Waiting {
    pub(super) fn new(pace: Pace) -> Waiting {
        Waiting { pace, left: LONGEST }
    }

    #[expect(clippy::disallowed_methods, reason = "at real pace delays are waited for")]
    pub(super) async fn wait(&mut self, span: Span) {
        let wanted = Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(0));
        let wanted = wanted.min(self.left);
        if self.pace == Pace::Real && !wanted.is_zero() {
            self.left -= wanted;
            tokio::time::sleep(wanted).await;
        }
    }
}
