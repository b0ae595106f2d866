//! What counts as one route, as a number. Nothing is put together for it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tracing_core_ctx::SpanRecord;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::{AttributeSource, SamplingInput};

/// A route as it is known now, and as it was known when the span started if its router came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) full: u64,
    pub(crate) early: u64,
}

pub(crate) fn of_input(input: &SamplingInput<'_>) -> Route {
    of(input.attributes, || input.name())
}

pub(crate) fn of_record(root: &SpanRecord) -> Route {
    of(root.attributes(), || root.name())
}

fn of<'a>(attributes: &dyn AttributeSource, name: impl Fn() -> &'a str) -> Route {
    let text = |key| attributes.get(key).and_then(ValueRef::as_str);
    if let Some(method) = text("http.request.method") {
        return Route {
            full: hash(method, text("http.route").unwrap_or_default()),
            early: hash(method, ""),
        };
    }
    let one = match (text("messaging.destination.name"), text("rpc.method")) {
        (Some(topic), _) => hash("messaging", topic),
        (None, Some(method)) => hash("rpc", method),
        (None, None) => hash("name", name()),
    };
    Route {
        full: one,
        early: one,
    }
}

/// Never 0, which stands for no route.
fn hash(kind: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, text).hash(&mut hasher);
    hasher.finish().max(1)
}
