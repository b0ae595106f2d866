//! Exporters: who takes batches of finished spans somewhere.
//!
//! An exporter of your own is one function. It runs on the pipeline's thread, so it may block, and needs no async
//! runtime:
//!
//! ```
//! use trace_pipeline::{Batch, ExportError, Exporter};
//!
//! struct Lines(std::fs::File);
//!
//! impl Exporter for Lines {
//!     fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
//!         use std::io::Write as _;
//!         for span in batch.spans() {
//!             writeln!(self.0, "{} {}", span.name(), span.span_context().trace_id()).map_err(ExportError::failed)?;
//!         }
//!         Ok(())
//!     }
//! }
//! ```

mod batch;
mod console;
mod error;
mod memory;
mod tee;

pub use batch::Batch;
pub use console::Console;
pub use error::ExportError;
pub use memory::{ExportedSpan, InMemory};
pub use tee::Tee;

/// Takes batches of finished spans somewhere.
///
/// All calls come one after the other from the pipeline's own thread, in a context in which spans are not
/// recorded, so that an exporter does not trace itself. It is made on another thread: what belongs to a thread
/// should be made in the first call.
pub trait Exporter: Send {
    /// Delivers a batch, or says why not. The batch is not offered again.
    ///
    /// - **When**: a batch is full, the schedule delay is over, or somebody flushes.
    /// - **Sees**: sampled spans only, and the resource that they come from.
    /// - **If it panics**: the batch is counted as dropped, and the next one is offered.
    /// - **If it is slow**: spans wait in the queue and are dropped, and counted, when that is full. It should
    ///   give up at the [deadline](Batch::deadline); nobody can make it.
    ///
    /// # Errors
    ///
    /// Says which spans are lost, and is the reason that [`PipelineStats`](crate::PipelineStats) counts them under.
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError>;

    /// No batch comes any more. Default: nothing.
    ///
    /// - **When**: once, at the end of a shutdown.
    /// - **If it panics or is slow**: as for [`export`](Self::export); who shuts down does not wait longer than
    ///   they said.
    fn shutdown(&mut self) {}
}

impl<E: Exporter + ?Sized> Exporter for Box<E> {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        (**self).export(batch)
    }

    fn shutdown(&mut self) {
        (**self).shutdown();
    }
}
