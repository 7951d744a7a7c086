//! Trying again what failed for a reason that may pass, and giving up in time.

use std::future::Future;
use std::io;
use std::time::Duration;

use object_store::Error as StoreError;
use tokio::time::{sleep, timeout};

use super::super::uri::Settings;
use super::to_io;

/// The pause before the first repetition; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a request failed, and whether it is worth another try.
#[derive(Debug)]
pub(super) enum Failure {
    /// It would fail again.
    Final(io::Error),
    /// It may go well the next time.
    Passing(io::Error),
    /// The answer was the whole object instead of a range.
    NoRanges(io::Error),
    /// The answer was another range, or one that the object does not have.
    OtherRange(io::Error),
    /// The object has no such range.
    BeyondEnd(io::Error),
}

impl Failure {
    pub(super) fn of(error: StoreError) -> Self {
        // What the answer was is told by the texts only.
        let text = match &error {
            StoreError::Generic { source, .. } => source.to_string(),
            StoreError::NotSupported { .. } => return Self::NoRanges(to_io(error)),
            _ => return Self::Final(to_io(error)),
        };
        let (status, error) = (status(&text), to_io(error));
        if text.contains("non-partial response") {
            Self::NoRanges(error)
        } else if text.starts_with("Requested ") || text.starts_with("Wanted range ") {
            Self::OtherRange(error)
        } else if status == Some(416) {
            Self::BeyondEnd(error)
        } else if status.is_some_and(|status| status < 500 && ![408, 425, 429].contains(&status)) {
            Self::Final(error)
        } else {
            Self::Passing(error)
        }
    }

    /// Whether another try may help.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Self::Final(_) | Self::BeyondEnd(_))
    }

    /// The same where there is another way than to ask for a range.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_))
    }

    pub(super) fn into_error(self) -> io::Error {
        match self {
            Self::Final(error) | Self::Passing(error) => error,
            // Nobody asks for what was beyond the end when the object was opened.
            Self::OtherRange(error) | Self::BeyondEnd(error) => {
                let reason = "the server does not answer with the range it is asked for, or the object has changed";
                io::Error::new(io::ErrorKind::InvalidData, format!("{reason} since it was opened ({error})"))
            }
            Self::NoRanges(error) => {
                let reason = "the server answers with the whole object, whatever range it is asked for";
                io::Error::new(io::ErrorKind::Unsupported, format!("{reason} ({error})"))
            }
        }
    }
}

/// The status of an answer that was an error, if there was an answer.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// How long a request of `len` bytes may take, if they come with no less than `slowest` bytes per second.
pub(super) fn limit(settings: &Settings, len: u64, slowest: u64) -> Duration {
    settings.timeout + Duration::from_secs(len / slowest)
}

/// Waits no longer than that.
pub(super) async fn within<T>(
    limit: Duration,
    attempt: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"));
    timeout(limit, attempt).await.unwrap_or_else(|e| Err(Failure::Passing(late(e))))
}

/// Tries until it works or there is no hope.
pub(super) async fn insist<T, F: Future<Output = Result<T, Failure>>>(
    settings: &Settings,
    again: impl Fn(&Failure) -> bool,
    attempt: impl Fn() -> F,
) -> Result<T, Failure> {
    let mut pause = PAUSE;
    for _ in 0..settings.retries {
        match attempt().await {
            Err(failure) if again(&failure) => sleep(pause).await,
            result => return result,
        }
        pause *= 2;
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let text = "Error performing GET http://h/p in 5ms - Server returned non-2xx status code: 416 Range Not: body";
        assert_eq!(status(text), Some(416));
        assert_eq!(status("error sending request"), None);
        let failure = |text: &str| Failure::of(StoreError::Generic { store: "x", source: text.into() });
        for (number, passes) in
            [(400, false), (404, false), (416, false), (408, true), (429, true), (500, true), (503, true)]
        {
            let failure = failure(&format!("Server returned non-2xx status code: {number} x"));
            assert_eq!(failure.is_passing(), passes, "{number}");
        }
        assert!(matches!(failure("Requested 0..5, got 0..10"), Failure::OtherRange(_)));
        assert!(matches!(failure("Received non-partial response when range requested"), Failure::NoRanges(_)));
    }
}
