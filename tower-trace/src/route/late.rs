//! A route that is found inside of a request whose layer did not know it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tracing_core_ctx::Context;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;

use crate::exchange::Late;

/// Where the route of a request is put, for who is told of its end; in its context.
#[derive(Clone, Debug, Default)]
pub(crate) struct LateRoute(Arc<OnceLock<Box<str>>>);

/// Whether anybody in this process finds routes late. Most services know theirs in time, and pay for no place to put it.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

impl LateRoute {
    /// From now on requests have such a place.
    #[cfg(feature = "axum")]
    pub(crate) fn want() {
        IS_WANTED.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_wanted() -> bool {
        IS_WANTED.load(Ordering::Relaxed)
    }

    /// A context with a place for the route, and who knows what is there.
    pub(crate) fn expect(context: Context) -> (Context, Late) {
        let route = Self::default();
        (context.with_value(route.clone()), Arc::new(route))
    }

    /// The first that is told counts.
    #[cfg(feature = "axum")]
    pub(crate) fn tell(&self, route: &str) {
        self.0.get_or_init(|| route.into());
    }
}

impl AttributeSource for LateRoute {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let route = self.0.get().filter(|_| key == "http.route")?;
        Some(ValueRef::Str(route))
    }
}
