use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::shared::Shared;

pub(super) fn watch(shared: &Arc<Shared>, timeout: Duration) {
    // There the hook can not be changed.
    if thread::panicking() {
        return;
    }
    let shared = Arc::downgrade(shared);
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        previous(info);
        if let Some(shared) = shared.upgrade() {
            save(&shared, info, timeout);
        }
    }));
}

fn save(shared: &Shared, info: &PanicHookInfo<'_>, timeout: Duration) {
    // An exporter that panics is caught, and its pipeline goes on.
    if shared.is_own_thread() {
        return;
    }
    // What is lost is in the report of the pipeline's thread.
    let _ = if ends_the_process(info) {
        shared.shutdown(timeout)
    } else if thread::current().name() == Some("main") && !is_in_a_task() {
        shared.flush(timeout)
    } else {
        Ok(())
    };
}

/// Whether the panic ends a task of tokio, which may run on the main thread.
#[cfg(feature = "otlp")]
fn is_in_a_task() -> bool {
    tokio::task::try_id().is_some()
}

#[cfg(not(feature = "otlp"))]
const fn is_in_a_task() -> bool {
    false
}

/// Whether nothing unwinds after this panic.
fn ends_the_process(info: &PanicHookInfo<'_>) -> bool {
    // What the standard library says then; `PanicHookInfo::can_unwind` is not stable.
    const CANNOT_UNWIND: [&str; 2] = [
        "panic in a destructor during cleanup",
        "panic in a function that cannot unwind",
    ];
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    cfg!(panic = "abort") || text.is_some_and(|text| CANNOT_UNWIND.contains(&text))
}
