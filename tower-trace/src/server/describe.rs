use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::StatusCode;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{SpanRef, Timestamp};

use super::policy::ServerPolicy;
use crate::exchange::{Describe, End, Watch};
use crate::head::ResponseHead;
use crate::hook;
use crate::outcome::{self, Extras, Outcome};

/// What a server span says about the response and the end.
pub struct DescribeServer {
    /// Only where it says something about responses: to count it up and down costs every request, and all threads share the count.
    policy: Option<Arc<ServerPolicy>>,
    extras: Extras,
    status: Option<StatusCode>,
    watch: Watch,
}

impl DescribeServer {
    /// For an exchange that is recorded, or watched, or both.
    pub(super) fn new(policy: &Arc<ServerPolicy>, is_recorded: bool, watch: Watch) -> Self {
        let looks_at_heads =
            is_recorded && (policy.on_response.is_some() || !policy.response_headers.is_empty());
        Self {
            policy: looks_at_heads.then(|| Arc::clone(policy)),
            extras: policy.extras(),
            status: None,
            watch,
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

    #[inline]
    fn on_ending(&mut self, end: &End<'_>, span: &SpanRef) -> Option<Timestamp> {
        let status = self.status;
        self.watch.end(span, || Outcome::new(end, status, is_error))
    }

    fn on_end(&mut self, end: &End<'_>, span: &mut SpanWriter<'_>) {
        outcome::describe(end, self.status, is_error, self.extras, span);
    }
}

fn is_error(status: StatusCode) -> bool {
    status.is_server_error()
}

impl fmt::Debug for DescribeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribeServer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
