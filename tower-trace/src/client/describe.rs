use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::StatusCode;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{SpanRef, semconv};

use super::policy::ClientPolicy;
use crate::exchange::{Describe, End};
use crate::head::ResponseHead;
use crate::{PeerAddr, hook, outcome, scratch, version};

/// What a client span says about the response and the end.
pub struct DescribeClient {
    policy: Arc<ClientPolicy>,
    status: Option<StatusCode>,
    version: Option<http::Version>,
}

impl DescribeClient {
    pub(super) const fn new(policy: Arc<ClientPolicy>) -> Self {
        Self {
            policy,
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
        let listed = &self.policy.response_headers;
        listed.read(head.headers, &self.policy.sensitive, |key, lines| {
            span.set(key, lines);
        });
        if let Some(on_response) = &self.policy.on_response {
            hook::run(|| on_response(head, span));
        }
        if self.policy.end_at_head {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn on_end(self, end: End<'_>, span: &mut SpanWriter<'_>) {
        let is_error = |status: StatusCode| status.is_client_error() || status.is_server_error();
        outcome::describe(&end, self.status, is_error, self.policy.extras(), span);
        span.set_opt(
            semconv::NETWORK_PROTOCOL_VERSION,
            self.version.and_then(version::name),
        );
        if self.policy.legacy_names {
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
