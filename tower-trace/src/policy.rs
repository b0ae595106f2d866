//! What policies are made of: for crates that trace other protocols over [exchanges](crate::exchange) of HTTP.
//!
//! It is what both sides here are made of: reading authorities, calling hooks, capturing headers, handing contexts on.

/// Closures of users, and calling them.
pub mod hook {
    pub use crate::hook::{FilterFn, OnRequestFn, OnResponseFn, admits, run};
}

/// Authorities, as `server.address` and `server.port` want them.
pub mod authority {
    pub use crate::authority::{default_port, split};
}

pub use crate::capture::Captured;
pub use crate::client::propagate::Propagate;
pub use crate::limit::cut;
pub use crate::route::names::NameCap;
pub use crate::scratch::with_ip;
