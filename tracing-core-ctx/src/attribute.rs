//! Attributes: what a span, event, link or resource says about itself.
//!
//! A key of the [semantic conventions](crate::semconv) knows its type, so a wrongly typed value does not compile:
//!
//! ```
//! use tracing_core_ctx::{attribute::Attributes, semconv};
//!
//! let mut attributes = Attributes::new();
//! attributes.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
//! attributes.set("shop.cart.size", 3);
//! assert_eq!(attributes.get("shop.cart.size").and_then(|v| v.as_i64()), Some(3));
//! ```
//!
//! ```compile_fail
//! # use tracing_core_ctx::{attribute::Attributes, semconv};
//! # let mut attributes = Attributes::new();
//! attributes.set(semconv::HTTP_RESPONSE_STATUS_CODE, "200"); // An integer by convention.
//! ```

mod code;
mod entries;
mod entry;
mod kept;
mod key;
mod large;
mod mark;
mod names;
mod part;
mod set;
mod table;
mod texts;
mod value;
mod visitor;

pub use code::KeyCode;
pub use kept::{KeptKey, KeptText};
pub use key::{AttributeKey, Key, KeyPrefix, KeyRef, StaticKey, Untyped};
pub use part::TemplatePart;
pub use set::{Attributes, Iter};
pub use value::{Array, AttributeValue, Value, ValueRef};
pub use visitor::Visitor;
