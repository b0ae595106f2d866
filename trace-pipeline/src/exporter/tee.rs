use std::fmt;

use super::{Batch, ExportError, Exporter};

/// Gives every batch to several exporters, one after the other.
///
/// A span counts as delivered when all of them took it: the batch fails with the error that lost most spans. The
/// deadline is one for all, so a slow exporter takes time from those behind it; one that panics takes the batch from
/// them.
pub struct Tee {
    exporters: Vec<Box<dyn Exporter>>,
}

impl Tee {
    /// Gives batches to `exporters`, in this order.
    #[must_use]
    pub fn new(exporters: Vec<Box<dyn Exporter>>) -> Self {
        Self { exporters }
    }
}

impl Exporter for Tee {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        let all = batch.len();
        self.exporters
            .iter_mut()
            .filter_map(|exporter| exporter.export(batch).err())
            .max_by_key(|error| error.lost(all))
            .map_or(Ok(()), Err)
    }

    fn shutdown(&mut self) {
        for exporter in &mut self.exporters {
            exporter.shutdown();
        }
    }
}

impl fmt::Debug for Tee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tee")
            .field("exporters", &self.exporters.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tracing_core_ctx::Resource;

    use super::*;

    struct Answers(Result<(), ExportError>);

    impl Exporter for Answers {
        fn export(&mut self, _batch: &Batch<'_>) -> Result<(), ExportError> {
            self.0.clone()
        }
    }

    #[test]
    fn the_error_that_lost_most_counts_and_nobody_is_left_out() {
        let spans = crate::test_spans::spans(3);
        let resource = Arc::new(Resource::new("orders"));
        let memory = super::super::InMemory::default();
        let rejected = ExportError::Rejected {
            spans: 1,
            reason: String::new(),
        };
        let failed = ExportError::failed("down");
        let mut tee = Tee::new(vec![
            Box::new(Answers(Err(rejected))),
            Box::new(Answers(Err(failed.clone()))),
            Box::new(Answers(Ok(()))),
            Box::new(memory.clone()),
        ]);
        let batch = Batch::new(&resource, &spans, Duration::from_secs(1));
        assert_eq!(tee.export(&batch), Err(failed));
        assert_eq!(memory.len(), 3);
    }
}
