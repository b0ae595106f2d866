//! Which traces are kept.

mod adaptive;
mod keep;
mod pattern;
mod rate_limit;
mod route;
mod rule;
mod rules;
mod tail;

pub use adaptive::Adaptive;
pub use keep::Keep;
pub(crate) use keep::When;
pub use rate_limit::RateLimit;
pub use rule::Rule;
pub use rules::Rules;
pub use tail::Tail;
