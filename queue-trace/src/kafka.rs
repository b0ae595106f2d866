//! Kafka with [rdkafka](https://docs.rs/rdkafka).
//!
//! ```no_run
//! use queue_trace::kafka::{TracedConsumer, TracedProducer};
//! use queue_trace::QueueTracer;
//! use rdkafka::Message as _;
//! use rdkafka::consumer::{CommitMode, StreamConsumer};
//! use rdkafka::error::KafkaResult;
//! use rdkafka::producer::{FutureProducer, FutureRecord};
//! use rdkafka::util::Timeout;
//! use tracing_core_ctx::Tracer;
//!
//! # async fn notify(_: Option<&[u8]>) {}
//! async fn order(producer: FutureProducer, tracer: Tracer) {
//!     let producer = TracedProducer::new(producer, QueueTracer::new(tracer));
//!     // The span ends with the delivery report.
//!     let record = FutureRecord::to("orders").key("customer-7").payload("a book");
//!     let delivered = producer.send(record, Timeout::Never).await;
//! }
//!
//! async fn notifications(consumer: StreamConsumer, tracer: Tracer) -> KafkaResult<()> {
//!     let consumer = TracedConsumer::new(consumer, QueueTracer::new(tracer)).group("notifications");
//!     loop {
//!         let message = consumer.recv().await?;
//!         message.process(|message| notify(message.payload())).await;
//!         consumer.commit_message(&message, CommitMode::Async)?;
//!     }
//! }
//! ```
//!
//! # Spans
//!
//! | call | span | ends |
//! |---|---|---|
//! | [`send`](TracedProducer::send), [`send_result`](TracedProducer::send_result) | `send {topic}`, producer | with the delivery report, which tells partition and offset |
//! | [`send_traced`](SendTraced::send_traced) of `BaseProducer` and `ThreadedProducer` | the same | the same, after the delivery callback |
//! | [`transaction`](TracedProducer::transaction) | `transaction` | with the commit or abort that succeeds, or drop |
//! | [`recv`](TracedConsumer::recv), [`stream`](TracedConsumer::stream), [`batches`](TracedConsumer::batches), [`poll`](TracedConsumer::poll), [`iter`](TracedConsumer::iter), .. and those of a [split partition](TracedPartitionQueue) | `poll {topic}`, client, linked; [can be turned off](crate::QueueTracer::receive_spans) | at once: it starts when the message is handed over |
//! | [`process`](Traced::process), [`start_process`](Traced::start_process), also of a [batch](TracedBatch) | `process {topic}`, consumer | with the work, or with the guard |
//! | [`commit_message`](TracedConsumer::commit_message) and its like | `commit {topic}`, `store {topic}`, client, below the process span of the message or the active span; where there is neither, only if it fails | with the call; an asynchronous commit is only handed over by then |
//! | a rebalance, with a [`TracedConsumerContext`] | `rebalance` | at once |
//! | an automatic commit that fails, with the same | `commit {topic}`, client, failed, the root of a trace of its own | at once |
//!
//! A poll that fails is a failed span, also one that brought a batch before. While brokers are away, librdkafka reports one error after the other; they are one outage and one span. An outage ends
//! when a message or the end of a partition comes. Other errors of one kind in a row are one span as well.
//!
//! What settles a message whose processing a sampler has dropped is not recorded either; no sampler is asked. Nor is one of a poll outside any span that brought only
//! messages whose producers are trusted to the full and were not recorded.
//!
//! Commits that librdkafka makes by itself are not seen unless they fail. That an asynchronous one of yours has failed in the end, librdkafka tells nobody but its
//! log: rdkafka has no hook for it. Nor is seen what other code does with the inner client. Polls that bring nothing, and the end of a
//! partition, are no spans. A record that comes back (a full queue, an error) is as it was given, without our context.
//!
//! Generic code that wants a rdkafka `Producer` or `Consumer` takes what is inside: `&*producer`, `&*consumer`.
//!
//! A consumer in its default setting stores the offset of a message when it hands it over, so a process span that failed does not mean that the
//! message comes again. With `enable.auto.offset.store` = `false`, call [`store_offset_from_message`](TracedConsumer::store_offset_from_message)
//! when it is processed.
//!
//! A member of a group that is dropped leaves it, and rdkafka waits for librdkafka's word on that without a limit. Amid a rebalance the word may never come. Who
//! shuts down calls `unsubscribe`, goes on polling until the partitions are revoked, and drops the consumer then.
//!
//! Retries and dead letters are sent by [`forward_to`](Traced::forward_to). Time in queue is `ctx.message.queue_time`; with a [`Lag`], how much is behind a
//! message is `ctx.message.lag`.
//!
//! # Headers
//!
//! Of a header that stands several times the last is read; writing leaves one. rdkafka panics when it is asked for a header whose name is not UTF-8, which any
//! producer can write. Here that panic is caught and the header passed over; the panic hook still reports it, and a program built with
//! `panic = "abort"` is not saved. After eight such names, and after 256 in the process after one, only the headers behind the last such name are looked at: a
//! context that was appended is found.
//! [`KafkaHeaders::unreadable`] counts them.

mod base;
mod batch;
mod batches;
mod consumer;
mod consumer_context;
mod context;
mod digits;
mod error;
mod forward;
mod headers;
mod in_flight;
mod lag;
mod message;
mod partition;
mod process;
mod producer;
mod sending;
mod settle;
mod source;
mod stream;
mod together;
mod topics;
mod transaction;

pub use base::TracedIter;
pub use batch::TracedBatch;
pub use batches::TracedBatches;
pub use consumer::TracedConsumer;
pub use consumer_context::TracedConsumerContext;
pub use context::{SendTraced, TracedContext, TracedOpaque};
pub use forward::CopyHeaders;
pub use headers::KafkaHeaders;
pub use lag::Lag;
pub use message::{Traced, TracedMessage, TracedOwnedMessage};
pub use partition::TracedPartitionQueue;
pub use process::Processing;
pub use producer::TracedProducer;
pub use sending::TracedDelivery;
pub use settle::Settled;
pub use stream::TracedStream;
pub use transaction::Transaction;
