//! The pipeline as its users see it: real sockets on the loopback address, real threads.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

#[cfg(unix)]
mod abort;
mod budget;
mod concurrency;
mod consistent;
#[cfg(unix)]
mod ends;
mod exchange_metrics;
mod exits;
mod faults;
mod grpc;
mod http;
mod jaeger;
mod ledger;
mod logs;
#[cfg(unix)]
mod memory;
mod metrics;
#[cfg(unix)]
mod process;
mod queue;
mod sampling;
mod server;
mod spool;
mod support;
mod tls;
