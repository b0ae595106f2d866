use std::sync::Arc;

use http::Request;
use tower_trace::RequestHead;
use tower_trace::exchange::{Exchange, Watch};
use tower_trace::policy::{Propagate, hook};
use tower_trace::repeat::Settings;
use tower_trace::way_back::{CalleeKeeps, Echo};
use tracing_core_ctx::{ActiveSpan, Context, SpanKind};

use super::attributes;
use super::target::Target;
use crate::body;
use crate::call::CallPolicy;
use crate::deadline;
use crate::describe::DescribeCall;

/// All settings of a [`ClientTraceLayer`](super::ClientTraceLayer): plain data and erased closures.
#[derive(Clone)]
pub(crate) struct ClientPolicy {
    /// Of these settings: changed with each of them.
    pub(super) settings: Settings,
    pub(super) call: Arc<CallPolicy>,
    pub(super) target: Option<Target>,
    pub(super) propagate: Propagate,
    /// Where callees are heard who say that they keep their part.
    pub(super) echo: Option<Arc<Echo>>,
    pub(super) always_accompany: bool,
}

impl ClientPolicy {
    /// Starts the exchange that `request` opens, and writes its context into the metadata.
    pub(super) fn begin<B: 'static>(&self, request: &mut Request<B>) -> Exchange<DescribeCall> {
        // Where a request crosses to another task before it is sent, it brings its context along. That is none of the business of a next client, to
        // which a server in the same program may hand the request on.
        let current = request
            .extensions_mut()
            .remove::<Context>()
            .unwrap_or_else(Context::current);
        let head = RequestHead::new(request);
        let parts = attributes::Request::new(self, head);
        let reaches = self.propagate.reaches(|| parts.host_and_port());
        // Who is not told the trace has nothing to say about it.
        let heard = (self.echo.is_some() && reaches).then(|| CalleeKeeps::of(&current));
        // Below what is not traced nothing is recorded, but who measures is told; of telemetry's own nobody is.
        let has_audience =
            !current.is_suppressed() || (self.call.observer.is_some() && !current.is_telemetry());
        let (active, watch) = if has_audience && self.call.admits(head) {
            self.start(current, head, &parts)
        } else {
            (ActiveSpan::passing(current), Watch::OFF)
        };
        let is_recorded = active.is_open();
        let exchange = if is_recorded || watch.is_on() {
            let told = deadline::timeout(head.headers);
            let describe = DescribeCall::new(&self.call, told, is_recorded, watch, heard);
            Exchange::new(head.method, active, describe)
        } else {
            Exchange::unrecorded(active)
        };
        if reaches {
            let headers = request.headers_mut();
            self.propagate
                .inject(&self.call.tracer, exchange.context(), headers);
        } else {
            self.propagate.withhold(request.headers_mut());
        }
        if is_recorded || self.always_accompany {
            let counter = exchange.describe().and_then(DescribeCall::requests);
            body::accompany(request.body_mut(), exchange.context(), counter);
        }
        exchange
    }

    fn start(
        &self,
        current: Context,
        head: RequestHead<'_>,
        parts: &attributes::Request<'_>,
    ) -> (ActiveSpan, Watch) {
        let watch = Watch::start(
            self.call.observer.as_ref(),
            &self.call.tracer,
            SpanKind::Client,
            parts,
        );
        let mut builder = self
            .call
            .tracer
            .span("")
            .kind(SpanKind::Client)
            .attribute_source(parts);
        if let Some(time) = watch.start_time() {
            builder = builder.start_time(time);
        }
        let active = builder.start_in(current, |span| parts.describe(span));
        if active.is_open()
            && let Some(on_request) = &self.call.on_request
        {
            hook::run(|| on_request(head, active.span()));
        }
        (active, watch)
    }
}
