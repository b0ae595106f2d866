use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts messages that were sent and not yet dealt with: while one is, a trace is not complete, even if no span of it is open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Underway(Arc<AtomicUsize>);

impl Underway {
    /// Sends a message by `send`, which counts if it is not known to have failed.
    pub(crate) async fn send<T, E>(
        &self,
        send: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.0.fetch_add(1, Ordering::AcqRel);
        let sent = send.await;
        if sent.is_err() {
            self.done(1);
        }
        sent
    }

    /// Some messages have been dealt with. Those that others have sent are not counted.
    pub(crate) fn done(&self, messages: usize) {
        let less = |underway: usize| Some(underway.saturating_sub(messages));
        // It always has a next value.
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// Whether none is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_counts_from_before_it_is_sent_until_it_is_dealt_with() {
        let underway = Underway::default();
        let send = async {
            assert!(!underway.is_empty());
            Ok::<_, ()>(())
        };
        assert_eq!(underway.send(send).await, Ok(()));
        assert!(!underway.is_empty());
        underway.done(1);
        assert!(underway.is_empty());
    }

    #[tokio::test]
    async fn what_could_not_be_sent_and_what_others_sent_does_not_count() {
        let underway = Underway::default();
        assert_eq!(underway.send(async { Err::<(), _>(()) }).await, Err(()));
        assert!(underway.is_empty());
        underway.done(3);
        assert!(underway.is_empty());
    }
}
