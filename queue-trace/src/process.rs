//! Services that handle messages: a [`tower`](https://docs.rs/tower) layer that gives each message its process span. Feature `tower`.
//!
//! It knows no broker. What can be handled is whatever implements [`ProcessMessage`]: the deliveries of the module `amqp`, the messages of the module
//! `kafka`, and yours:
//!
//! ```
//! use queue_trace::process::{ProcessMessage, ProcessTraceLayer};
//! use queue_trace::{ByteHeaders, Destination, Operation, QueueTracer};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _};
//! use tracing_core_ctx::{ActiveSpan, Tracer};
//!
//! struct Order {
//!     headers: ByteHeaders,
//!     item: String,
//! }
//!
//! impl ProcessMessage for Order {
//!     fn begin(&mut self, queue: &QueueTracer) -> ActiveSpan {
//!         let operation = Operation::process("nats", "process", Destination::named("orders"));
//!         queue.start_process(&operation, &queue.extract(&self.headers))
//!     }
//! }
//!
//! # async fn example(tracer: Tracer, order: Order) -> Result<(), std::io::Error> {
//! let mut pack = ServiceBuilder::new()
//!     .layer(ProcessTraceLayer::new(QueueTracer::new(tracer)))
//!     .service_fn(|order: Order| async move {
//!         // Spans started here are children of the process span.
//!         drop(order.item);
//!         Ok::<_, std::io::Error>(())
//!     });
//! pack.ready().await?.call(order).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The span starts with `call` and ends with its future. It is current in `call`, in every poll and when the future is dropped. If the service
//! fails, the span has failed with the type of the error (boxed ones are `_OTHER`), unless the work has said more, by
//! `SpanRef::current().record_failure(&*error)`; a future that is dropped is `ctx.outcome` = `cancelled`, a panic `error.type` = `panic`.

mod future;
#[cfg(feature = "kafka")]
mod kafka;
mod layer;
mod measured;

use tracing_core_ctx::ActiveSpan;

pub use future::ResponseFuture;
pub use layer::{ProcessTrace, ProcessTraceLayer};
#[doc(hidden)]
pub use measured::Measured;

use crate::QueueTracer;

/// A message that a service can handle in a span.
pub trait ProcessMessage {
    /// Starts the span of processing this message: by [`QueueTracer::start_process`], which relates it to where the message came from.
    ///
    /// A message that has its process span already hands it over: the layer ends it.
    fn begin(&mut self, queue: &QueueTracer) -> ActiveSpan;

    #[doc(hidden)]
    fn measured(&mut self) -> Measured {
        Measured::default()
    }
}
