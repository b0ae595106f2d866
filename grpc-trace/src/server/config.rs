use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tonic::server::NamedService;
use tower_trace::repeat::Settings;
use tower_trace::way_back::Echo;
use tower_trace::{RequestHead, ResponseHead, Trust};
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::{SpanRef, semconv};

use super::layer::TraceLayer;
use super::policy::ServerPolicy;
use crate::call::{CallPolicy, Side};
use crate::descriptors::{self, InvalidDescriptors};

/// # Names
impl TraceLayer {
    /// Lists what the server knows: `package.Service` for all methods of a service, or `package.Service/Method`. Calls to anything else are
    /// recorded as `_OTHER`, as conventions ask for, and their spans are called `grpc`. Default: every path of the form
    /// `/package.Service/Method` is a method, up to [`max_names`](Self::max_names).
    pub fn services(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|policy| policy.methods.list(names))
    }

    /// Lists a generated service; see [`services`](Self::services).
    ///
    /// ```
    /// # use grpc_trace::TraceLayer;
    /// # struct GreeterServer;
    /// # impl tonic::server::NamedService for GreeterServer { const NAME: &'static str = "accept.greeter.v1.Greeter"; }
    /// # let tracer = tracing_core_ctx::Tracer::noop();
    /// let layer = TraceLayer::new(tracer).service::<GreeterServer>();
    /// ```
    pub fn service<S: NamedService>(self) -> Self {
        self.services([S::NAME])
    }

    /// Lists every method in an encoded `FileDescriptorSet`, as code generators write it and reflection serves it. This is the most exact list: a
    /// method that a service does not have is `_OTHER` too.
    ///
    /// # Errors
    ///
    /// When the bytes are no such set.
    pub fn descriptors(self, file_descriptor_set: &[u8]) -> Result<Self, InvalidDescriptors> {
        Ok(self.services(descriptors::methods(file_descriptor_set)?))
    }

    /// How many different methods are let through before further ones become `_OTHER`; those that are listed by their own names do not count.
    /// Default: 1000.
    pub fn max_names(self, names: usize) -> Self {
        self.edit(|policy| policy.methods.cap(names))
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

/// # Which calls, and whom to believe
impl TraceLayer {
    /// Traces only the calls that `filter` wants. The others still pass the caller's context on, as far as it is [trusted](Self::trust), and
    /// nothing below them is recorded.
    ///
    /// **When:** when the caller's context has been read. **Sees:** the head of the request. **If it panics:** the call is traced.
    pub fn filter(self, filter: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.edit_call(|call| call.filter = Some(Arc::new(filter)))
    }

    /// Leaves out the calls of these services: [`INFRASTRUCTURE`](crate::INFRASTRUCTURE) for example. It is as if a
    /// [`filter`](Self::filter) said so.
    pub fn leave_out(self, services: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit_call(|call| call.left_out.extend(services.into_iter().map(Into::into)))
    }

    /// How far callers are believed. Default: [`Trust::Continue`].
    pub fn trust(self, trust: Trust) -> Self {
        self.edit(|policy| policy.trust = trust)
    }

    /// How far each caller is believed.
    ///
    /// **When:** when the caller's context has been read. **Sees:** the head of the request. **If it panics:** the caller is ignored.
    pub fn trust_by(
        self,
        trust: impl Fn(RequestHead<'_>) -> Trust + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.trust_by = Some(Arc::new(trust)))
    }
}

/// # What is recorded
impl TraceLayer {
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

    /// Counts the messages of each call: `ctx.rpc.messages.sent` and `ctx.rpc.messages.received`. Those of requests are seen in tonic's
    /// bodies, and in axum's with the feature of this name. Default: no.
    pub fn count_messages(self, yes: bool) -> Self {
        self.edit_call(|call| call.messages.counts = yes)
    }

    /// Records an event `ctx.rpc.message` for each message, up to that many in one call. Default: none.
    pub fn message_events(self, most: u32) -> Self {
        self.edit_call(|call| call.messages.events = most)
    }

    /// Who is at the other end of the connection. Default: what tonic's transport says, else the request's
    /// [`PeerAddr`](crate::PeerAddr) extension.
    ///
    /// **When:** when the span starts, if it records. **Sees:** the head of the request. **If it panics:** the address is unknown.
    pub fn peer_address(
        self,
        peer: impl Fn(RequestHead<'_>) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.edit(|policy| policy.peer = Some(Arc::new(peer)))
    }

    /// The server's own timeout, as given to `Server::timeout`: a call that is dropped after it is `DEADLINE_EXCEEDED` and not `CANCELLED`. The
    /// caller's `grpc-timeout` counts in any case.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.edit_call(|call| call.timeout = Some(timeout))
    }

    /// Also records names of earlier conventions: `rpc.system`, `rpc.service`, `rpc.grpc.status_code`, `rpc.response.status_code`. Default: if
    /// `OTEL_SEMCONV_STABILITY_OPT_IN` has `rpc/dup`.
    pub fn legacy_names(self, yes: bool) -> Self {
        self.edit_call(|call| call.legacy_names = yes)
    }
}

/// # What goes back
impl TraceLayer {
    /// Tells callers that this service keeps its part of a trace because the call failed, or because a service that it called has said so: the
    /// [way back](tower_trace::way_back), in the metadata of the answer or in its trailers. Default: no.
    ///
    /// For services whose tail keeps errors and [callees](crate::ClientTraceLayer::hear_callees), and whose callers are one's own.
    ///
    /// It is said when the response is known, by that alone: a tail of this service that has a limit, no room or no budget left may still drop its part.
    pub fn tell_callers(self, yes: bool) -> Self {
        let fails = |head: ResponseHead<'_>| Side::Server.fails(head.headers);
        self.edit(|policy| policy.echo = yes.then(|| Arc::new(Echo::default().with_kept(fails))))
            .edit_call(|call| call.way_back = yes)
    }
}

/// # What is measured
impl TraceLayer {
    /// Tells `observer` of every call that is not [filtered](Self::filter) out, whether its span is recorded or not: what measures
    /// them, such as `trace_pipeline::metrics::ExchangeMetrics`. Default: nobody.
    pub fn observe(self, observer: impl ExchangeObserver + 'static) -> Self {
        self.edit_call(|call| call.observer = Some(Arc::new(observer)))
    }
}

/// # Hooks
impl TraceLayer {
    /// Describes the span further from the request.
    ///
    /// **When:** right after the span has started, if it records. **Sees:** the head of the request and the span. **If it panics:** the
    /// call goes on.
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

impl TraceLayer {
    fn edit(mut self, change: impl FnOnce(&mut ServerPolicy)) -> Self {
        let policy = Arc::make_mut(&mut self.policy);
        change(policy);
        policy.settings = Settings::new();
        self
    }

    fn edit_call(self, change: impl FnOnce(&mut CallPolicy)) -> Self {
        self.edit(|policy| change(Arc::make_mut(&mut policy.call)))
    }
}
