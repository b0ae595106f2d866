//! The names of the OpenTelemetry semantic conventions, at version 1.45.0: the one place that knows them.
//!
//! Each constant is a [`Key`](crate::attribute::Key) that knows the type of its values; families such as
//! `http.request.header.<key>` are [`KeyPrefix`](crate::attribute::KeyPrefix)es. Where the conventions list the values
//! of an attribute, there is a module of its name: [`network_transport`], [`messaging_operation_type`], ...
//!
//! ```
//! use tracing_core_ctx::attribute::Attributes;
//! use tracing_core_ctx::semconv::{self, network_transport};
//!
//! let mut attributes = Attributes::new();
//! attributes.set(semconv::HTTP_ROUTE, "/users/{id}");
//! attributes.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
//! attributes.set(semconv::NETWORK_TRANSPORT, network_transport::TCP);
//! ```
//!
//! The documentation of a constant says when the attribute applies, in the conventions' words: *required*,
//! *conditionally required* (under the condition that follows), *recommended* (on unless costly), *opt-in* (off unless
//! asked for). "At span start" means that samplers must see it.
//!
//! - [`definition`] answers what the conventions say of a name, and [`check`](check()) what is wrong with one.
//! - [`legacy`] has the names of earlier versions, which [`StabilityOptIn`] can ask for.
//! - `ctx.*` ([`CTX_OUTCOME`], [`CTX_HANDLED`], [`CTX_RPC_MESSAGES_SENT`], ..) is this project's own namespace and not part of OpenTelemetry.

pub mod legacy;
pub mod metric;

pub(crate) mod check;
mod code;
mod ctx;
mod db;
mod define;
mod error;
mod http;
mod messaging;
mod network;
mod registry;
mod resource;
mod rpc;
mod service;
mod stability;
mod telemetry;
mod thread;
mod url;
mod user_agent;

pub use check::{Misuse, check};
pub use code::*;
pub use ctx::*;
pub use db::*;
pub use error::*;
pub use http::*;
pub use messaging::*;
pub use network::*;
pub use registry::{Definition, Stability, ValueType, definition, definitions};
pub(crate) use registry::{NAMES, number};
pub use resource::*;
pub use rpc::*;
pub use service::*;
pub use stability::StabilityOptIn;
pub use telemetry::*;
pub use thread::*;
pub use url::*;
pub use user_agent::*;

/// The version of the conventions that is followed, as the schema URL of an instrumentation scope or a resource.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.45.0";

#[cfg(test)]
mod tests;
