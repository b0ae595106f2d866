//! What both sides share: settings, and what a span says about the answer and the end of a call.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Buf;
use http::{HeaderMap, StatusCode};
use tonic::Code;
use tower_trace::exchange::{Describe, End, Watch};
use tower_trace::policy::{Captured, hook};
use tower_trace::way_back::{CalleeKeeps, tell_kept};
use tower_trace::{PeerAddr, RequestHead, ResponseHead};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Context, SpanRef, Status, Timestamp, Tracer, semconv};

use crate::messages::{Counter, Direction, Wanted};
use crate::status::{self, CallStatus};
use crate::{deadline, failure, metadata, method, peer};

pub(crate) type NameFn = dyn Fn(RequestHead<'_>) -> Option<String> + Send + Sync;

/// Who has the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    /// The table of the conventions.
    const fn is_error(self, code: Code) -> bool {
        match self {
            Self::Client => !matches!(code, Code::Ok),
            Self::Server => matches!(
                code,
                Code::Unknown
                    | Code::DeadlineExceeded
                    | Code::Unimplemented
                    | Code::Internal
                    | Code::Unavailable
                    | Code::DataLoss
            ),
        }
    }

    /// Whether these headers or trailers have a status that is an error.
    pub(crate) fn fails(self, headers: &HeaderMap) -> bool {
        CallStatus::read(headers).is_some_and(|status| self.is_error(status.code))
    }

    const fn responses(self) -> Direction {
        match self {
            Self::Client => Direction::Received,
            Self::Server => Direction::Sent,
        }
    }

    const fn requests(self) -> Direction {
        match self {
            Self::Client => Direction::Sent,
            Self::Server => Direction::Received,
        }
    }
}

/// The settings that both layers have.
#[derive(Clone)]
pub(crate) struct CallPolicy {
    pub(crate) side: Side,
    pub(crate) tracer: Tracer,
    pub(crate) filter: Option<Arc<hook::FilterFn>>,
    /// Services whose calls are not traced.
    pub(crate) left_out: Vec<String>,
    pub(crate) name: Option<Arc<NameFn>>,
    pub(crate) on_request: Option<Arc<hook::OnRequestFn>>,
    pub(crate) on_response: Option<Arc<hook::OnResponseFn>>,
    pub(crate) request_headers: Captured,
    pub(crate) response_headers: Captured,
    pub(crate) response_trailers: Captured,
    pub(crate) messages: Wanted,
    pub(crate) legacy_names: bool,
    /// How long a call may take by this side's own settings.
    pub(crate) timeout: Option<std::time::Duration>,
    pub(crate) observer: Option<Arc<dyn ExchangeObserver>>,
    /// Whether this side tells, or hears, that a part of the trace is kept.
    pub(crate) way_back: bool,
}

impl CallPolicy {
    pub(crate) fn new(side: Side, tracer: Tracer) -> Self {
        Self {
            side,
            tracer: tracer.with_scope(&crate::SCOPE),
            filter: None,
            left_out: Vec::new(),
            name: None,
            on_request: None,
            on_response: None,
            request_headers: Captured::default(),
            response_headers: Captured::default(),
            response_trailers: Captured::default(),
            messages: Wanted::default(),
            legacy_names: semconv::StabilityOptIn::from_env().rpc_dup(),
            timeout: None,
            observer: None,
            way_back: false,
        }
    }

    /// Whether a call is traced.
    pub(crate) fn admits(&self, head: RequestHead<'_>) -> bool {
        if !self.left_out.is_empty()
            && let Some((service, _)) = method::parse(head.uri.path())
            && self.left_out.iter().any(|left_out| left_out == service)
        {
            return false;
        }
        hook::admits(self.filter.as_deref(), head)
    }

    /// The name that the user's own rule gives.
    pub(crate) fn given_name(&self, head: RequestHead<'_>) -> Option<String> {
        let name = self.name.as_ref()?;
        hook::run(|| name(head))
            .flatten()
            .filter(|name| !name.is_empty())
    }

    pub(crate) fn capture_responses<T: AsRef<str>>(&mut self, names: impl IntoIterator<Item = T>) {
        for name in names {
            self.response_headers
                .extend(semconv::RPC_RESPONSE_HEADER, [name.as_ref()]);
            self.response_trailers
                .extend(semconv::RPC_RESPONSE_TRAILER, [name.as_ref()]);
        }
    }
}

/// What a span says about the answer and the end of a call.
///
/// It moves from request to response to body, so what few calls have lies elsewhere.
pub struct DescribeCall {
    policy: Arc<CallPolicy>,
    http: Option<StatusCode>,
    /// The status that came with the head.
    early: Option<Box<CallStatus>>,
    /// When the caller gives up.
    deadline: Option<Timestamp>,
    responses: Option<Box<Counter>>,
    watch: Watch,
    heard: Option<CalleeKeeps>,
}

impl DescribeCall {
    /// Made from a request whose span has just started, or that is watched, or both.
    pub(crate) fn new(
        policy: &Arc<CallPolicy>,
        head: RequestHead<'_>,
        is_recorded: bool,
        watch: Watch,
        heard: Option<CalleeKeeps>,
    ) -> Self {
        let told = deadline::timeout(head.headers);
        let timeout = match (told, policy.timeout) {
            (Some(told), Some(own)) => Some(told.min(own)),
            (told, own) => told.or(own),
        };
        let tally = policy.messages.tally().filter(|_| is_recorded);
        Self {
            policy: Arc::clone(policy),
            http: None,
            early: None,
            deadline: timeout.map(|timeout| policy.tracer.now().after(timeout)),
            responses: tally
                .map(|tally| Box::new(Counter::new(tally, policy.side.responses()).attached())),
            watch,
            heard,
        }
    }

    /// Counts the messages of the request, if that is wanted.
    pub(crate) fn requests(&self) -> Option<Counter> {
        let tally = self.responses.as_ref()?.shared();
        Some(Counter::new(tally, self.policy.side.requests()))
    }

    /// The status with which the call ended.
    fn status(&self, end: &End<'_>) -> CallStatus {
        // What came with the head is the status, whatever became of a body that should not be there.
        if let Some(early) = &self.early
            && !matches!(end, End::Panicked)
        {
            return CallStatus::clone(early);
        }
        let by_http = || self.http.map_or(Code::Unknown, status::of_http);
        let is_refused = self.http.is_some_and(|http| http != StatusCode::OK);
        match end {
            End::Complete(complete) => complete
                .trailers
                .and_then(CallStatus::read)
                .unwrap_or_else(|| CallStatus::of(by_http())),
            // Nobody reads the page that a proxy sends with its refusal.
            End::Cancelled | End::Failed(_) if is_refused => CallStatus::of(by_http()),
            End::Cancelled if self.is_late() => CallStatus::of(Code::DeadlineExceeded),
            End::Cancelled => CallStatus::of(Code::Cancelled),
            End::Failed(failure) => failure::status_of(*failure),
            _ => CallStatus::of(Code::Unknown),
        }
    }

    fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| self.policy.tracer.now() >= deadline)
    }
}

impl Describe for DescribeCall {
    /// The trailers are still to come.
    const LENGTH_IS_END: bool = false;

    fn on_response(&mut self, head: ResponseHead<'_>, span: &SpanRef) -> ControlFlow<()> {
        self.http = Some(head.status);
        self.early = CallStatus::read(head.headers).map(Box::new);
        if self.watch.is_on() && !span.is_recording() {
            return ControlFlow::Continue(());
        }
        if self.policy.side == Side::Client
            && let Some(address) = PeerAddr::of_response(head.extensions)
        {
            peer::set(address, |address, port| {
                span.set(semconv::NETWORK_PEER_ADDRESS, address);
                span.set(semconv::NETWORK_PEER_PORT, port);
            });
        }
        if let Some(heard) = &self.heard {
            heard.hear(head.headers, span);
        }
        // An answer that is nothing but its status is all trailers.
        let captured = match self.early {
            Some(_) => &self.policy.response_trailers,
            None => &self.policy.response_headers,
        };
        captured.read_as(head.headers, metadata::text, |key, lines| {
            span.set(key, lines);
        });
        if let Some(on_response) = &self.policy.on_response {
            hook::run(|| on_response(head, span));
        }
        ControlFlow::Continue(())
    }

    fn on_data(&mut self, data: &dyn Buf, span: &SpanRef) {
        if let Some(responses) = &mut self.responses {
            responses.see(data, span);
        }
    }

    fn on_trailers(&mut self, trailers: &mut HeaderMap, context: &Context) {
        match &self.heard {
            Some(heard) => heard.hear(trailers, context.span_ref()),
            None if self.policy.side == Side::Server && self.policy.way_back => {
                tell_kept(context, self.policy.side.fails(trailers), trailers);
            }
            None => {}
        }
    }

    #[inline]
    fn on_ending(&mut self, end: &End<'_>, span: &SpanRef) -> Option<Timestamp> {
        if !self.watch.is_on() {
            return None;
        }
        let outcome = Outcome {
            code: self.status(end).code,
            side: self.policy.side,
            panicked: matches!(end, End::Panicked),
        };
        self.watch.end(span, || outcome)
    }

    fn on_end(self, end: End<'_>, span: &mut SpanWriter<'_>) {
        let CallStatus { code, message } = self.status(&end);
        let name = status::name(code);
        span.set(semconv::RPC_STATUS_CODE, name);
        if self.policy.legacy_names {
            span.set(semconv::legacy::RPC_GRPC_STATUS_CODE, code as i64);
            span.set(semconv::legacy::RPC_RESPONSE_STATUS_CODE, name);
        }
        if let End::Complete(complete) = &end
            && let Some(trailers) = complete.trailers
        {
            let captured = &self.policy.response_trailers;
            captured.read_as(trailers, metadata::text, |key, lines| span.set(key, lines));
        }
        match end {
            End::Panicked => span.fail(semconv::error_type::PANIC, ""),
            End::Cancelled if code == Code::Cancelled && self.early.is_none() => {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            }
            _ => {}
        }
        if self.policy.side.is_error(code) {
            fail(span, name, message);
        }
        if let Some(responses) = &self.responses {
            responses.tally().describe(span);
        }
    }
}

/// How a call ended, for observers.
struct Outcome {
    code: Code,
    side: Side,
    panicked: bool,
}

impl AttributeSource for Outcome {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        match key {
            "error.type" if self.panicked => Some(ValueRef::Str(semconv::error_type::PANIC)),
            "error.type" => self
                .side
                .is_error(self.code)
                .then(|| ValueRef::Str(status::name(self.code))),
            "rpc.status_code" => Some(ValueRef::Str(status::name(self.code))),
            _ => None,
        }
    }
}

/// What the application said before is left as it is.
fn fail(span: &mut SpanWriter<'_>, error_type: &str, message: String) {
    if span.attributes().get(semconv::ERROR_TYPE.name()).is_none() {
        span.set(semconv::ERROR_TYPE, error_type);
    }
    if !span.status().is_error() {
        span.set_status(Status::error(message));
    }
}

impl fmt::Debug for DescribeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribeCall")
            .field("side", &self.policy.side)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}
