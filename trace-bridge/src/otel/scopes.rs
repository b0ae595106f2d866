//! Names of libraries that live as long as the program.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use opentelemetry::InstrumentationScope as OtelScope;
use tracing_core_ctx::InstrumentationScope;

/// Programs have few. One that makes them up gets no new ones beyond this, and its spans no scope.
const MOST: usize = 1024;

type Known = HashMap<[String; 3], &'static InstrumentationScope>;

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// The same for ever, so that a record can point to it. `None` when there are too many.
pub(super) fn intern(scope: &OtelScope) -> Option<&'static InstrumentationScope> {
    let texts = [
        scope.name().to_owned(),
        scope.version().unwrap_or_default().to_owned(),
        scope.schema_url().unwrap_or_default().to_owned(),
    ];
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(&texts) {
        return Some(found);
    }
    if known.len() >= MOST {
        return None;
    }
    let [name, version, schema_url] = texts.clone().map(|text| &*text.leak());
    let mut new = InstrumentationScope::new(name, version);
    new.schema_url = schema_url;
    let new = &*Box::leak(Box::new(new));
    known.insert(texts, new);
    Some(new)
}
