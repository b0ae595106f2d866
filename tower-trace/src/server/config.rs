use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderName, Uri};
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::{SpanRef, semconv};

use super::layer::TraceLayer;
use super::policy::ServerPolicy;
use crate::head::{RequestHead, ResponseHead};
use crate::repeat::Settings;
use crate::route::Templates;
use crate::trust::Trust;

/// # Names
impl TraceLayer {
    /// Asks `route` for the pattern that a request matched, such as `/users/{id}`: the router's own word, which becomes
    /// `http.route` and part of the span's name.
    ///
    /// **When:** before the span starts. **Sees:** the head of the request. **If it panics:** there is no route.
    /// A request without a route is named by its method alone.
    pub fn route(
        self,
        route: impl for<'a> Fn(RequestHead<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.routes.source(Arc::new(route)))
    }

    /// Lists the routes of a service that has no router to ask.
    ///
    /// ```
    /// use tower_trace::{TraceLayer, Templates};
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    ///
    /// let layer = TraceLayer::new(tracer).templates(Templates::new(["/users/{id}", "/files/{*path}"])?);
    /// # Ok::<(), tower_trace::route::InvalidTemplate>(())
    /// ```
    pub fn templates(self, templates: Templates) -> Self {
        self.edit(|policy| policy.routes.templates(templates))
    }

    /// Whether a request without a route is named by its path with ids taken out (`GET /users/{id}`). Default: only if neither a router nor
    /// templates are set.
    pub fn parameterize_paths(self, yes: bool) -> Self {
        self.edit(|policy| policy.routes.parameterize(yes))
    }

    /// How many different routes are let through, and how many guesses, before further ones become `_OTHER`. Default: 1000 of each.
    pub fn max_names(self, names: usize) -> Self {
        self.edit(|policy| policy.routes.cap(names))
    }

    /// Names spans by `name`; `None` leaves the conventions' name. Keep the number of different names small.
    ///
    /// **When:** before the span starts, for every request. **Sees:** the head of the request. **If it panics:** the conventions'
    /// name is used.
    pub fn name(
        self,
        name: impl Fn(RequestHead<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.name = Some(Arc::new(name)))
    }
}

/// # Which requests, and whom to believe
impl TraceLayer {
    /// Traces only the requests that `filter` wants, all but health checks for example. The others still pass the caller's context on, as far as
    /// it is [trusted](Self::trust), and
    /// nothing below them is recorded.
    ///
    /// **When:** when the caller's context has been read. **Sees:** the head of the request. **If it panics:** the request is traced.
    ///
    /// ```
    /// # use tower_trace::TraceLayer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let layer = TraceLayer::new(tracer).filter(|request| request.uri.path() != "/health");
    /// ```
    pub fn filter(self, filter: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.edit(|policy| policy.filter = Some(Arc::new(filter)))
    }

    /// How far callers are believed. Default: [`Trust::Continue`].
    pub fn trust(self, trust: Trust) -> Self {
        self.edit(|policy| policy.trust = trust)
    }

    /// How far each caller is believed.
    ///
    /// **When:** when the caller's context has been read. **Sees:** the head of the request. **If it panics:** the caller is ignored.
    ///
    /// ```
    /// use tower_trace::{PeerAddr, TraceLayer, Trust};
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    ///
    /// let layer = TraceLayer::new(tracer).trust_by(|request| match request.extensions.get::<PeerAddr>() {
    ///     Some(peer) if peer.0.ip().is_loopback() => Trust::Continue,
    ///     _ => Trust::NewRootWithLink,
    /// });
    /// ```
    pub fn trust_by(
        self,
        trust: impl Fn(RequestHead<'_>) -> Trust + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.trust_by = Some(Arc::new(trust)))
    }

    /// Whether `Forwarded` and `X-Forwarded-*` say who the client is and what it asked for. Anybody can send these headers: only behind a proxy
    /// that sets them anew. One that appends to what it got leaves the first word, which is the one that counts here, to the client. Default: no.
    pub fn forwarded_headers(self, yes: bool) -> Self {
        self.edit(|policy| policy.forwarded = yes)
    }
}

/// # What is recorded
impl TraceLayer {
    /// Records request headers as `http.request.header.<name>`. Headers that grant access (`authorization`, cookies, keys) never are,
    /// and URLs in them (`referer`) lose their secrets.
    pub fn capture_request_headers(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.edit(|policy| {
            policy
                .request_headers
                .extend(semconv::HTTP_REQUEST_HEADER, names);
        })
    }

    /// Records response headers as `http.response.header.<name>`. Headers that grant access never are, and URLs in them (`location`) lose their
    /// secrets.
    pub fn capture_response_headers(
        self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        self.edit(|policy| {
            policy
                .response_headers
                .extend(semconv::HTTP_RESPONSE_HEADER, names);
        })
    }

    /// Records `http.request.body.size` (as announced) and `http.response.body.size` (as sent). Default: no.
    pub fn body_sizes(self, yes: bool) -> Self {
        self.edit(|policy| policy.body_sizes = yes)
    }

    /// Adds query parameters whose values are secret to the seven that always are.
    pub fn redact_query_keys(
        self,
        names: impl IntoIterator<Item = impl Into<Cow<'static, str>>>,
    ) -> Self {
        self.edit(|policy| policy.sensitive = std::mem::take(&mut policy.sensitive).extend(names))
    }

    /// The scheme of requests whose target names neither `http` nor `https`: `https` behind TLS. Default: `http`.
    pub fn scheme(self, scheme: &'static str) -> Self {
        self.edit(|policy| policy.scheme = scheme)
    }

    /// Who is at the other end of the connection. Default: the request's [`PeerAddr`](crate::PeerAddr) extension.
    ///
    /// **When:** when the span starts, if it records. **Sees:** the head of the request. **If it panics:** the address is unknown.
    pub fn peer_address(
        self,
        peer: impl Fn(RequestHead<'_>) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.peer = Some(Arc::new(peer)))
    }

    /// The target as the client sent it, where routers inside a router have shortened it.
    ///
    /// **When:** before the span starts. **Sees:** the head of the request. **If it panics:** the service's own target is used.
    pub fn original_uri(
        self,
        uri: impl for<'a> Fn(RequestHead<'a>) -> Option<&'a Uri> + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.uri = Some(Arc::new(uri)))
    }

    /// Also records the names of before 2023 (`http.method`, `http.status_code`, ..). Default: if `OTEL_SEMCONV_STABILITY_OPT_IN` has
    /// `http/dup`.
    pub fn legacy_names(self, yes: bool) -> Self {
        self.edit(|policy| policy.legacy_names = yes)
    }
}

/// # What is measured
impl TraceLayer {
    /// Tells `observer` of every request that is not [filtered](Self::filter) out, whether its span is recorded or not: what measures
    /// them, such as `trace_pipeline::metrics::ExchangeMetrics`. Default: nobody.
    pub fn observe(self, observer: impl ExchangeObserver + 'static) -> Self {
        self.edit(|policy| policy.observer = Some(Arc::new(observer)))
    }
}

/// # Hooks
impl TraceLayer {
    /// Describes the span further from the request.
    ///
    /// **When:** right after the span has started, if it records. **Sees:** the head of the request and the span. **If it panics:** the
    /// request goes on.
    ///
    /// ```
    /// # use tower_trace::TraceLayer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let layer = TraceLayer::new(tracer).on_request(|request, span| {
    ///     if let Some(tenant) = request.headers.get("x-tenant").and_then(|tenant| tenant.to_str().ok()) {
    ///         span.set("shop.tenant", tenant);
    ///     }
    /// });
    /// ```
    pub fn on_request(
        self,
        hook: impl Fn(RequestHead<'_>, &SpanRef) + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.on_request = Some(Arc::new(hook)))
    }

    /// Describes the span further from the response.
    ///
    /// **When:** the head of the response is there, if the span records. **Sees:** that head and the span. **If it panics:** the
    /// request goes on.
    pub fn on_response(
        self,
        hook: impl Fn(ResponseHead<'_>, &SpanRef) + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.on_response = Some(Arc::new(hook)))
    }

    /// Tells the caller the trace id in this response header. Default: no.
    ///
    /// ```
    /// # use tower_trace::TraceLayer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let layer = TraceLayer::new(tracer).trace_id_header(http::HeaderName::from_static("x-trace-id"));
    /// ```
    pub fn trace_id_header(self, name: HeaderName) -> Self {
        self.edit(|policy| Arc::make_mut(policy.echo.get_or_insert_default()).trace_id = Some(name))
    }

    /// Tells callers that this service keeps its part of a trace because it failed (5xx), or because a service that it called has said so: the
    /// [way back](crate::way_back). Default: no.
    ///
    /// For services whose tail keeps errors and [callees](crate::ClientTraceLayer::hear_callees), and whose callers are one's own: the edge need not tell
    /// the world. Costs one allocation a request.
    ///
    /// It is said when the response is known, by that alone: a tail of this service that has a limit, no room or no budget left may still drop its part.
    pub fn tell_callers(self, yes: bool) -> Self {
        self.edit(|policy| {
            let echo = Arc::make_mut(policy.echo.get_or_insert_default());
            *echo = if yes {
                std::mem::take(echo).with_kept(|head| head.status.is_server_error())
            } else {
                std::mem::take(echo).without_kept()
            };
        })
    }
}

impl TraceLayer {
    fn edit(mut self, change: impl FnOnce(&mut ServerPolicy)) -> Self {
        let policy = Arc::make_mut(&mut self.policy);
        change(policy);
        policy.settings = Settings::new();
        self
    }
}
