use super::{Extract, Extraction, Inject, Only, Propagator, percent, scratch};
use crate::baggage::Entry;
use crate::trace_state::trim_ows;
use crate::{Baggage, Context, SpanRef};

const BAGGAGE: &str = "baggage";

/// What must be propagated, and what we propagate at most ([W3C Baggage, limits](https://www.w3.org/TR/baggage/#limits)).
pub(super) const MAX_MEMBERS: usize = 64;
pub(super) const MAX_BYTES: usize = 8192;

/// `baggage`: [W3C Baggage](https://www.w3.org/TR/baggage/).
///
/// ```abnf
/// baggage-string = list-member *( OWS "," OWS list-member )
/// list-member    = key OWS "=" OWS value *( OWS ";" OWS property )
/// property       = key OWS "=" OWS value / key OWS
/// key            = token                                     ; RFC 7230, case-sensitive, never percent-encoded
/// value          = *( %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E )   ; percent-encoded UTF-8
/// ```
///
/// `userId=Am%C3%A9lie,serverNode=DF%2028;isProduction`
///
/// - Several headers are read as one list, whether or not there is a valid `traceparent`.
/// - At most 64 members and 8192 bytes, separators included, are read and written. What is beyond is dropped by whole members, and
///   before anything is allocated for it; reading counts it as malformed.
/// - A malformed member is skipped and counted; the others are kept. Of two members with one key the last one counts. An entry that
///   the context has already is left alone.
/// - `%` without two hex digits stands for itself, decoded bytes that are no UTF-8 become U+FFFD, and `+` is a plus sign.
/// - Properties are kept and sent as they came, as the [metadata](Entry::metadata) of the entry.
/// - A name that is no token cannot be sent: the entry stays behind. So does metadata with anything but visible ASCII and blanks in
///   it, or with a comma. Empty baggage sends no header.
///
/// ```
/// use std::collections::HashMap;
/// use tracing_core_ctx::propagation::{BaggagePropagator, Extraction, Propagator};
/// use tracing_core_ctx::{Baggage, Context};
///
/// let cx = Context::new().with_baggage(Baggage::new().with("userId", "Amélie").with("share", "50%"));
/// let mut headers = HashMap::new();
/// BaggagePropagator::default().inject(&cx, &mut headers);
/// assert_eq!(headers["baggage"], "userId=Am%C3%A9lie,share=50%25");
///
/// let mut extraction = Extraction::new(Context::new());
/// BaggagePropagator::default().extract(&mut extraction, &headers);
/// assert_eq!(extraction.context().baggage().get("share"), Some("50%"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BaggagePropagator;

impl Propagator for BaggagePropagator {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        read(carrier.get_one(BAGGAGE), extraction, carrier);
    }

    #[inline]
    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        let baggage = context.baggage();
        if !baggage.is_empty() {
            inject(baggage, carrier);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![BAGGAGE]
    }

    /// It is the same whatever the span.
    fn inject_span(&self, _: &SpanRef, context: &Context, carrier: &mut dyn Inject) {
        self.inject(context, carrier);
    }
}

/// By itself: most contexts have none.
#[inline(never)]
fn inject(baggage: &Baggage, carrier: &mut dyn Inject) {
    scratch::with(|text| {
        write(baggage, text);
        if text.is_empty() {
            carrier.remove(BAGGAGE);
        } else {
            carrier.set(BAGGAGE, text);
        }
    });
}

/// Takes over what was found under the name.
pub(super) fn read(found: Only<'_>, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
    if found != Only::None {
        read_list(found, extraction, carrier);
    }
}

/// By itself: most requests carry none, and pay nothing for it.
#[inline(never)]
fn read_list(found: Only<'_>, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
    let mut reader = Reader::new();
    match found.value() {
        Some(header) => reader.read(header),
        None => carrier.get_all(BAGGAGE, &mut |header| reader.read(header)),
    }
    extraction.add_malformed(reader.malformed);
    extraction.add_baggage(reader.entries);
}

/// Takes header values one by one, as if a comma joined them.
struct Reader {
    entries: Vec<Entry>,
    /// Where the next member starts in the joined list.
    position: usize,
    full: bool,
    malformed: u32,
}

impl Reader {
    const fn new() -> Self {
        Self {
            entries: Vec::new(),
            position: 0,
            full: false,
            malformed: 0,
        }
    }

    fn read(&mut self, header: &[u8]) {
        if self.full || header.is_empty() {
            return;
        }
        // One byte more than allowed, to see that there is more. No other byte of a header that is too long is looked at.
        let left = MAX_BYTES.saturating_sub(self.position);
        let header = header.get(..=left).unwrap_or(header);
        for member in header.split(|&byte| byte == b',') {
            let end = self.position + member.len();
            if end > MAX_BYTES {
                self.full = true;
                self.malformed += 1;
                return;
            }
            self.position = end + 1;
            let member = trim_ows(member);
            if member.is_empty() {
                continue;
            }
            match parse(member) {
                Some(member) if self.entries.len() < MAX_MEMBERS => {
                    self.entries.push(member.decode());
                }
                Some(_) | None => self.malformed += 1,
            }
        }
    }
}

/// A well-formed member, not decoded yet.
struct Member<'a> {
    key: &'a str,
    value: &'a [u8],
    metadata: &'a str,
}

impl Member<'_> {
    fn decode(&self) -> Entry {
        Entry::new(self.key, percent::decode(self.value), self.metadata)
    }
}

fn parse(member: &[u8]) -> Option<Member<'_>> {
    let (pair, metadata) = match member.iter().position(|&byte| byte == b';') {
        Some(semicolon) => (&member[..semicolon], trim_ows(&member[semicolon + 1..])),
        None => (member, &[][..]),
    };
    // The first one: every further `=` belongs to the value.
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    let (key, value) = (trim_ows(&pair[..equals]), trim_ows(&pair[equals + 1..]));
    if !is_token(key) || !value.iter().copied().all(is_octet) || !is_metadata(metadata) {
        return None;
    }
    Some(Member {
        key: std::str::from_utf8(key).ok()?,
        value,
        metadata: std::str::from_utf8(metadata).ok()?,
    })
}

fn write(baggage: &Baggage, text: &mut String) {
    let mut members = 0;
    for entry in baggage {
        if members == MAX_MEMBERS {
            return;
        }
        let metadata = Some(entry.metadata()).filter(|metadata| is_metadata(metadata.as_bytes()));
        let metadata = metadata.map(str::trim_ascii).unwrap_or_default();
        // Encoded it will not be shorter: what is too long as it is need not be encoded to see that.
        let least = text.len() + entry.name().len() + entry.value().len() + metadata.len();
        if least > MAX_BYTES || !is_token(entry.name().as_bytes()) {
            continue;
        }
        let start = text.len();
        if start > 0 {
            text.push(',');
        }
        text.push_str(entry.name());
        text.push('=');
        percent::encode(entry.value(), |byte| byte != b'%' && is_octet(byte), text);
        if !metadata.is_empty() {
            text.push(';');
            // Carriers take visible ASCII and spaces.
            text.extend(metadata.chars().map(|c| if c == '\t' { ' ' } else { c }));
        }
        if text.len() > MAX_BYTES {
            text.truncate(start);
        } else {
            members += 1;
        }
    }
}

/// Whether `name` is a `token` of RFC 7230.
pub(super) fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Whether `byte` is a `baggage-octet`.
const fn is_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

/// Whether properties can be kept as they are: opaque, but nothing that would end the member or the header.
fn is_metadata(metadata: &[u8]) -> bool {
    metadata
        .iter()
        .all(|byte| matches!(byte, b'\t' | 0x20..=0x7e) && *byte != b',')
}

#[cfg(test)]
mod tests;
