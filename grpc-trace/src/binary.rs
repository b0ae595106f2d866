use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use tracing_core_ctx::propagation::{Extract, Extraction, Inject, Propagator};
use tracing_core_ctx::{Context, SpanContext, SpanId, TraceFlags, TraceId};

const NAME: &str = "grpc-trace-bin";

/// Written without padding, read with it or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// `grpc-trace-bin`: the binary format of OpenCensus, for peers that know nothing else. Not on by default.
///
/// ```text
/// version 0 | field 0, trace id: 16 bytes | field 1, span id: 8 bytes | field 2, flags: 1 byte
/// ```
///
/// ```
/// use grpc_trace::GrpcTraceBin;
/// use tracing_core_ctx::Tracer;
/// use tracing_core_ctx::propagation::{Composite, TraceContext};
///
/// let both = Composite::default().and(TraceContext::default()).and(GrpcTraceBin::default());
/// let tracer = Tracer::builder().propagator(both).build();
/// assert_eq!(tracer.propagator().fields(), ["traceparent", "tracestate", "grpc-trace-bin"]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct GrpcTraceBin;

/// The version, and three fields with their numbers.
const LENGTH: usize = 1 + 17 + 9 + 2;

/// The longest text that is read: [`LENGTH`] bytes, and some of fields that are not known.
const MAX_TEXT: usize = 256;

impl Propagator for GrpcTraceBin {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        use tracing_core_ctx::propagation::Only;

        if extraction.has_span() {
            return;
        }
        match carrier.get_one(NAME) {
            Only::None => {}
            Only::One(text) => match decode(text) {
                Some(span) => extraction.set_span(span),
                None => extraction.report_malformed(),
            },
            Only::Many => extraction.report_malformed(),
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        let Some(span) = context.span_context() else {
            return;
        };
        let mut bytes = [0; LENGTH];
        bytes[2..18].copy_from_slice(&span.trace_id().to_bytes());
        bytes[18] = 1;
        bytes[19..27].copy_from_slice(&span.span_id().to_bytes());
        bytes[27] = 2;
        // The format knows this one flag.
        bytes[28] = span.flags().bits() & TraceFlags::SAMPLED.bits();
        let mut text = [0; LENGTH.div_ceil(3) * 4];
        if let Ok(length) = BASE64.encode_slice(bytes, &mut text)
            && let Ok(text) = std::str::from_utf8(&text[..length])
        {
            carrier.set(NAME, text);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![NAME]
    }
}

fn decode(text: &[u8]) -> Option<SpanContext> {
    let mut buffer = [0; MAX_TEXT];
    if text.len() > MAX_TEXT {
        return None;
    }
    let length = BASE64.decode_slice(text, &mut buffer).ok()?;
    let (version, mut rest) = buffer[..length].split_first()?;
    if *version != 0 {
        return None;
    }
    let (mut trace_id, mut span_id, mut flags) = (None, None, TraceFlags::NONE);
    // Fields come in the order of their numbers; one that is not known ends what can be read.
    while let Some((field, value)) = rest.split_first() {
        rest = match field {
            0 => {
                let (id, rest) = value.split_first_chunk::<16>()?;
                trace_id = Some(TraceId::from_bytes(*id)?);
                rest
            }
            1 => {
                let (id, rest) = value.split_first_chunk::<8>()?;
                span_id = Some(SpanId::from_bytes(*id)?);
                rest
            }
            2 => {
                let (bits, rest) = value.split_first()?;
                flags = TraceFlags::from_bits(bits & TraceFlags::SAMPLED.bits());
                rest
            }
            _ => break,
        };
    }
    Some(SpanContext::new(trace_id?, span_id?, flags))
}

#[cfg(test)]
mod tests;
