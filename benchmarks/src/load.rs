//! End to end: what tracing costs a server under load, with its spans on their way to a back end.
//!
//! ```text
//!   wrk  --requests-->  server (one thread), with a Middleware or bare  --OTLP-->  receiver, which counts spans
//!                          each a process of its own: the same program, in another role
//! ```
//!
//! [`run`] is the whole of it. Each middleware is measured right after a bare server, in rounds of rotated order, so that what else the
//! machine does falls on all alike.

mod client;
mod cpu;
mod instructions;
mod middleware;
mod peers;
mod process;
mod receiver;
mod rounds;
mod serve;
mod spans;
mod table;
mod wrk;

pub use client::ask;
pub(crate) use instructions::by_thread;
pub use middleware::{Middleware, middlewares};
pub use process::{RECEIVE, Role, SERVE};
pub use receiver::receive;
pub use rounds::{Plan, Results, run};
pub use serve::serve;
pub(crate) use spans::count as count_spans;
pub use table::{table, versions};
