//! Several things at once, told of in their order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// What is written on the command line.
pub(super) fn number(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number from 1, such as 4".to_owned())
}

/// Does `work` for each of `all` on `jobs` threads, and hands what comes of each to `told` in the
/// order of `all`, as soon as those before it are told. Nothing more is begun once `stop` says so or
/// `told` says that it has heard enough (`false`, or an error); what was begun by then is finished,
/// and told of if everything before it was.
///
/// # Errors
///
/// The first that `told` gives.
pub(super) fn in_order<T: Sync, R: Send, E>(
    jobs: NonZeroUsize,
    all: &[T],
    stop: &(impl Fn() -> bool + Sync),
    work: impl Fn(&T) -> R + Sync,
    mut told: impl FnMut(R) -> Result<bool, E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let enough = AtomicBool::new(false);
    let (to, from) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.get().min(all.len()) {
            let (to, next, enough, work) = (to.clone(), &next, &enough, &work);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) && !stop() {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(it) = all.get(i) else { break };
                    // Fails when nobody wants to hear more.
                    let _ = to.send((i, work(it)));
                }
            });
        }
        drop(to);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (i, result) in from {
            waiting.insert(i, result);
            while let Some(result) = waiting.remove(&due) {
                due += 1;
                let more = told(result);
                if !matches!(more, Ok(true)) {
                    enough.store(true, Ordering::Relaxed);
                    return more.map(drop);
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(jobs: usize, stop: impl Fn() -> bool + Sync, last: u32) -> Result<Vec<u32>, u32> {
        let all: Vec<u32> = (0..50).collect();
        let mut heard = Vec::new();
        let jobs = NonZeroUsize::new(jobs).unwrap();
        in_order(
            jobs,
            &all,
            &stop,
            |i| i * 2,
            |twice| {
                heard.push(twice);
                if last == 1000 { Ok::<_, u32>(true) } else { Ok(twice < last) }
            },
        )?;
        Ok(heard)
    }

    #[test]
    fn nothing_is_done_by_nobody() {
        assert_eq!(number("4").map(NonZeroUsize::get), Ok(4));
        for wrong in ["0", "-1", "two", ""] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn results_come_in_order_whatever_the_number_of_jobs() {
        let all: Vec<u32> = (0..50).map(|i| i * 2).collect();
        for jobs in [1, 2, 7, 100] {
            assert_eq!(heard(jobs, || false, 1000), Ok(all.clone()));
        }
    }

    #[test]
    fn it_ends_when_told_to_and_on_an_error() {
        assert_eq!(heard(3, || false, 4), Ok(vec![0, 2, 4]));
        assert_eq!(heard(3, || true, 1000), Ok(vec![]));
        let jobs = NonZeroUsize::new(3).unwrap();
        let first = in_order(jobs, &[1, 2, 3], &|| false, |i| *i, Err::<bool, i32>);
        assert_eq!(first, Err(1));
    }

    #[test]
    fn what_dies_is_not_passed_over() {
        let jobs = NonZeroUsize::new(2).unwrap();
        let died = std::panic::catch_unwind(|| {
            in_order(jobs, &[1, 2], &|| false, |i| assert_ne!(*i, 2), |()| Ok::<_, ()>(true))
        });
        assert!(died.is_err());
    }
}
