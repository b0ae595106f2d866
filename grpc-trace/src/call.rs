//! What both sides share: who has the span, and settings.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tonic::Code;
use tower_trace::RequestHead;
use tower_trace::policy::{Captured, hook};
use tracing_core_ctx::observer::ExchangeObserver;
use tracing_core_ctx::{Tracer, semconv};

use crate::messages::{Direction, Wanted};
use crate::{method, status};

pub(crate) type NameFn = dyn Fn(RequestHead<'_>) -> Option<String> + Send + Sync;

/// Who has the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    /// The table of the conventions.
    pub(crate) const fn is_error(self, code: Code) -> bool {
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
        status::code(headers).is_some_and(|code| self.is_error(code))
    }

    pub(crate) const fn responses(self) -> Direction {
        match self {
            Self::Client => Direction::Received,
            Self::Server => Direction::Sent,
        }
    }

    pub(crate) const fn requests(self) -> Direction {
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
    pub(crate) timeout: Option<Duration>,
    pub(crate) observer: Option<Arc<dyn ExchangeObserver>>,
    /// Whether a server tells that its part of the trace is kept.
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
    #[inline]
    pub(crate) fn admits(&self, head: RequestHead<'_>) -> bool {
        (self.left_out.is_empty() && self.filter.is_none()) || self.judges(head)
    }

    #[inline(never)]
    fn judges(&self, head: RequestHead<'_>) -> bool {
        if !self.left_out.is_empty()
            && let path = head.uri.path()
            && let Some((service, _)) = method::parse(path)
            && self.left_out.iter().any(|left_out| left_out == service)
        {
            return false;
        }
        hook::admits(self.filter.as_deref(), head)
    }

    /// The name that the user's own rule gives.
    #[inline(never)]
    pub(crate) fn given_name(&self, head: RequestHead<'_>) -> Option<String> {
        let name = self.name.as_ref()?;
        hook::run(|| name(head))
            .flatten()
            .filter(|name| !name.is_empty())
    }

    /// Whether anything is said about answers beyond their status.
    pub(crate) const fn looks_at_answers(&self) -> bool {
        !self.response_headers.is_empty()
            || !self.response_trailers.is_empty()
            || self.on_response.is_some()
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
