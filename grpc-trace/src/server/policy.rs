use std::net::SocketAddr;
use std::sync::Arc;

use tower_trace::exchange::{Exchange, Watch};
use tower_trace::policy::hook;
use tower_trace::repeat::Settings;
use tower_trace::way_back::Echo;
use tower_trace::{RequestHead, Trust};
use tracing_core_ctx::{ActiveSpan, Context, SpanContext, SpanKind};

use super::attributes;
use crate::call::CallPolicy;
use crate::describe::DescribeCall;
use crate::headers::CallHeaders;
use crate::method::KnownMethods;

pub(super) type PeerFn = dyn Fn(RequestHead<'_>) -> Option<SocketAddr> + Send + Sync;
pub(super) type TrustFn = dyn Fn(RequestHead<'_>) -> Trust + Send + Sync;

/// All settings of a [`TraceLayer`](super::TraceLayer): plain data and erased closures.
#[derive(Clone)]
pub(crate) struct ServerPolicy {
    /// Of these settings: changed with each of them.
    pub(super) settings: Settings,
    pub(super) call: Arc<CallPolicy>,
    pub(super) methods: KnownMethods,
    pub(super) trust: Trust,
    pub(super) trust_by: Option<Arc<TrustFn>>,
    pub(super) peer: Option<Arc<PeerFn>>,
    pub(super) echo: Option<Arc<Echo>>,
}

impl ServerPolicy {
    /// Starts the exchange that `head` asks for.
    #[inline]
    pub(super) fn begin(&self, head: RequestHead<'_>) -> Exchange<DescribeCall> {
        let headers = CallHeaders::new(head.headers);
        let (active, watch) = self.start(head, &headers);
        let is_recorded = active.is_open();
        if !is_recorded && !watch.is_on() {
            return Exchange::unrecorded(active);
        }
        let describe = DescribeCall::new(&self.call, headers.timeout(), is_recorded, watch, None);
        Exchange::new(head.method, active, describe)
    }

    #[inline]
    fn start(&self, head: RequestHead<'_>, headers: &CallHeaders<'_>) -> (ActiveSpan, Watch) {
        let tracer = &self.call.tracer;
        let caller = tracer.extract(headers);
        let (context, link) = self.believe(head, caller);
        if !self.call.admits(head) {
            // Not traced, and neither is what it calls; what is believed of the caller's context still reaches them.
            return (ActiveSpan::passing(context.untraced()), Watch::OFF);
        }
        let observer = self.call.observer.as_ref();
        if !tracer.is_enabled() && observer.is_none() {
            return (ActiveSpan::passing(context), Watch::OFF);
        }
        let context = match &self.echo {
            Some(echo) => echo.prepare(context),
            None => context,
        };
        let request = attributes::Request::new(self, head);
        let watch = Watch::start(observer, tracer, SpanKind::Server, &request);
        let mut builder = tracer
            .span("")
            .kind(SpanKind::Server)
            .attribute_source(&request);
        if let Some(link) = link {
            builder = builder.link(link);
        }
        if let Some(time) = watch.start_time() {
            builder = builder.start_time(time);
        }
        let active = builder.start_in(context, |span| request.describe(span));
        if active.is_open()
            && let Some(on_request) = &self.call.on_request
        {
            hook::run(|| on_request(head, active.span()));
        }
        (active, watch)
    }

    /// What of the caller's context is taken over, and what becomes a link.
    fn believe(&self, head: RequestHead<'_>, caller: Context) -> (Context, Option<SpanContext>) {
        let trust = match &self.trust_by {
            // Who cannot be judged is not trusted.
            Some(trust) => hook::run(|| trust(head)).unwrap_or(Trust::Ignore),
            None if self.trust == Trust::Continue => return (caller, None),
            None => self.trust,
        };
        trust.judge(caller)
    }
}
