//! How often one trouble is told.

use std::time::{Duration, Instant};

/// Lets somebody tell of a trouble, and then for a minute nobody.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    told: Option<Instant>,
}

impl Quiet {
    /// Between two reports of one trouble.
    const LASTS: Duration = Duration::from_secs(60);

    /// Whether it may be told now; then it is taken to be.
    pub(crate) fn may_tell(&mut self) -> bool {
        if self.told.is_some_and(|told| told.elapsed() < Self::LASTS) {
            return false;
        }
        self.told = Some(Instant::now());
        true
    }

    /// Nothing comes any more: the last word is told whatever was told before.
    pub(crate) const fn end(&mut self) {
        self.told = None;
    }
}
