use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::StatusCode;
use tracing_core_ctx::SpanRef;
use tracing_core_ctx::span::SpanWriter;

use super::policy::ServerPolicy;
use crate::exchange::{Describe, End};
use crate::head::ResponseHead;
use crate::hook;
use crate::outcome::{self, Extras};

/// What a server span says about the response and the end.
pub struct DescribeServer {
    /// Only where it says something about responses: to count it up and down costs every request, and all threads share the count.
    policy: Option<Arc<ServerPolicy>>,
    extras: Extras,
    status: Option<StatusCode>,
}

impl DescribeServer {
    pub(super) fn new(policy: &Arc<ServerPolicy>) -> Self {
        let looks_at_heads = policy.on_response.is_some() || !policy.response_headers.is_empty();
        Self {
            policy: looks_at_heads.then(|| Arc::clone(policy)),
            extras: policy.extras(),
            status: None,
        }
    }
}

impl Describe for DescribeServer {
    fn on_response(&mut self, head: ResponseHead<'_>, span: &SpanRef) -> ControlFlow<()> {
        self.status = Some(head.status);
        if let Some(policy) = &self.policy {
            let listed = &policy.response_headers;
            listed.read(head.headers, &policy.sensitive, |key, lines| {
                span.set(key, lines);
            });
            if let Some(on_response) = &policy.on_response {
                hook::run(|| on_response(head, span));
            }
        }
        ControlFlow::Continue(())
    }

    fn on_end(self, end: End<'_>, span: &mut SpanWriter<'_>) {
        let is_error = |status: StatusCode| status.is_server_error();
        outcome::describe(&end, self.status, is_error, self.extras, span);
    }
}

impl fmt::Debug for DescribeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribeServer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
