//! An instrumentation of HTTP written only to be right, and able to be wrong in exactly one thing.

mod body;
mod describe;
mod future;
mod headers;
mod side;

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use trace_testkit::http::{
    HttpClient, HttpServer, Instrumented, SpanEnd, TestBody, TestFuture, TestService, Wish,
};
use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::span::Link;
use tracing_core_ctx::{Context, Span, SpanContext, SpanKind, Tracer};

use self::body::TracedBody;
use self::future::TracedFuture;
use self::headers::Headers;
use self::side::Exchange;
use crate::wrong::faults;

faults! {
    AppendsHeaders
    BelievesAmbientSpan
    CancelIsError
    CapturesHeaders
    CapturesListedCredentials
    ClearsRandomFlag
    ClonesAfterReady
    CodeIsText
    DropsTrailers
    EmptyAttributes
    EndsAtDropOfBody
    EndsAtHead
    EndsWithLastContext
    FirstHeaderOnly
    IgnoresContentLength
    IgnoresCurrent
    IgnoresHead
    IgnoresRoute
    IgnoresTrust
    IgnoresUpgrade
    InventsParent
    LeaksContext
    LeaksUntilDrop
    LenientParser
    LosesEnd
    LosesErrors
    LosesExtensions
    LosesSizeHint
    MarksSuccessOk
    MessageIsErrorType
    None
    NotCurrentInBody
    NotCurrentInBodyDrop
    NotCurrentInCall
    NotCurrentInDrop
    NotCurrentInPoll
    PanicsAreCancellations
    PanicsUnseen
    ParentIsLocal
    PathIsName
    PortInAddress
    RawMethod
    RecordsTelemetry
    RecordsUnsampled
    SaysReady
    ScopeAcrossPolls
    SeesNoBodyError
    SendsParent
    SendsTraceparentOnly
    ServerFailsOn4xx
    StartsInPoll
    TakesHeaders
    TellsSamplersNothing
    TellsSecrets
    TrustsForwarded
    Two
    VersionHasName
    VersionZeroOnly
    WaitsForNone
}

/// The layer without a fault, or with one.
#[derive(Clone)]
pub(crate) struct Layer {
    tracer: Tracer,
    kind: SpanKind,
    end: SpanEnd,
    wish: Option<Wish>,
    fault: Fault,
}

/// The contract, kept. As a client its spans end with the body.
pub(crate) struct Reference;

/// The contract, kept by a client whose spans end at the head.
pub(crate) struct EndingAtTheHead;

/// The number of times that a request was sent before.
#[derive(Clone, Copy)]
struct Resend(u32);

impl HttpServer for Reference {
    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        Layer::new(tracer, SpanKind::Server).around(inner)
    }

    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        Some(
            Layer::new(tracer, SpanKind::Server)
                .with_wish(wish)
                .around(inner),
        )
    }
}

impl HttpClient for Reference {
    const END: SpanEnd = SpanEnd::Body;

    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        Layer::new(tracer, SpanKind::Client).around(inner)
    }

    fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
        Some(
            Layer::new(tracer, SpanKind::Client)
                .with_wish(wish)
                .around(inner),
        )
    }

    fn mark_resend(request: &mut Request<TestBody>, count: u32) -> bool {
        request.extensions_mut().insert(Resend(count));
        true
    }
}

impl HttpClient for EndingAtTheHead {
    const END: SpanEnd = SpanEnd::Head;

    fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
        Layer::new(tracer, SpanKind::Client)
            .ending(Self::END)
            .around(inner)
    }
}

impl Layer {
    pub(crate) fn new(tracer: Tracer, kind: SpanKind) -> Self {
        Self {
            tracer,
            kind,
            end: SpanEnd::Body,
            wish: None,
            fault: Fault::None,
        }
    }

    pub(crate) fn with_fault(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    pub(crate) fn with_wish(self, wish: Wish) -> Self {
        Self {
            wish: Some(wish),
            ..self
        }
    }

    fn ending(self, end: SpanEnd) -> Self {
        Self { end, ..self }
    }

    pub(crate) fn around(self, inner: TestService) -> Instrumented {
        Instrumented::new(Traced {
            layer: Arc::new(self),
            inner,
        })
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn is_server(&self) -> bool {
        self.kind == SpanKind::Server
    }

    /// The span of one exchange, and the context below it.
    fn start<B>(&self, request: &Request<B>) -> (Span, Context) {
        let mut parent = self.parent(request);
        let mut cause = None;
        match self.wish {
            Some(Wish::LinkCallers) if !self.has(Fault::IgnoresTrust) => {
                cause = std::mem::take(&mut parent).span_context().cloned();
            }
            Some(Wish::OwnSampling) if !self.has(Fault::IgnoresTrust) => {
                parent = parent.with_sampling_hint(SamplingHint::Defer);
            }
            _ => {}
        }
        let name = describe::name(self, request);
        let mut builder = self.tracer.span(&name).kind(self.kind).parent(&parent);
        if !self.has(Fault::TellsSamplersNothing) {
            builder = describe::start(self, request, builder);
        }
        if let Some(cause) = cause {
            builder = builder.link(Link::new(cause));
        }
        let span = builder.start();
        if self.has(Fault::TellsSamplersNothing) {
            describe::late_start(self, request, &span);
        }
        let handle = if self.has(Fault::SendsParent) {
            None
        } else {
            Some(span.handle())
        };
        let context = match handle {
            Some(handle) => parent.with_span(handle),
            None => parent,
        };
        (span, context)
    }

    fn sends_to<B>(&self, request: &Request<B>) -> bool {
        match self.wish {
            Some(Wish::SendOnlyTo(hosts)) if !self.has(Fault::IgnoresTrust) => request
                .uri()
                .host()
                .is_some_and(|host| hosts.contains(&host)),
            _ => true,
        }
    }

    fn parent<B>(&self, request: &Request<B>) -> Context {
        let ambient = Context::current();
        if !self.is_server() {
            if self.has(Fault::IgnoresCurrent) {
                return Context::new().with_baggage(ambient.baggage().clone());
            }
            if self.has(Fault::RecordsTelemetry) && ambient.is_suppressed() {
                return Context::new();
            }
            if self.has(Fault::RecordsUnsampled)
                && ambient.span_context().is_some_and(|cx| !cx.is_sampled())
            {
                return ambient.without_span();
            }
            return ambient;
        }
        if self.has(Fault::BelievesAmbientSpan) && ambient.span_context().is_some() {
            return ambient;
        }
        let caller = self.tracer.extract(&Headers {
            map: request.headers(),
            first_only: self.has(Fault::FirstHeaderOnly),
        });
        let caller = match caller.span_context().cloned() {
            _ if self.has(Fault::VersionZeroOnly)
                && !headers::is_version_zero(request.headers()) =>
            {
                Context::new()
            }
            _ if self.has(Fault::LenientParser) => headers::lenient(request.headers()),
            Some(parent) if self.has(Fault::ParentIsLocal) => {
                caller.with_remote_span(parent.with_remote(false))
            }
            None if self.has(Fault::InventsParent) => caller.with_remote_span(headers::invented()),
            _ => caller,
        };
        let unsampled = caller.span_context().is_some_and(|cx| !cx.is_sampled());
        if self.has(Fault::RecordsUnsampled) && unsampled {
            return caller.without_span();
        }
        caller
    }
}

#[derive(Clone)]
struct Traced {
    layer: Arc<Layer>,
    inner: TestService,
}

impl<B> Service<Request<B>> for Traced
where
    B: Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<TracedBody>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = TracedFuture;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        let ready = Service::<Request<B>>::poll_ready(&mut self.inner, cx);
        if self.layer.has(Fault::SaysReady) {
            Poll::Ready(Ok(()))
        } else {
            ready
        }
    }

    fn call(&mut self, request: Request<B>) -> TracedFuture {
        if self.layer.has(Fault::StartsInPoll) {
            let waiting = self.clone();
            let mut ready = std::mem::replace(self, waiting);
            return TracedFuture::later(Box::new(move || ready.start(request)));
        }
        let (inner, exchange) = self.start(request);
        TracedFuture::new(inner, exchange)
    }
}

impl Traced {
    fn start<B>(&mut self, mut request: Request<B>) -> (TestFuture, Exchange)
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (span, context) = self.layer.start(&request);
        if self.layer.has(Fault::Two) {
            self.layer.start(&request).0.end();
        }
        if !self.layer.is_server() && self.layer.sends_to(&request) {
            let append = self.layer.has(Fault::AppendsHeaders);
            let sent = match context.span_context() {
                Some(span) if self.layer.has(Fault::ClearsRandomFlag) => {
                    let flags = span.flags().with_random(false);
                    let cleared = SpanContext::new(span.trace_id(), span.span_id(), flags);
                    context.clone().with_remote_span(cleared)
                }
                _ => context.clone(),
            };
            let map = request.headers_mut();
            self.layer
                .tracer
                .inject(&sent, &mut headers::HeadersMut { map, append });
        }
        if self.layer.has(Fault::SendsTraceparentOnly) {
            request.headers_mut().remove("baggage");
            request.headers_mut().remove("tracestate");
        }
        if self.layer.has(Fault::TakesHeaders) {
            request.headers_mut().remove("traceparent");
        }
        if self.layer.has(Fault::LosesExtensions) {
            request.extensions_mut().clear();
        }
        let mut exchange = Exchange::new(
            Arc::clone(&self.layer),
            span,
            context,
            request.method() == "HEAD",
        );
        exchange.is_connect = request.method() == "CONNECT";
        if self.layer.has(Fault::ClonesAfterReady) {
            self.inner = self.inner.clone();
        }
        let inner = exchange.inside(
            |fault| fault != Fault::NotCurrentInCall,
            |_| self.inner.call(request),
        );
        (inner, exchange)
    }
}
