//! The spans of OpenTelemetry's API that somebody has. Its contexts tell of a span no more than the ids; here is who it is.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::{SpanContext, SpanId, SpanRef};

const SHARDS: usize = 16;

type Shard = Mutex<HashMap<SpanId, SpanRef>>;

static OPEN: LazyLock<[Shard; SHARDS]> = LazyLock::new(Default::default);

fn shard(id: SpanId) -> MutexGuard<'static, HashMap<SpanId, SpanRef>> {
    let place = usize::from(id.to_bytes()[7]) % SHARDS;
    OPEN[place].lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a span until it is [dropped](remove).
pub(super) fn insert(span: &SpanRef) {
    if let Some(context) = span.span_context() {
        shard(context.span_id()).insert(context.span_id(), span.clone());
    }
}

pub(super) fn remove(id: SpanId) {
    // Not dropped under the lock: the last reference may end a span.
    let removed = shard(id).remove(&id);
    drop(removed);
}

/// The span with these ids, if somebody has it.
pub(super) fn find(context: &SpanContext) -> Option<SpanRef> {
    let span = shard(context.span_id()).get(&context.span_id()).cloned()?;
    let is_same = span
        .span_context()
        .is_some_and(|known| known.trace_id() == context.trace_id());
    is_same.then_some(span)
}
