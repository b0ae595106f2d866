use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::StatusCode;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{SpanRef, semconv};

use super::policy::ClientPolicy;
use crate::exchange::{Describe, End};
use crate::head::ResponseHead;
use crate::outcome::{self, Extras};
use crate::{PeerAddr, hook, scratch, version};

/// What a client span says about the response and the end.
pub struct DescribeClient {
    /// Only where it says something about responses, as on the other side.
    policy: Option<Arc<ClientPolicy>>,
    extras: Extras,
    end_at_head: bool,
    status: Option<StatusCode>,
    version: Option<http::Version>,
}

impl DescribeClient {
    pub(super) fn new(policy: &Arc<ClientPolicy>) -> Self {
        let looks_at_heads = policy.on_response.is_some() || !policy.response_headers.is_empty();
        Self {
            policy: looks_at_heads.then(|| Arc::clone(policy)),
            extras: policy.extras(),
            end_at_head: policy.end_at_head,
            status: None,
            version: None,
        }
    }
}

impl Describe for DescribeClient {
    fn on_response(&mut self, head: ResponseHead<'_>, span: &SpanRef) -> ControlFlow<()> {
        self.status = Some(head.status);
        self.version = Some(head.version);
        if let Some(peer) = PeerAddr::of_response(head.extensions) {
            scratch::with_ip(peer.ip(), |address| {
                span.set(semconv::NETWORK_PEER_ADDRESS, address);
            });
            span.set(semconv::NETWORK_PEER_PORT, peer.port());
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

    fn on_end(self, end: End<'_>, span: &mut SpanWriter<'_>) {
        let is_error = |status: StatusCode| status.is_client_error() || status.is_server_error();
        outcome::describe(&end, self.status, is_error, self.extras, span);
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

impl fmt::Debug for DescribeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribeClient")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
