use super::foreign::{span_id, trace_id};
use super::line::Line;
use super::{Extract, Extraction, Inject, Only, Propagator};
use crate::context::SamplingHint;
use crate::trace_state::trim_ows;
use crate::{Context, SpanContext, SpanId, TraceFlags, TraceId};

const HEADER: &str = "x-amzn-trace-id";

/// `X-Amzn-Trace-Id`: [AWS X-Ray](https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
///
/// ```abnf
/// header  = pair *( ";" pair )               ; in any order, others than these are ignored
/// pair    = "Root=1-" 8HEXDIG "-" 24HEXDIG   ; seconds since 1970 and the rest of the trace id
///         / "Parent=" 16HEXDIG
///         / "Sampled=" ( "0" / "1" / "?" )   ; "?" or missing: the decision is ours
/// ```
///
/// `Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1`. Hex of either case is read. Two headers, or
/// two different accounts of one thing in a header, are malformed.
///
/// A load balancer that does not trace sends a root without a parent. No span can be formed from that, so a new trace starts; a
/// `Sampled` beside it is heard as a [`SamplingHint`].
///
/// ```
/// use std::collections::HashMap;
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::propagation::{Extraction, Propagator, XRay};
///
/// let text = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
/// let headers = HashMap::from([("x-amzn-trace-id".to_owned(), text.to_owned())]);
/// let mut extraction = Extraction::new(Context::new());
/// XRay::default().extract(&mut extraction, &headers);
///
/// let mut sent = HashMap::new();
/// XRay::default().inject(&extraction.into_context(), &mut sent);
/// assert_eq!(sent, headers);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct XRay;

impl Propagator for XRay {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        if extraction.has_span() {
            return;
        }
        let header = match carrier.get_one(HEADER) {
            Only::None => return,
            Only::One(value) => Header::parse(value),
            Only::Many => None,
        };
        match header {
            Some(header) => header.apply(extraction),
            None => extraction.report_malformed(),
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        let Some(span) = context.span_context() else {
            return;
        };
        let deferred = span.is_remote() && context.sampling_hint() == Some(SamplingHint::Defer);
        let sampled = match span.is_sampled() {
            true => b"1",
            false if deferred => b"?",
            false => b"0",
        };
        let trace_id = span.trace_id().to_hex();
        let (seconds, rest) = trace_id.split_at(8);
        let line = Line::<74>::new()
            .push(b"Root=1-")
            .push(seconds)
            .push(b"-")
            .push(rest);
        let line = line.push(b";Parent=").push(&span.span_id().to_hex());
        carrier.set(HEADER, line.push(b";Sampled=").push(sampled).as_str());
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![HEADER]
    }
}

/// The pairs that matter.
#[derive(Default)]
struct Header {
    root: Option<TraceId>,
    parent: Option<SpanId>,
    sampled: Option<SamplingHint>,
}

impl Header {
    fn parse(value: &[u8]) -> Option<Self> {
        let mut header = Self::default();
        for pair in value.split(|&byte| byte == b';') {
            let Some(equals) = pair.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let value = trim_ows(&pair[equals + 1..]);
            match trim_ows(&pair[..equals]) {
                b"Root" => put(&mut header.root, root(value)?)?,
                b"Parent" => put(&mut header.parent, parent(value)?)?,
                b"Sampled" => put(&mut header.sampled, sampled(value)?)?,
                _ => {}
            }
        }
        // Without a root there is nothing that a parent could belong to.
        header.root.is_some().then_some(header)
    }

    fn apply(self, extraction: &mut Extraction<'_>) {
        let Some((trace_id, span_id)) = self.root.zip(self.parent) else {
            if let Some(hint @ (SamplingHint::Accept | SamplingHint::Deny)) = self.sampled {
                extraction.update(|cx| cx.with_sampling_hint(hint));
            }
            return;
        };
        let hint = self.sampled.unwrap_or(SamplingHint::Defer);
        if hint == SamplingHint::Defer {
            extraction.update(|cx| cx.with_sampling_hint(hint));
        }
        // The first 8 digits are a time; how random the others are, nobody says.
        let flags = TraceFlags::NONE.with_sampled(hint == SamplingHint::Accept);
        extraction.set_span(SpanContext::new(trace_id, span_id, flags));
    }
}

/// Fills `slot`, unless it says something else already.
fn put<T: PartialEq>(slot: &mut Option<T>, value: T) -> Option<()> {
    let agrees = slot.as_ref().is_none_or(|known| *known == value);
    *slot = Some(value);
    agrees.then_some(())
}

fn root(value: &[u8]) -> Option<TraceId> {
    let [b'1', b'-', digits @ ..] = value else {
        return None;
    };
    if digits.len() != 33 || digits[8] != b'-' {
        return None;
    }
    let mut joined = [0; 32];
    joined[..8].copy_from_slice(&digits[..8]);
    joined[8..].copy_from_slice(&digits[9..]);
    trace_id(&joined)
}

fn parent(value: &[u8]) -> Option<SpanId> {
    if value.len() == 16 {
        span_id(value)
    } else {
        None
    }
}

const fn sampled(value: &[u8]) -> Option<SamplingHint> {
    match value {
        b"0" => Some(SamplingHint::Deny),
        b"1" => Some(SamplingHint::Accept),
        b"?" => Some(SamplingHint::Defer),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
