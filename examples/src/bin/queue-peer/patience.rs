use std::error::Error;
use std::time::{Duration, Instant};

use crate::Result;
use crate::options::Options;
use crate::output::{Count, complain};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether to try again, and what came of it.
#[derive(Debug)]
pub(crate) struct Patience {
    persist: bool,
    limit: Duration,
    /// When something was done last.
    since: Instant,
    deliveries: usize,
    failures: usize,
}

impl Patience {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            persist: options.persist,
            limit: options.limit,
            since: Instant::now(),
            deliveries: 0,
            failures: 0,
        }
    }

    /// A message went through.
    pub(crate) fn delivered(&mut self) {
        self.deliveries += 1;
        self.since = Instant::now();
    }

    /// Returns when it is time to try again.
    ///
    /// # Errors
    ///
    /// The one that is given, if nobody asked for persistence or nothing went through for too long.
    pub(crate) async fn again(&mut self, error: Box<dyn Error>) -> Result {
        if !self.persist || self.since.elapsed() >= self.limit {
            return Err(error);
        }
        self.failures += 1;
        complain(&format!("queue-peer: {error}; it tries again"));
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// Says what came of it, if that is not plain.
    pub(crate) fn conclude(&self, messages: usize) {
        if self.persist {
            let count = Count {
                messages,
                deliveries: self.deliveries,
                failures: self.failures,
            };
            count.print();
        }
    }
}
