use std::borrow::Cow;
use std::sync::Arc;

use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::{SpanRef, semconv};

use super::layer::ClientTraceLayer;
use super::policy::ClientPolicy;
use crate::head::{RequestHead, ResponseHead};
use crate::route::Templates;
use crate::way_back::Echo;

/// # Names
impl ClientTraceLayer {
    /// Lists templates of the URLs that are called, with a host (`//api.example/users/{id}`) or for any (`/users/{id}`). A request can also
    /// carry its own: [`UrlTemplate`](super::UrlTemplate). A request without one is named by its method alone.
    ///
    /// ```
    /// use tower_trace::{ClientTraceLayer, Templates};
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    ///
    /// let templates = Templates::new(["//api.example/users/{id}", "/health"])?;
    /// let layer = ClientTraceLayer::new(tracer).templates(templates);
    /// # Ok::<(), tower_trace::route::InvalidTemplate>(())
    /// ```
    pub fn templates(self, templates: Templates) -> Self {
        self.edit(|policy| policy.routes.templates(templates))
    }

    /// How many different templates of requests are let through before further ones become `_OTHER`. Default: 1000.
    pub fn max_names(self, names: usize) -> Self {
        self.edit(|policy| policy.routes.cap(names))
    }
}

/// # Which requests, and what leaves with them
impl ClientTraceLayer {
    /// Traces only the requests that `filter` wants. The others still hand the current context on.
    ///
    /// **When:** first. **Sees:** the head of the request. **If it panics:** the request is traced.
    pub fn filter(self, filter: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.edit(|policy| policy.filter = Some(Arc::new(filter)))
    }

    /// Hands contexts on to these hosts only. `*.shop.internal` stands for the domain and all below it; a host with a port
    /// (`localhost:8080`) for that port alone. From requests to other hosts, contexts that are in their headers already are taken out:
    /// a proxy may have copied those of its caller. Default: to every host.
    ///
    /// What is no host, such as a URL, is reported and reaches nobody.
    ///
    /// A client below that follows redirects by itself, as reqwest's does, takes the headers along to hosts that are not asked about here:
    /// have it stop at foreign ones.
    ///
    /// ```
    /// # use tower_trace::ClientTraceLayer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let layer = ClientTraceLayer::new(tracer).propagate_to(["*.shop.internal", "localhost"]);
    /// ```
    pub fn propagate_to(self, hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.edit(|policy| policy.propagate.reach(hosts))
    }

    /// Hands on these entries of the baggage only; a `baggage` header that is there already is taken out. Default: all.
    ///
    /// ```
    /// # use tower_trace::ClientTraceLayer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let layer = ClientTraceLayer::new(tracer).propagate_baggage(["user.tier"]);
    /// ```
    pub fn propagate_baggage(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|policy| policy.propagate.baggage(names))
    }
}

/// # What comes back
impl ClientTraceLayer {
    /// Hears services that [tell](crate::TraceLayer::tell_callers) that they keep their part of the trace, so that this process can keep its own: the
    /// [way back](crate::way_back). Such a client span has `ctx.sampling.callee`. Default: no.
    ///
    /// Heard are the hosts that contexts are [handed on](Self::propagate_to) to. Who is heard can make this process keep more.
    pub fn hear_callees(self, yes: bool) -> Self {
        self.edit(|policy| policy.way_back = yes.then(|| Arc::new(Echo::heard())))
    }
}

/// # What is recorded
impl ClientTraceLayer {
    /// Records request headers as `http.request.header.<name>`. Headers that grant access never are, and URLs in them lose their secrets.
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

    /// Records `http.request.body.size` (as announced) and `http.response.body.size` (as read). Default: no.
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

    /// Ends spans when the head of the response is there instead of with its body. Default: no.
    pub fn end_at_head(self, yes: bool) -> Self {
        self.edit(|policy| policy.end_at_head = yes)
    }

    /// The scheme of requests whose target does not name one. Default: `http`.
    pub fn scheme(self, scheme: &'static str) -> Self {
        self.edit(|policy| policy.scheme = scheme)
    }

    /// Also records the names of before 2023 (`http.method`, `http.url`, ..). Default: if `OTEL_SEMCONV_STABILITY_OPT_IN` has
    /// `http/dup`.
    pub fn legacy_names(self, yes: bool) -> Self {
        self.edit(|policy| policy.legacy_names = yes)
    }
}

/// # What is measured
impl ClientTraceLayer {
    /// Tells `observer` of every request that is not [filtered](Self::filter) out, whether its span is recorded or not: what measures
    /// them, such as `trace_pipeline::metrics::ExchangeMetrics`. Default: nobody.
    pub fn observe(self, observer: impl ExchangeObserver + 'static) -> Self {
        self.edit(|policy| policy.observer = Some(Arc::new(observer)))
    }
}

/// # Hooks
impl ClientTraceLayer {
    /// Describes the span further from the request.
    ///
    /// **When:** right after the span has started, if it records. **Sees:** the span and the head of the request as the caller made it: the
    /// context is written into it after that. **If it panics:** the request goes on.
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
}

impl ClientTraceLayer {
    fn edit(mut self, change: impl FnOnce(&mut ClientPolicy)) -> Self {
        change(Arc::make_mut(&mut self.policy));
        self
    }
}
