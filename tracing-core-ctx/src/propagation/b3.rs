use super::foreign::{first, span_id, trace_id};
use super::line::Line;
use super::{Extract, Extraction, Inject, Propagator};
use crate::context::SamplingHint;
use crate::trace_state::trim_ows;
use crate::{Context, SpanContext, SpanId, TraceFlags, TraceId};

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const PARENT_SPAN_ID: &str = "x-b3-parentspanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

/// `b3` and `X-B3-*`: [B3, the format of Zipkin](https://github.com/openzipkin/b3-propagation).
///
/// ```abnf
/// b3       = ids [ "-" state [ "-" parent ] ] / state
/// ids      = ( 16HEXDIG / 32HEXDIG ) "-" 16HEXDIG     ; trace and span, neither all zero
/// state    = "0" / "1" / "d"                          ; deny, accept, debug
/// parent   = 16HEXDIG
/// ```
///
/// `80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1`, or the same pieces in `X-B3-TraceId`, `X-B3-SpanId`, `X-B3-Sampled`
/// (`0`, `1`) and `X-B3-Flags` (`1` is debug).
///
/// **Reading** takes the single header first, and the others when it is missing or malformed. The first value of a name counts. Hex
/// of either case is read; a trace id of 16 digits is padded with zeros. Without a state the decision is ours
/// ([`SamplingHint::Defer`]); debug sets the sampled flag and [`SamplingHint::Debug`]. A state without ids starts no trace: it is
/// the wish of the caller, as a [`SamplingHint`].
///
/// **Writing** never sends the parent's id. What is sent is:
///
/// | the context | `b3` | `X-B3-*` |
/// |---|---|---|
/// | is [suppressed](Context::suppressed), without a caller's span | `0` | `Sampled: 0` |
/// | has a span, not sampled | ids, `0` | ids, `Sampled: 0` |
/// | has a span, sampled | ids, `1` | ids, `Sampled: 1` |
/// | has a span, sampled, and the hint debug | ids, `d` | ids, `Flags: 1` |
/// | has a caller's span and the hint defer | ids | ids |
/// | has no span, but the hint deny, accept or debug | `0`, `1`, `d` | `Sampled: 0`, `Sampled: 1`, `Flags: 1` |
/// | else | nothing | nothing |
///
/// So a wish, and the trace of a caller, pass through a service that does not trace, and the requests of an exporter are not traced by who gets
/// them.
///
/// ```
/// use std::collections::HashMap;
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::propagation::{B3, Extraction, Propagator};
///
/// let text = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
/// let headers = HashMap::from([("b3".to_owned(), text.to_owned())]);
/// let mut extraction = Extraction::new(Context::new());
/// B3::single().extract(&mut extraction, &headers);
/// let cx = extraction.into_context();
/// assert!(cx.span_context().is_some_and(|caller| caller.is_sampled()));
///
/// let mut sent = HashMap::new();
/// B3::multi().inject(&cx, &mut sent);
/// assert_eq!(sent["x-b3-spanid"], "e457b5a2e4d86bd1");
/// assert_eq!(sent["x-b3-sampled"], "1");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct B3 {
    multi: bool,
}

impl B3 {
    /// Writes the single header. The default.
    #[must_use]
    pub const fn single() -> Self {
        Self { multi: false }
    }

    /// Writes one header for each piece.
    #[must_use]
    pub const fn multi() -> Self {
        Self { multi: true }
    }
}

impl Propagator for B3 {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        if extraction.has_span() {
            return;
        }
        if let Some(value) = first(carrier, SINGLE) {
            match B3Context::parse(trim_ows(value)) {
                Some(found) => return found.apply(extraction),
                None => extraction.report_malformed(),
            }
        }
        match B3Context::gather(carrier) {
            Ok(Some(found)) => found.apply(extraction),
            Ok(None) => {}
            Err(Malformed) => extraction.report_malformed(),
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        let Some(found) = B3Context::of(context) else {
            return;
        };
        if self.multi {
            found.write_multi(carrier);
        } else {
            found.write_single(carrier);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        if self.multi {
            vec![TRACE_ID, SPAN_ID, SAMPLED, FLAGS]
        } else {
            vec![SINGLE]
        }
    }

    fn reads(&self) -> Vec<&'static str> {
        vec![SINGLE, TRACE_ID, SPAN_ID, PARENT_SPAN_ID, SAMPLED, FLAGS]
    }
}

/// What B3 can say.
struct B3Context {
    ids: Option<(TraceId, SpanId)>,
    state: SamplingHint,
}

struct Malformed;

impl B3Context {
    /// Reads the single header.
    fn parse(value: &[u8]) -> Option<Self> {
        if let Some(state) = state(value) {
            return Some(Self { ids: None, state });
        }
        let mut pieces = value.split(|&byte| byte == b'-');
        let ids = ids(pieces.next()?, pieces.next()?)?;
        let state = pieces.next().map_or(Some(SamplingHint::Defer), state)?;
        let parent_is_fine = pieces.next().is_none_or(|parent| {
            let is_hex = parent.iter().all(u8::is_ascii_hexdigit);
            parent.len() == 16 && is_hex
        });
        (parent_is_fine && pieces.next().is_none()).then_some(Self {
            ids: Some(ids),
            state,
        })
    }

    /// Reads the many headers; nothing when none of them is there.
    fn gather(carrier: &dyn Extract) -> Result<Option<Self>, Malformed> {
        let get = |name| first(carrier, name).map(trim_ows);
        let ids = match (get(TRACE_ID), get(SPAN_ID)) {
            (Some(trace), Some(span)) => Some(ids(trace, span).ok_or(Malformed)?),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(Malformed),
        };
        let sampled = match get(SAMPLED) {
            Some(value) => Some(sampled(value).ok_or(Malformed)?),
            None => None,
        };
        // The flags are a set of bits, of which only this one was ever given a meaning.
        let debug = (get(FLAGS) == Some(b"1")).then_some(SamplingHint::Debug);
        let state = debug.or(sampled);
        if ids.is_none() && state.is_none() {
            return Ok(None);
        }
        let state = state.unwrap_or(SamplingHint::Defer);
        Ok(Some(Self { ids, state }))
    }

    fn apply(self, extraction: &mut Extraction<'_>) {
        let Self { ids, state } = self;
        let says_more_than_the_flag = matches!(state, SamplingHint::Debug | SamplingHint::Defer);
        if ids.is_none() || says_more_than_the_flag {
            extraction.update(|cx| cx.with_sampling_hint(state));
        }
        if let Some((trace_id, span_id)) = ids {
            let sampled = matches!(state, SamplingHint::Accept | SamplingHint::Debug);
            // Nobody knows how these ids were made, so they do not count as random.
            let flags = TraceFlags::NONE.with_sampled(sampled);
            extraction.set_span(SpanContext::new(trace_id, span_id, flags));
        }
    }

    /// What is to be sent, if anything.
    fn of(context: &Context) -> Option<Self> {
        let hint = context.sampling_hint();
        let callers = context.span_context().is_some_and(SpanContext::is_remote);
        if context.is_suppressed() && !callers {
            return Some(Self {
                ids: None,
                state: SamplingHint::Deny,
            });
        }
        let Some(span) = context.span_context() else {
            let state = match hint.filter(|hint| *hint != SamplingHint::Defer)? {
                // The proof is not sent along.
                SamplingHint::Forced => SamplingHint::Accept,
                hint => hint,
            };
            return Some(Self { ids: None, state });
        };
        let state = match (span.is_sampled(), hint) {
            (true, Some(SamplingHint::Debug)) => SamplingHint::Debug,
            (true, _) => SamplingHint::Accept,
            (false, Some(SamplingHint::Defer)) if span.is_remote() => SamplingHint::Defer,
            (false, _) => SamplingHint::Deny,
        };
        let ids = Some((span.trace_id(), span.span_id()));
        Some(Self { ids, state })
    }

    fn write_single(&self, carrier: &mut dyn Inject) {
        let state: &[u8] = match self.state {
            SamplingHint::Accept | SamplingHint::Forced => b"1",
            SamplingHint::Debug => b"d",
            SamplingHint::Defer => b"",
            SamplingHint::Deny => b"0",
        };
        let mut line = Line::<51>::new();
        if let Some((trace_id, span_id)) = self.ids {
            line = line
                .push(&trace_id.to_hex())
                .push(b"-")
                .push(&span_id.to_hex());
            if !state.is_empty() {
                line = line.push(b"-");
            }
        }
        carrier.set(SINGLE, line.push(state).as_str());
    }

    fn write_multi(&self, carrier: &mut dyn Inject) {
        if let Some((trace_id, span_id)) = self.ids {
            carrier.set(
                TRACE_ID,
                Line::<32>::new().push(&trace_id.to_hex()).as_str(),
            );
            carrier.set(SPAN_ID, Line::<16>::new().push(&span_id.to_hex()).as_str());
        } else {
            carrier.remove(TRACE_ID);
            carrier.remove(SPAN_ID);
        }
        // A stale one would contradict the ids.
        carrier.remove(PARENT_SPAN_ID);
        match self.state {
            SamplingHint::Accept | SamplingHint::Forced => carrier.set(SAMPLED, "1"),
            SamplingHint::Deny => carrier.set(SAMPLED, "0"),
            SamplingHint::Debug | SamplingHint::Defer => carrier.remove(SAMPLED),
        }
        match self.state {
            // "Debug implies an accept decision, so don't also send the X-B3-Sampled header."
            SamplingHint::Debug => carrier.set(FLAGS, "1"),
            SamplingHint::Accept
            | SamplingHint::Defer
            | SamplingHint::Deny
            | SamplingHint::Forced => {
                carrier.remove(FLAGS);
            }
        }
    }
}

fn ids(trace: &[u8], span: &[u8]) -> Option<(TraceId, SpanId)> {
    if !matches!(trace.len(), 16 | 32) || span.len() != 16 {
        return None;
    }
    Some((trace_id(trace)?, span_id(span)?))
}

const fn state(value: &[u8]) -> Option<SamplingHint> {
    match value {
        b"0" => Some(SamplingHint::Deny),
        b"1" => Some(SamplingHint::Accept),
        b"d" => Some(SamplingHint::Debug),
        _ => None,
    }
}

/// Old senders wrote words.
fn sampled(value: &[u8]) -> Option<SamplingHint> {
    if value == b"1" || value.eq_ignore_ascii_case(b"true") {
        Some(SamplingHint::Accept)
    } else if value == b"0" || value.eq_ignore_ascii_case(b"false") {
        Some(SamplingHint::Deny)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
