//! Counts the spans of an export without reading them: only the lengths of what is around them are followed.

// The fields on the way down, which hold messages: ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans,
// ScopeSpans.spans.
const WAY: [u64; 3] = [1, 2, 2];

/// How many spans an encoded `ExportTraceServiceRequest` holds. `None` if it is malformed, as far as it was looked at.
pub(crate) fn count(message: &[u8]) -> Option<u64> {
    count_below(message, &WAY)
}

fn count_below(mut message: &[u8], way: &[u64]) -> Option<u64> {
    let (wanted, rest) = way.split_first()?;
    let mut spans = 0;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        match (key >> 3, key & 7) {
            (_, 0) => {
                varint(&mut message)?;
            }
            (_, 1) => skip(&mut message, 8)?,
            (field, 2) => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (inner, after) = message.split_at_checked(length)?;
                message = after;
                if field == *wanted {
                    spans += if rest.is_empty() {
                        1
                    } else {
                        count_below(inner, rest)?
                    };
                }
            }
            (_, 5) => skip(&mut message, 4)?,
            _ => return None,
        }
    }
    Some(spans)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn skip(message: &mut &[u8], length: usize) -> Option<()> {
    *message = message.get(length..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    use super::*;

    fn request(scopes: &[usize]) -> Vec<u8> {
        let span = Span {
            name: "GET /api/users/{id}/orders".repeat(20),
            start_time_unix_nano: u64::MAX,
            dropped_attributes_count: 1 << 30,
            ..Span::default()
        };
        let scope_spans = scopes.iter().map(|spans| ScopeSpans {
            scope: Some(Default::default()),
            spans: vec![span.clone(); *spans],
            schema_url: "https://opentelemetry.io/schemas/1.45.0".to_owned(),
        });
        let resource_spans = ResourceSpans {
            resource: Some(Default::default()),
            scope_spans: scope_spans.collect(),
            schema_url: String::new(),
        };
        ExportTraceServiceRequest {
            resource_spans: vec![resource_spans.clone(), resource_spans],
        }
        .encode_to_vec()
    }

    #[test]
    fn all_spans_are_counted_under_all_resources_and_scopes() {
        assert_eq!(count(&request(&[])), Some(0));
        assert_eq!(count(&request(&[1])), Some(2));
        assert_eq!(count(&request(&[3, 0, 512])), Some(1030));
        assert_eq!(count(b""), Some(0));
    }

    #[test]
    fn a_request_that_breaks_off_is_malformed() {
        let whole = request(&[2]);
        assert!((1..whole.len()).all(|end| count(&whole[..end]) != count(&whole)));
        assert_eq!(count(b"\xff"), None);
        assert_eq!(count(b"\x0b"), None);
    }
}
