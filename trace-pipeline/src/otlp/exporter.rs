use std::fmt;
use std::task::Waker;
use std::time::Instant;

use super::encode;
use super::post::{Post, Urgency};
use crate::exporter::{Batch, ExportError, Exporter};

/// Sends spans by OTLP, one batch after the other: for exporters that are made of others. Made by
/// [`OtlpConfig::build`](super::OtlpConfig::build); see the [module](super) for what happens when.
pub struct OtlpExporter {
    post: Post,
}

impl OtlpExporter {
    pub(super) const fn new(post: Post) -> Self {
        Self { post }
    }
}

impl Exporter for OtlpExporter {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        self.post
            .send(encode(batch.resource(), batch.spans()), batch)
    }

    fn shutdown(&mut self) {
        self.post.close();
    }
}

impl Urgency for Batch<'_> {
    fn deadline(&self) -> Instant {
        Batch::deadline(self)
    }

    fn wake_when_moved(&self, waker: &Waker) {
        self.wake_when_cut_off(waker);
    }

    fn retrying(&self) {
        self.count_retry();
    }
}

impl fmt::Debug for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpExporter")
            .field("protocol", &self.post.sender.protocol())
            .field("to", &format_args!("{}", self.post.sender))
            .finish_non_exhaustive()
    }
}
