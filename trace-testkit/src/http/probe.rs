use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::Context;

/// Notes which context is current wherever the code under an instrumentation runs. Clones share their notes.
#[derive(Clone, Default)]
pub struct Probe {
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    sightings: Vec<(Place, Context)>,
    unready_calls: usize,
}

/// Where the code under an instrumentation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the drop of the response body.
    BodyDrop,
    /// In a poll of the response body.
    BodyPoll,
    /// In the inner service's `call`, before there is a future.
    Call,
    /// In the drop of the inner service's future.
    FutureDrop,
    /// In a poll of the inner service's future.
    Poll,
}

impl Probe {
    /// A probe without notes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes the current context.
    pub fn see(&self, place: Place) {
        let context = Context::current();
        self.lock().sightings.push((place, context));
    }

    /// What was current at this place, each time in order.
    #[must_use]
    pub fn at(&self, place: Place) -> Vec<Context> {
        self.lock()
            .sightings
            .iter()
            .filter(|(seen, _)| *seen == place)
            .map(|(_, context)| context.clone())
            .collect()
    }

    /// How often the inner service was called on an instance that had not said to be ready.
    #[must_use]
    pub fn unready_calls(&self) -> usize {
        self.lock().unready_calls
    }

    pub(super) fn see_unready_call(&self) {
        self.lock().unready_calls += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.lock().sightings.iter().map(|(place, _)| place))
            .finish()
    }
}
