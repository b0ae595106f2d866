use std::sync::Arc;

use tower_trace::repeat::Settings;
use tower_trace::way_back::Echo;
use tower_trace::{RequestHead, ResponseHead};
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::{SpanRef, semconv};

use super::layer::ClientTraceLayer;
use super::policy::ClientPolicy;
use super::target::Target;
use crate::call::CallPolicy;

/// # Names
impl ClientTraceLayer {
    /// Whom the channel calls: a URL or what gRPC calls a target (`dns:///orders:50051`, `unix:/run/orders.sock`). It becomes `server.address`
    /// and `server.port`. Default: the endpoint of [`connect`](Self::connect), else what requests name themselves
    /// (`GreeterClient::with_origin`).
    pub fn target(self, target: impl AsRef<str>) -> Self {
        self.edit(|policy| policy.target = Some(Target::parse(target.as_ref())))
    }

    /// Names spans by `name`; `None` leaves the conventions' name. Keep the number of different names small.
    ///
    /// **When:** when the span starts, or before if a sampler asks for it. **Sees:** the head of the request. **If it panics:** the conventions'
    /// name is used.
    pub fn name(
        self,
        name: impl Fn(RequestHead<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.edit_call(|call| call.name = Some(Arc::new(name)))
    }
}

/// # Which calls, and what leaves with them
impl ClientTraceLayer {
    /// Traces only the calls that `filter` wants. The others still hand the current context on.
    ///
    /// **When:** first. **Sees:** the head of the request. **If it panics:** the call is traced.
    pub fn filter(self, filter: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.edit_call(|call| call.filter = Some(Arc::new(filter)))
    }

    /// Leaves out the calls of these services: [`INFRASTRUCTURE`](crate::INFRASTRUCTURE) for example. It is as if a
    /// [`filter`](Self::filter) said so.
    pub fn leave_out(self, services: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit_call(|call| call.left_out.extend(services.into_iter().map(Into::into)))
    }

    /// Hands contexts on to these hosts only, which is decided by the [`target`](Self::target). `*.shop.internal` stands for the domain and all
    /// below it; a host with a port for that port alone. From calls to other hosts, contexts that are in their metadata already are taken out.
    /// Default: to every host.
    ///
    /// What is no host, such as a URL, is reported and reaches nobody.
    pub fn propagate_to(self, hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.edit(|policy| policy.propagate.reach(hosts))
    }

    /// Hands on these entries of the baggage only; a `baggage` that is in the metadata already is taken out. Default: all.
    pub fn propagate_baggage(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|policy| policy.propagate.baggage(names))
    }

    /// Whether the context is current in request streams also where the call is not recorded, at the price of an allocation for each call.
    /// Default: no.
    pub fn always_accompany(self, yes: bool) -> Self {
        self.edit(|policy| policy.always_accompany = yes)
    }
}

/// # What is recorded
impl ClientTraceLayer {
    /// Records metadata of requests as `rpc.request.header.<name>`. Keys that grant access (`authorization`, ..) never are; binary values are
    /// base64.
    pub fn capture_request_metadata(
        self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        self.edit_call(|call| {
            call.request_headers
                .extend(semconv::RPC_REQUEST_HEADER, names);
        })
    }

    /// Records metadata of responses: as `rpc.response.header.<name>` what comes before the messages, as `rpc.response.trailer.<name>` what comes
    /// after them or without any.
    pub fn capture_response_metadata(
        self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        self.edit_call(|call| call.capture_responses(names))
    }

    /// Counts the messages of each call: `ctx.rpc.messages.sent` and `ctx.rpc.messages.received`. Default: no.
    pub fn count_messages(self, yes: bool) -> Self {
        self.edit_call(|call| call.messages.counts = yes)
    }

    /// Records an event `ctx.rpc.message` for each message, up to that many in one call. Default: none.
    pub fn message_events(self, most: u32) -> Self {
        self.edit_call(|call| call.messages.events = most)
    }

    /// Also records names of earlier conventions: `rpc.system`, `rpc.service`, `rpc.grpc.status_code`, `rpc.response.status_code`. Default: if
    /// `OTEL_SEMCONV_STABILITY_OPT_IN` has `rpc/dup`.
    pub fn legacy_names(self, yes: bool) -> Self {
        self.edit_call(|call| call.legacy_names = yes)
    }
}

/// # What comes back
impl ClientTraceLayer {
    /// Hears services that [tell](crate::TraceLayer::tell_callers) that they keep their part of the trace, so that this process can keep its own: the
    /// [way back](tower_trace::way_back). Such a client span has `ctx.sampling.callee`. Default: no.
    ///
    /// Heard are the hosts that contexts are handed on to. Who is heard can make this process keep more.
    pub fn hear_callees(self, yes: bool) -> Self {
        self.edit(|policy| policy.echo = yes.then(|| Arc::new(Echo::heard())))
    }
}

/// # What is measured
impl ClientTraceLayer {
    /// Tells `observer` of every call that is not [filtered](Self::filter) out, whether its span is recorded or not: what measures
    /// them, such as `trace_pipeline::metrics::ExchangeMetrics`. Default: nobody.
    pub fn observe(self, observer: impl ExchangeObserver + 'static) -> Self {
        self.edit_call(|call| call.observer = Some(Arc::new(observer)))
    }
}

/// # Hooks
impl ClientTraceLayer {
    /// Describes the span further from the request.
    ///
    /// **When:** right after the span has started, if it records. **Sees:** the span and the head of the request as the caller made it: the
    /// context is written into it after that. **If it panics:** the call goes on.
    pub fn on_request(
        self,
        hook: impl Fn(RequestHead<'_>, &SpanRef) + Send + Sync + 'static,
    ) -> Self {
        self.edit_call(|call| call.on_request = Some(Arc::new(hook)))
    }

    /// Describes the span further from the response.
    ///
    /// **When:** the head of the response is there, if the span records. **Sees:** that head and the span. **If it panics:** the
    /// call goes on.
    pub fn on_response(
        self,
        hook: impl Fn(ResponseHead<'_>, &SpanRef) + Send + Sync + 'static,
    ) -> Self {
        self.edit_call(|call| call.on_response = Some(Arc::new(hook)))
    }
}

impl ClientTraceLayer {
    pub(super) fn edit(mut self, change: impl FnOnce(&mut ClientPolicy)) -> Self {
        let policy = Arc::make_mut(&mut self.policy);
        change(policy);
        policy.settings = Settings::new();
        self
    }

    fn edit_call(self, change: impl FnOnce(&mut CallPolicy)) -> Self {
        self.edit(|policy| change(Arc::make_mut(&mut policy.call)))
    }
}
