//! Waiting for a state with a deadline: the only way a test waits.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// What a probe of [`eventually`] may answer: `bool`, `Option` or `Result`.
pub trait Settled {
    type Value;

    /// The value when the awaited state is there, else why it is not.
    fn settled(self) -> Result<Self::Value, String>;
}

impl Settled for bool {
    type Value = ();

    fn settled(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("still false".into()) }
    }
}

impl<T> Settled for Option<T> {
    type Value = T;

    fn settled(self) -> Result<T, String> {
        self.ok_or_else(|| "still None".into())
    }
}

impl<T, E: Debug> Settled for Result<T, E> {
    type Value = T;

    fn settled(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// How far deadlines are stretched: `LIME_TEST_SLACK`, 3 when it is not set (a busy two-core machine); 1 measures.
pub fn slack() -> f64 {
    std::env::var("LIME_TEST_SLACK")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|slack| *slack >= 1.0)
        .unwrap_or(3.0)
}

/// Asks `probe` again and again until it says yes (`true`, `Some`, `Ok`), and returns what it found.
///
/// Probes run one after another, 5 ms apart at first and 100 ms apart later. One probe that hangs is cut off by the
/// deadline too. `deadline` is multiplied by [`slack`].
///
/// # Panics
/// When the deadline passes, with the place that waited and the probe's last answer.
#[track_caller]
pub fn eventually<P, F>(deadline: Duration, mut probe: P) -> impl Future<Output = <F::Output as Settled>::Value>
where
    P: FnMut() -> F,
    F: Future,
    F::Output: Settled,
{
    let place = Location::caller();
    async move {
        let limit = deadline.mul_f64(slack());
        let mut last = String::from("the first probe never answered");
        let waiting = async {
            let mut pause = Duration::from_millis(5);
            loop {
                match probe().await.settled() {
                    Ok(value) => return value,
                    Err(why) => last = why,
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(100));
            }
        };
        let outcome = tokio::time::timeout(limit, waiting).await;
        #[allow(clippy::panic, reason = "a test that waited in vain has failed")]
        outcome.unwrap_or_else(|_| panic!("{place}: not within {limit:?}; last answer: {last}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn it_returns_what_the_probe_found() {
        let asked = Cell::new(0);
        let found = eventually(Duration::from_secs(5), || async {
            asked.set(asked.get() + 1);
            (asked.get() == 4).then(|| asked.get())
        })
        .await;
        assert_eq!(found, 4);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "last answer: \"two of three\"")]
    async fn it_names_the_last_answer_when_the_deadline_passes() {
        eventually(Duration::from_secs(1), || async { Err::<(), _>("two of three") }).await;
    }
}
