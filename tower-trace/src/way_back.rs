//! The way back: a service that keeps its part of a trace, unless a limit or a lack of room forbids it, tells its caller, who can keep its own part then, and tell its
//! caller in turn, up to the edge. So the whole path of an error is there, although nobody had sampled it when it began.
//!
//! ```text
//!   gateway  ---- GET, sampled=0 ---->  orders  ---- GET, sampled=0 ---->  inventory
//!     keeps  <-- traceresponse: ..-01 --  keeps  <-- traceresponse: ..-01 --  500: keeps its errors
//! ```
//!
//! Opt-in on both sides: [`TraceLayer::tell_callers`](crate::TraceLayer::tell_callers) and
//! [`ClientTraceLayer::hear_callees`](crate::ClientTraceLayer::hear_callees). What is heard is `ctx.sampling.callee` on the client's span, for a decision at
//! the end of the local trace (`Keep::callees()` in trace-pipeline), and stays with the context until the server's response. The client takes the header out of
//! the response: a service that hears and does not tell, such as the edge, hands nothing of it on with an answer that it passes through.
//!
//! The header is that of drafts of W3C Trace Context Level 3, `traceresponse: 00-<trace id>-<span id>-<flags>`; newer drafts say the same in
//! `server-timing`. It counts when it is there once, well-formed, sampled, and of the trace that was sent: one that a cache has kept from another exchange says
//! nothing about this one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tracing_core_ctx::{Context, SpanContext, SpanRef};

use crate::head::ResponseHead;

/// The response header that tells it.
pub const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Whether a service that was called has told that it keeps its part of the trace: a value of the server's context, which clients find.
#[derive(Clone, Debug, Default)]
pub struct CalleeKeeps(Arc<AtomicBool>);

impl CalleeKeeps {
    /// That of `context`, or one that nobody asks.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        context.value().cloned().unwrap_or_default()
    }

    /// Hears what a response tells about the trace of `span`, and marks `span` by it.
    ///
    /// Who hears it takes it out of what it hands on: see [`Echo::heard`].
    pub fn hear(&self, headers: &HeaderMap, span: &SpanRef) {
        if span.is_recording()
            && let Some(context) = span.span_context()
            && says_kept(headers, context)
        {
            span.set(tracing_core_ctx::semconv::CTX_SAMPLING_CALLEE, true);
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a response tells the caller beside what the service says.
#[derive(Clone, Default)]
pub struct Echo {
    /// The trace id, in this header.
    pub(crate) trace_id: Option<HeaderName>,
    /// That this service keeps its part, where this says so of the response or a callee of its own has.
    kept: Option<fn(ResponseHead<'_>) -> bool>,
    /// Nothing: it is a client's, and what its callee has told ends here.
    hears: bool,
}

impl Echo {
    /// Of a client that hears what its callees tell: who got it does not hand it on with the response. Whether its own service tells the same is for that to
    /// say.
    #[must_use]
    pub fn heard() -> Self {
        Self {
            hears: true,
            ..Self::default()
        }
    }

    /// Tells that this service keeps its part of the trace, because `is_error` says so of the response or a callee of its own has told it.
    #[must_use]
    pub fn with_kept(mut self, is_error: fn(ResponseHead<'_>) -> bool) -> Self {
        self.kept = Some(is_error);
        self
    }

    pub(crate) fn without_kept(mut self) -> Self {
        self.kept = None;
        self
    }

    /// `context` with a place for what callees tell, where callers are told.
    #[must_use]
    pub fn prepare(&self, context: Context) -> Context {
        match self.kept {
            Some(_) => context.with_value(CalleeKeeps::default()),
            None => context,
        }
    }

    /// Takes out of a response what was for this client.
    #[inline]
    pub(crate) fn forget<B>(&self, response: &mut Response<B>) {
        if self.hears {
            response.headers_mut().remove(TRACE_RESPONSE);
        }
    }

    pub(crate) fn tell<B>(&self, context: &Context, response: &mut Response<B>) {
        let Some(span) = context.span_context() else {
            return;
        };
        if let Some(name) = &self.trace_id
            && let Ok(value) = HeaderValue::from_bytes(&span.trace_id().to_hex())
        {
            response.headers_mut().insert(name.clone(), value);
        }
        if let Some(is_error) = self.kept {
            let is_error = is_error(ResponseHead::new(response));
            tell_kept(context, is_error, response.headers_mut());
        }
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo")
            .field("trace_id", &self.trace_id)
            .field("kept", &self.kept.is_some())
            .field("hears", &self.hears)
            .finish()
    }
}

/// Tells in `headers`, which may be trailers, that this service keeps its part of the trace that `context` is of: if it `is_error`, or a callee has told it.
pub fn tell_kept(context: &Context, is_error: bool, headers: &mut HeaderMap) {
    let told = || context.value().is_some_and(CalleeKeeps::is_told);
    if context.span_ref().is_recording()
        && (is_error || told())
        && let Some(value) = context.span_context().and_then(kept)
    {
        headers.insert(TRACE_RESPONSE, value);
    }
}

fn kept(span: &SpanContext) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("00-{}-{}-01", span.trace_id(), span.span_id())).ok()
}

/// Whether the one who was called from `span` keeps its part.
fn says_kept(headers: &HeaderMap, span: &SpanContext) -> bool {
    let mut lines = headers.get_all(TRACE_RESPONSE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let Some(rest) = line.as_bytes().strip_prefix(b"00-") else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(span.trace_id().to_hex().as_slice()) else {
        return false;
    };
    let is_hex = |digits: &[u8]| {
        let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        digits.iter().all(is_digit)
    };
    match rest {
        [b'-', span_id @ .., b'-', high, low] if span_id.len() == 16 => {
            let is_odd = matches!(low, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f');
            is_odd
                && is_hex(&[*high])
                && is_hex(span_id)
                && span_id.iter().any(|digit| *digit != b'0')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_core_ctx::{SpanId, TraceFlags, TraceId};

    fn span() -> SpanContext {
        let trace_id = TraceId::from_u128(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736).unwrap();
        SpanContext::new(
            trace_id,
            SpanId::from_u64(7).unwrap(),
            TraceFlags::default(),
        )
    }

    fn says(lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TRACE_RESPONSE, line.parse().unwrap());
        }
        says_kept(&headers, &span())
    }

    #[test]
    fn what_is_told_is_heard() {
        let value = kept(&span()).unwrap();
        assert_eq!(
            value,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01"
        );
        assert!(says(&[value.to_str().unwrap()]));
        assert!(says(&[
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
        ]));
    }

    #[test]
    fn what_is_malformed_not_sampled_or_of_another_trace_says_nothing() {
        const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for lines in [
            &[][..],
            &[""],
            &["00"],
            &[GOOD, GOOD],
            &["01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-g1"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01"],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01"],
        ] {
            assert!(!says(lines), "{lines:?}");
        }
        for cut in 0..GOOD.len() {
            assert!(!says(&[&GOOD[..cut]]), "{cut}");
        }
    }
}
