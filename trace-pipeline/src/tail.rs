//! The tail decision: between the sink and the queue, on a thread of its own.
//!
//! ```text
//!   span starts: gate, which lets in as many as there is time for
//!   Span::end --> [inlet] --> Stage: open local traces --> a second's candidates --> ready --> [queue] --> exporter
//!                                  |    root ends            limit                     |
//!                                  v                                                   waits while the queue is full
//!                               dropped, counted
//! ```
//!
//! `stage` has the order of events, `judge` the rules, `window` the limit, `local` the arithmetic of weights, `stamp` what is written on a span that leaves.

mod counts;
mod decided;
mod forced;
mod gate;
mod inlet;
mod judge;
mod latency;
mod local;
mod rare;
mod ready;
mod recorded;
mod runner;
mod stage;
mod stamp;
mod window;

pub use counts::TailStats;
pub(crate) use inlet::Inlet;
pub(crate) use recorded::Recorded;
pub(crate) use runner::Runner;
