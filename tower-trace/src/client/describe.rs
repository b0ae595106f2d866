use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::StatusCode;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{SpanRef, Timestamp, semconv};

use super::policy::ClientPolicy;
use crate::exchange::{Describe, End, Watch};
use crate::head::ResponseHead;
use crate::outcome::{self, Extras, Outcome};
use crate::way_back::CalleeKeeps;
use crate::{PeerAddr, hook, scratch, version};

/// What a client span says about the response and the end.
pub struct DescribeClient {
    /// Only where it says something about responses, as on the other side.
    policy: Option<Arc<ClientPolicy>>,
    extras: Extras,
    end_at_head: bool,
    /// Otherwise it is watched, and the span that is current belongs to somebody else.
    is_recorded: bool,
    status: Option<StatusCode>,
    version: Option<http::Version>,
    watch: Watch,
    heard: Option<CalleeKeeps>,
}

impl DescribeClient {
    /// For an exchange that is recorded, or watched, or both.
    pub(super) fn new(
        policy: &Arc<ClientPolicy>,
        is_recorded: bool,
        watch: Watch,
        heard: Option<CalleeKeeps>,
    ) -> Self {
        let looks_at_heads =
            is_recorded && (policy.on_response.is_some() || !policy.response_headers.is_empty());
        Self {
            policy: looks_at_heads.then(|| Arc::clone(policy)),
            extras: policy.extras(),
            end_at_head: policy.end_at_head,
            is_recorded,
            status: None,
            version: None,
            watch,
            heard,
        }
    }
}

impl Describe for DescribeClient {
    fn on_response(&mut self, head: ResponseHead<'_>, span: &SpanRef) -> ControlFlow<()> {
        self.status = Some(head.status);
        self.version = Some(head.version);
        if self.is_recorded
            && let Some(peer) = PeerAddr::of_response(head.extensions)
        {
            scratch::with_ip(peer.ip(), |address| {
                span.set(semconv::NETWORK_PEER_ADDRESS, address);
            });
            span.set(semconv::NETWORK_PEER_PORT, peer.port());
        }
        if self.is_recorded
            && let Some(heard) = &self.heard
        {
            heard.hear(head.headers, span);
        }
        if let Some(policy) = &self.policy {
            let listed = &policy.response_headers;
            listed.read(head.headers, &policy.sensitive, |key, lines| {
                span.set(key, lines);
            });
            if let Some(on_response) = &policy.on_response {
                hook::run(|| on_response(head, span));
            }
        }
        if self.end_at_head {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    #[inline]
    fn on_ending(&mut self, end: &End<'_>, span: &SpanRef) -> Option<Timestamp> {
        let (status, version) = (self.status, self.version);
        let none = SpanRef::default();
        let span = if self.is_recorded { span } else { &none };
        self.watch.end(span, || {
            Outcome::new(end, status, is_error).with_version(version.and_then(version::name))
        })
    }

    fn on_end(&mut self, end: &End<'_>, span: &mut SpanWriter<'_>) {
        outcome::describe(end, self.status, is_error, self.extras, span);
        span.set_opt(
            semconv::NETWORK_PROTOCOL_VERSION,
            self.version.and_then(version::name),
        );
        if self.extras.legacy_names {
            span.set_opt(
                semconv::legacy::HTTP_FLAVOR,
                self.version.and_then(version::flavor),
            );
        }
    }
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

impl fmt::Debug for DescribeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribeClient")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
