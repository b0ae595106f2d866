use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::{ActiveSpan, Context, SpanContext, SpanKind, Tracer, semconv};

use super::attributes::Asked;
use super::describe::DescribeServer;
use crate::capture::Captured;
use crate::carrier::HeaderExtractor;
use crate::exchange::{Exchange, Watch};
use crate::head::RequestHead;
use crate::hook;
use crate::method::KnownMethods;
use crate::outcome::Extras;
use crate::redact::SensitiveKeys;
use crate::repeat::Settings;
use crate::route::{LateRoute, Routes};
use crate::trust::Trust;
use crate::way_back::Echo;

pub(super) type NameFn = dyn Fn(RequestHead<'_>) -> Option<String> + Send + Sync;
pub(super) type PeerFn = dyn Fn(RequestHead<'_>) -> Option<SocketAddr> + Send + Sync;
pub(super) type TrustFn = dyn Fn(RequestHead<'_>) -> Trust + Send + Sync;
pub(super) type UriFn = dyn for<'a> Fn(RequestHead<'a>) -> Option<&'a Uri> + Send + Sync;

/// All settings of a [`TraceLayer`](super::TraceLayer): plain data and erased closures.
#[derive(Clone)]
pub(crate) struct ServerPolicy {
    /// Of these settings: changed with each of them.
    pub(super) settings: Settings,
    pub(super) tracer: Tracer,
    pub(super) routes: Routes,
    pub(super) filter: Option<Arc<hook::FilterFn>>,
    pub(super) trust: Trust,
    pub(super) trust_by: Option<Arc<TrustFn>>,
    pub(super) name: Option<Arc<NameFn>>,
    pub(super) on_request: Option<Arc<hook::OnRequestFn>>,
    pub(super) on_response: Option<Arc<hook::OnResponseFn>>,
    pub(super) peer: Option<Arc<PeerFn>>,
    pub(super) uri: Option<Arc<UriFn>>,
    pub(super) sensitive: SensitiveKeys,
    pub(super) request_headers: Captured,
    pub(super) response_headers: Captured,
    pub(super) body_sizes: bool,
    pub(super) forwarded: bool,
    pub(super) scheme: &'static str,
    pub(super) methods: KnownMethods,
    pub(super) legacy_names: bool,
    pub(super) echo: Option<Arc<Echo>>,
    pub(super) observer: Option<Arc<dyn ExchangeObserver>>,
}

impl ServerPolicy {
    /// Starts the exchange that `head` asks for.
    pub(super) fn begin(self: &Arc<Self>, head: RequestHead<'_>) -> Exchange<DescribeServer> {
        let caller = self.tracer.extract(&HeaderExtractor(head.headers));
        let (context, link) = match self.trust {
            Trust::Continue if self.trust_by.is_none() => (caller, None),
            _ => self.believe(head, caller),
        };
        if !hook::admits(self.filter.as_deref(), head) {
            // Not traced, and neither is what it calls; what is believed of the caller's context still reaches them.
            return Exchange::unrecorded(ActiveSpan::passing(context.untraced()));
        }
        if !self.tracer.is_enabled() && self.observer.is_none() {
            // Nobody takes spans, so nobody asks what one would be called.
            return Exchange::unrecorded(ActiveSpan::passing(context));
        }
        let context = match &self.echo {
            Some(echo) => echo.prepare(context),
            None => context,
        };
        let request = Asked::new(self, head);
        let mut watch = Watch::start(
            self.observer.as_ref(),
            &self.tracer,
            SpanKind::Server,
            &request,
        );
        let context = match watch.is_on() && LateRoute::is_wanted() {
            true => expect_route(context, &request, &mut watch),
            false => context,
        };
        let mut builder = self
            .tracer
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
        let is_recorded = active.is_open();
        if !is_recorded && !watch.is_on() {
            return Exchange::unrecorded(active);
        }
        if is_recorded && let Some(on_request) = &self.on_request {
            hook::run(|| on_request(head, active.span()));
        }
        let describe = DescribeServer::new(self, is_recorded, watch);
        Exchange::new(head.method, active, describe)
    }

    /// The target as the client sent it.
    pub(super) fn target<'a>(&self, head: RequestHead<'a>) -> &'a Uri {
        let original = self.uri.as_ref();
        original
            .and_then(|uri| hook::run(|| uri(head)).flatten())
            .unwrap_or(head.uri)
    }

    /// What of the caller's context is taken over, and what becomes a link.
    fn believe(&self, head: RequestHead<'_>, caller: Context) -> (Context, Option<SpanContext>) {
        let trust = match &self.trust_by {
            // Who cannot be judged is not trusted.
            Some(trust) => hook::run(|| trust(head)).unwrap_or(Trust::Ignore),
            None => self.trust,
        };
        trust.judge(caller)
    }

    pub(super) const fn extras(&self) -> Extras {
        Extras {
            body_sizes: self.body_sizes,
            legacy_names: self.legacy_names,
        }
    }
}

/// Where the route is not known yet, whoever is told of the end may hear it then.
#[cold]
fn expect_route(context: Context, request: &dyn AttributeSource, watch: &mut Watch) -> Context {
    if request.get(semconv::HTTP_ROUTE.name()).is_some() {
        return context;
    }
    let (context, late) = LateRoute::expect(context);
    watch.expect(late);
    context
}
