//! `limit_data`: the connection is closed after so many bytes of the answer, head included.

use super::{Answer, Cut, End};

/// The name in scenarios.
pub(super) const NAME: &str = "limit_data";

/// Cuts the answer off.
pub(super) fn act(answer: &mut Answer, after: u64) -> bool {
    answer.shape.cut = Some(Cut { after, end: End::Close });
    true
}

#[cfg(test)]
mod tests {
    use revlab_lab::http::FetchError;

    use super::super::Effect;
    use super::super::tests::{answer, heard, meeting};
    use super::*;

    #[test]
    fn an_answer_that_is_cut_off_is_no_answer() {
        for after in [0, 20, 90] {
            let heard = heard(&[("f", Effect::LimitData(after))], b"0123456789");
            assert_eq!(heard.result, Err(FetchError::BadReply), "{after}");
        }
        assert!(heard(&[("f", Effect::LimitData(1000))], b"0123456789").result.is_ok());
    }

    #[test]
    fn of_several_ends_the_earliest_counts() {
        let faults = [("late", Effect::LimitData(40)), ("early", Effect::HalfClose(30))];
        assert_eq!(answer(&faults).shape.cut, Some(Cut { after: 30, end: End::HalfClose }));
        assert_eq!(meeting(&faults).faults, ["early".into()]);
    }
}
