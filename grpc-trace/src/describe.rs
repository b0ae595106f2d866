//! What a span says about the answer and the end of a call, on both sides.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use http::{HeaderMap, StatusCode};
use tonic::Code;
use tower_trace::exchange::{Complete, Describe, End, Watch};
use tower_trace::policy::hook;
use tower_trace::way_back::{CalleeKeeps, TRACE_RESPONSE, tell_kept};
use tower_trace::{PeerAddr, ResponseHead};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Context, SpanRef, Status, Timestamp, semconv};

use crate::call::{CallPolicy, Side};
use crate::failure;
use crate::messages::Counter;
use crate::status::{self, CallStatus};
use crate::{metadata, peer};

/// What a span says about the answer and the end of a call.
///
/// It moves from request to response to body, so what few calls have lies elsewhere.
pub struct DescribeCall {
    /// Only where it says more about answers: to count it up and down costs every call, and all threads share the count.
    policy: Option<Arc<CallPolicy>>,
    /// When the caller gives up; known only with the policy, which knows the time.
    deadline: Timestamp,
    watch: Watch,
    seldom: Option<Box<Seldom>>,
    http: Option<StatusCode>,
    side: Side,
    legacy_names: bool,
    /// Otherwise it is watched, and the span that is current may be somebody else's.
    is_recorded: bool,
    /// Whether trailers tell the caller that this part of the trace is kept.
    tells: bool,
}

/// What is known of few calls.
#[derive(Default)]
struct Seldom {
    /// The status that came with the head.
    early: Option<CallStatus>,
    responses: Option<Counter>,
    heard: Option<CalleeKeeps>,
}

impl Seldom {
    #[cold]
    fn new(policy: &CallPolicy, is_recorded: bool, heard: Option<CalleeKeeps>) -> Box<Self> {
        let tally = policy.messages.tally().filter(|_| is_recorded);
        let responses = policy.side.responses();
        Box::new(Self {
            early: None,
            responses: tally.map(|tally| Counter::new(tally, responses).attached()),
            heard,
        })
    }
}

impl DescribeCall {
    /// Made from a request whose span has just started, or that is watched, or both; `told` is how long its caller waits.
    #[inline]
    pub(crate) fn new(
        policy: &Arc<CallPolicy>,
        told: Option<Duration>,
        is_recorded: bool,
        watch: Watch,
        heard: Option<CalleeKeeps>,
    ) -> Self {
        let timeout = match (told, policy.timeout) {
            (Some(told), Some(own)) => Some(told.min(own)),
            (told, own) => told.or(own),
        };
        let heard = heard.filter(|_| is_recorded);
        let seldom = if heard.is_some() || policy.messages.is_anything() {
            Some(Seldom::new(policy, is_recorded, heard))
        } else {
            None
        };
        Self {
            policy: (timeout.is_some() || policy.looks_at_answers()).then(|| Arc::clone(policy)),
            deadline: timeout.map_or(NEVER, |timeout| policy.tracer.now().after(timeout)),
            watch,
            seldom,
            http: None,
            side: policy.side,
            legacy_names: policy.legacy_names,
            is_recorded,
            tells: policy.side == Side::Server && policy.way_back,
        }
    }

    /// Counts the messages of the request, if that is wanted.
    #[inline]
    pub(crate) fn requests(&self) -> Option<Counter> {
        let tally = self.responses()?.shared();
        Some(Counter::new(tally, self.side.requests()))
    }

    #[inline]
    fn responses(&self) -> Option<&Counter> {
        self.seldom.as_ref()?.responses.as_ref()
    }

    fn early(&self) -> Option<&CallStatus> {
        self.seldom.as_ref()?.early.as_ref()
    }

    /// The status with which the call ended.
    #[inline]
    fn status(&self, end: &End<'_>) -> CallStatus {
        match end {
            End::Complete(Complete {
                trailers: Some(trailers),
                ..
            }) if self.seldom.is_none() && status::code(trailers) == Some(Code::Ok) => {
                CallStatus::of(Code::Ok)
            }
            _ => self.any_status(end),
        }
    }

    #[inline(never)]
    fn any_status(&self, end: &End<'_>) -> CallStatus {
        // What came with the head is the status, whatever became of a body that should not be there.
        if let Some(early) = self.early()
            && !matches!(end, End::Panicked)
        {
            return early.clone();
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
        let policy = self.policy.as_ref();
        policy.is_some_and(|policy| policy.tracer.now() >= self.deadline)
    }
}

/// The deadline of a call whose caller waits for ever.
const NEVER: Timestamp = Timestamp::from_unix_nanos(u64::MAX);

impl Describe for DescribeCall {
    /// The trailers are still to come.
    const LENGTH_IS_END: bool = false;

    #[inline]
    fn on_response(&mut self, head: ResponseHead<'_>, span: &SpanRef) -> ControlFlow<()> {
        self.http = Some(head.status);
        if status::is_early(head.headers) {
            self.seldom.get_or_insert_default().early = CallStatus::read(head.headers);
        }
        if !self.is_recorded {
            return ControlFlow::Continue(());
        }
        if self.side == Side::Client
            && let Some(address) = PeerAddr::of_response(head.extensions)
        {
            peer::set(address, |address, port| {
                span.set(semconv::NETWORK_PEER_ADDRESS, address);
                span.set(semconv::NETWORK_PEER_PORT, port);
            });
        }
        if let Some(heard) = self
            .seldom
            .as_ref()
            .and_then(|seldom| seldom.heard.as_ref())
        {
            heard.hear(head.headers, span);
        }
        if let Some(policy) = &self.policy {
            // An answer that is nothing but its status is all trailers.
            let captured = match self.early() {
                Some(_) => &policy.response_trailers,
                None => &policy.response_headers,
            };
            captured.read_as(head.headers, metadata::text, |key, lines| {
                span.set(key, lines);
            });
            if let Some(on_response) = &policy.on_response {
                hook::run(|| on_response(head, span));
            }
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn on_data(&mut self, data: &dyn Buf, span: &SpanRef) {
        if let Some(seldom) = &mut self.seldom
            && let Some(responses) = &mut seldom.responses
        {
            responses.see(data, span);
        }
    }

    #[inline]
    fn on_trailers(&mut self, trailers: &mut HeaderMap, context: &Context) {
        if let Some(heard) = self
            .seldom
            .as_ref()
            .and_then(|seldom| seldom.heard.as_ref())
        {
            heard.hear(trailers, context.span_ref());
            trailers.remove(TRACE_RESPONSE);
        } else if self.tells {
            tell_kept(context, self.side.fails(trailers), trailers);
        }
    }

    #[inline]
    fn on_ending(&mut self, end: &End<'_>, span: &SpanRef) -> Option<Timestamp> {
        if !self.watch.is_on() {
            return None;
        }
        let outcome = Outcome {
            code: self.status(end).code,
            side: self.side,
            panicked: matches!(end, End::Panicked),
        };
        let none = SpanRef::default();
        let span = if self.is_recorded { span } else { &none };
        self.watch.end(span, || outcome)
    }

    fn on_end(&mut self, end: &End<'_>, span: &mut SpanWriter<'_>) {
        let CallStatus { code, message } = self.status(end);
        let name = status::name(code);
        span.set(semconv::RPC_STATUS_CODE, name);
        if self.legacy_names {
            span.set(semconv::legacy::RPC_GRPC_STATUS_CODE, code as i64);
            span.set(semconv::legacy::RPC_RESPONSE_STATUS_CODE, name);
        }
        if let Some(policy) = &self.policy
            && let End::Complete(complete) = end
            && let Some(trailers) = complete.trailers
        {
            let captured = &policy.response_trailers;
            captured.read_as(trailers, metadata::text, |key, lines| span.set(key, lines));
        }
        match end {
            End::Panicked => span.fail(semconv::error_type::PANIC, ""),
            End::Cancelled if code == Code::Cancelled && self.early().is_none() => {
                span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED);
            }
            _ => {}
        }
        if self.side.is_error(code) {
            fail(span, name, message);
        }
        if let Some(responses) = self.responses() {
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
#[cold]
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
            .field("side", &self.side)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}
