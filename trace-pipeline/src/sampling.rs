//! Which traces are kept: by rules when they start, by rules when it is known how they went, or by both.
//!
//! ```text
//!   a span starts          it runs            its local root ends                                 back end
//!   Rules (the head)  -->  recorded  -->  Tail: error? slow? rare? ..  -->  limit, room  -->  with its weight
//!        |                                      |                              |
//!        never                                  dropped, counted               dropped, counted
//! ```
//!
//! - [`Rules`]: the head. The first [`Rule`] for a span decides about its trace: always, never, a part, a [`RateLimit`] or an
//!   [`Adaptive`] target.
//! - [`Tail`]: the end. All is recorded, and leaves for a reason to [`Keep`] it, or because the head kept it.
#![cfg_attr(
    feature = "rules-file",
    doc = "- [`RulesFile`]: both from a file, which is followed when it changes."
)]
#![cfg_attr(
    feature = "jaeger-remote",
    doc = "- [`JaegerRemote`]: the head's rules from a server of Jaeger's protocol."
)]
#![cfg_attr(
    feature = "forced",
    doc = "- [`Forced`]: traces that somebody forces by a signed header."
)]
//!
//! ```
//! use std::time::Duration;
//! use trace_pipeline::Pipeline;
//! use trace_pipeline::sampling::{Keep, Rule, Rules, Tail};
//! # use trace_pipeline::exporter::InMemory;
//!
//! let pipeline = Pipeline::builder()
//!     .service("shop")
//!     .rules(
//!         Rules::new()
//!             .rule(Rule::new().route("/health").never())
//!             .rule(Rule::new().route("/payment").probability(0.5))
//!             .otherwise(0.01),
//!     )
//!     .tail(
//!         Tail::new()
//!             .keep(Keep::errors())
//!             .keep(Keep::slower_than(Duration::from_secs(1)))
//!             .keep(Keep::probability(0.02)),
//!     )
//! #   .exporter(InMemory::default())
//!     .build()?;
//! # Ok::<(), trace_pipeline::BuildError>(())
//! ```
//!
//! # Weights
//!
//! A span that leaves says from which randomness of its trace on it would have been kept: `ot=th` in its `tracestate` (OpenTelemetry,
//! "TraceState: Probability Sampling"). It stands for 2^56 / (2^56 - th) spans, so that counts, rates of errors and latencies that are computed from
//! what was kept are those of all, without bias:
//!
//! - A span that head **or** tail keeps has the lower threshold of both: where all errors are kept, an error has `th:0`, also one that the head
//!   had kept with 1 %. Left at that, it would count a hundred times beside the others.
//! - A [limit](Tail::limit), a lack of [room](Tail::bytes) and a lack of time are thresholds too: the traces of the highest randomness stay.
//! - Where no probability is known, as of a trace that somebody forced, there is no `th`: the span does not count for others.
//! - All services look at the same randomness of a trace. Of two services that keep 1 % and 10 %, the second keeps all that the first keeps.
//!
//! - A service that was called can tell that it keeps its part, by the way back of tower-trace and grpc-trace: [`Keep::callees`] keeps the caller's, with
//!   `th:0`, as it depends on what happened and not on chance.
//!
//! A part of a trace that only a tail has kept says `ctx.sampling.partial` at its local root: other services may have dropped theirs.

mod adaptive;
#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
mod current;
#[cfg(feature = "rules-file")]
mod file;
#[cfg(feature = "forced")]
mod forced;
#[cfg(feature = "jaeger-remote")]
mod jaeger;
mod keep;
mod pattern;
mod rate_limit;
mod route;
mod rule;
mod rules;
mod tail;

pub use adaptive::Adaptive;
#[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
pub(crate) use current::CurrentRules;
#[cfg(feature = "rules-file")]
pub(crate) use file::Watch;
#[cfg(feature = "rules-file")]
pub use file::{InvalidRules, RulesFile};
#[cfg(feature = "forced")]
pub use forced::{ForceKey, Forced};
#[cfg(feature = "jaeger-remote")]
pub use jaeger::JaegerRemote;
#[cfg(feature = "jaeger-remote")]
pub(crate) use jaeger::Poll;
pub use keep::Keep;
pub(crate) use keep::When;
pub use rate_limit::RateLimit;
pub use rule::Rule;
pub use rules::Rules;
pub use tail::Tail;
