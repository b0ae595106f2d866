use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_core_ctx::Sampler;
use tracing_core_ctx::sampler::{AlwaysOn, Sampling, SamplingInput};

use crate::render::Shown;

/// Keeps everything and notes what it was shown.
#[derive(Debug)]
pub(crate) struct NotingSampler {
    pub(crate) keys: &'static [&'static str],
    pub(crate) notes: Notes,
}

/// What a [`NotingSampler`] was shown: the kind, then the attributes that it asks for, where they were known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sampler for NotingSampler {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let mut notes = self.notes.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(format!("kind = {:?}", input.kind));
        for key in self.keys {
            if let Some(value) = input.attributes.get(key) {
                notes.push(format!("{key} = {}", Shown(value)));
            }
        }
        AlwaysOn.sample(input)
    }

    fn description(&self) -> Cow<'static, str> {
        "NotingSampler".into()
    }
}
