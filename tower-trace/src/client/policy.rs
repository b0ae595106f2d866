use std::sync::Arc;

use http::Request;
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::{ActiveSpan, Context, SpanKind, Tracer};

use super::attempts::Attempts;
use super::attributes;
use super::describe::DescribeClient;
use super::propagate::Propagate;
use crate::capture::Captured;
use crate::exchange::{Exchange, Watch};
use crate::head::RequestHead;
use crate::hook;
use crate::method::KnownMethods;
use crate::outcome::Extras;
use crate::redact::SensitiveKeys;
use crate::route::Routes;
use crate::way_back::{CalleeKeeps, Echo};

/// All settings of a [`ClientTraceLayer`](super::ClientTraceLayer): plain data and erased closures.
#[derive(Clone)]
pub(crate) struct ClientPolicy {
    pub(super) tracer: Tracer,
    pub(super) routes: Routes,
    pub(super) filter: Option<Arc<hook::FilterFn>>,
    pub(super) on_request: Option<Arc<hook::OnRequestFn>>,
    pub(super) on_response: Option<Arc<hook::OnResponseFn>>,
    pub(super) propagate: Propagate,
    pub(super) sensitive: SensitiveKeys,
    pub(super) request_headers: Captured,
    pub(super) response_headers: Captured,
    pub(super) body_sizes: bool,
    pub(super) end_at_head: bool,
    pub(super) scheme: &'static str,
    pub(super) methods: KnownMethods,
    pub(super) legacy_names: bool,
    /// Where callees are heard who say that they keep their part.
    pub(super) way_back: Option<Arc<Echo>>,
    pub(super) observer: Option<Arc<dyn ExchangeObserver>>,
}

impl ClientPolicy {
    /// Starts the exchange that `request` opens, and writes its context into the headers.
    pub(super) fn begin<B>(self: &Arc<Self>, request: &mut Request<B>) -> Exchange<DescribeClient> {
        // Where a request crosses to another task before it is sent, it brings its context along. What it brought for this client is none of the next
        // one's business: a server in the same program may hand the request on.
        let extensions = request.extensions_mut();
        let current = extensions
            .remove::<Context>()
            .unwrap_or_else(Context::current);
        // Counted whether the span records or not: the next attempt is the next one.
        let resends = extensions
            .remove::<Attempts>()
            .map_or(0, |attempts| attempts.next());
        let head = RequestHead::new(request);
        let parts = attributes::Request::new(self, head, resends);
        // Below what is not traced nothing is recorded, but who measures is told; of telemetry's own nobody is.
        let has_audience =
            !current.is_suppressed() || (self.observer.is_some() && !current.is_telemetry());
        let wanted = has_audience && hook::admits(self.filter.as_deref(), head);
        let reaches = self.propagate.reaches(|| (parts.host(), parts.port()));
        let exchange = if wanted {
            // Who is not told the trace has nothing to say about it.
            let heard = (self.way_back.is_some() && reaches).then(|| CalleeKeeps::of(&current));
            self.start(current, head, &parts, heard)
        } else {
            Exchange::unrecorded(ActiveSpan::passing(current))
        };
        if reaches {
            self.propagate
                .inject(&self.tracer, exchange.context(), request.headers_mut());
        } else {
            self.propagate.withhold(request.headers_mut());
        }
        exchange
    }

    fn start(
        self: &Arc<Self>,
        current: Context,
        head: RequestHead<'_>,
        parts: &attributes::Request<'_>,
        heard: Option<CalleeKeeps>,
    ) -> Exchange<DescribeClient> {
        let watch = Watch::start(
            self.observer.as_ref(),
            &self.tracer,
            SpanKind::Client,
            parts,
        );
        let mut builder = self
            .tracer
            .span("")
            .kind(SpanKind::Client)
            .attribute_source(parts);
        if let Some(time) = watch.start_time() {
            builder = builder.start_time(time);
        }
        let active = builder.start_in(current, |span| parts.describe(span));
        let is_recorded = active.is_open();
        if !is_recorded && !watch.is_on() {
            return Exchange::unrecorded(active);
        }
        if is_recorded && let Some(on_request) = &self.on_request {
            hook::run(|| on_request(head, active.span()));
        }
        let describe = DescribeClient::new(self, is_recorded, watch, heard);
        Exchange::new(head.method, active, describe)
    }

    pub(super) const fn extras(&self) -> Extras {
        Extras {
            body_sizes: self.body_sizes,
            legacy_names: self.legacy_names,
        }
    }
}
