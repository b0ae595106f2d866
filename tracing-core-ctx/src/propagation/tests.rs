//! What the tests of all formats share, and the tests of what is common to them.

use super::*;
use crate::{SpanId, SpanRef, TraceFlags, TraceId};

/// Headers as a server has them: names without case, several values of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub(super) fn new<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> Self {
        let owned = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_ref().to_vec()));
        Self(owned.collect())
    }

    /// The values of a name, one after the other.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let mut values = Vec::new();
        self.get_all(name, &mut |value| {
            values.push(std::str::from_utf8(value).unwrap());
        });
        values
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Extract for Headers {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        for (known, value) in &self.0 {
            if known.eq_ignore_ascii_case(name) {
                visit(value);
            }
        }
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        for (name, _) in &self.0 {
            if name.to_ascii_lowercase().starts_with(prefix) {
                visit(name);
            }
        }
    }
}

/// Refuses what a strict carrier would refuse.
impl Inject for Headers {
    fn set(&mut self, name: &str, value: &str) {
        assert!(
            !name.bytes().any(|byte| byte.is_ascii_uppercase()),
            "{name}"
        );
        assert!(
            value.bytes().all(|byte| matches!(byte, 0x20..=0x7e)),
            "{value:?}"
        );
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    fn remove(&mut self, name: &str) {
        self.0
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
}

/// What `propagator` makes of the headers, and how many values it could not read.
pub(super) fn extract<V: AsRef<[u8]>>(
    propagator: &impl Propagator,
    headers: &[(&str, V)],
) -> (Context, u32) {
    let mut extraction = Extraction::new(Context::new());
    propagator.extract(&mut extraction, &Headers::new(headers));
    let malformed = extraction.malformed();
    (extraction.into_context(), malformed)
}

pub(super) fn inject(propagator: &impl Propagator, context: &Context) -> Headers {
    let mut headers = Headers::default();
    propagator.inject(context, &mut headers);
    headers
}

/// The caller's span as `trace-span-flags`.
pub(super) fn caller(context: &Context) -> Option<String> {
    let span = context.span_context()?;
    assert!(span.is_remote());
    let flags = span.flags().bits();
    Some(format!(
        "{}-{}-{flags:02x}",
        span.trace_id(),
        span.span_id()
    ))
}

/// A context with a span of this process.
pub(super) fn with_span(trace_id: &str, span_id: &str, flags: TraceFlags) -> Context {
    let (trace_id, span_id) = (trace_id.parse().unwrap(), span_id.parse().unwrap());
    let span = SpanRef::passing(SpanContext::new(trace_id, span_id, flags));
    Context::new().with_span(&span)
}

/// Finds the same span whatever it is shown.
#[derive(Debug)]
struct Fixed(u64);

impl Propagator for Fixed {
    fn extract(&self, extraction: &mut Extraction<'_>, _carrier: &dyn Extract) {
        let trace_id = TraceId::from_u128(1).unwrap();
        let span_id = SpanId::from_u64(self.0).unwrap();
        extraction.set_span(SpanContext::new(trace_id, span_id, TraceFlags::NONE));
    }

    fn inject(&self, _context: &Context, carrier: &mut dyn Inject) {
        carrier.set("fixed", "1");
    }

    fn fields(&self) -> Vec<&'static str> {
        vec!["fixed"]
    }
}

const NOTHING: &[(&str, &str)] = &[];

#[test]
fn a_callers_span_is_remote_and_the_first_one_stays() {
    let both = Composite::default().and(Fixed(1)).and(Fixed(2));
    let (cx, malformed) = extract(&both, NOTHING);
    let span = cx.span_context().unwrap();
    assert!(span.is_remote());
    assert_eq!((span.span_id().to_u64(), malformed), (1, 0));
}

#[test]
fn baggage_that_is_there_already_stays() {
    let mut extraction =
        Extraction::new(Context::new().with_baggage(crate::Baggage::new().with("a", "ours")));
    extraction.add_baggage(vec![
        Entry::new("b", "1", ""),
        Entry::new("a", "theirs", ""),
    ]);
    let baggage = extraction.context().baggage();
    assert_eq!(
        (baggage.get("a"), baggage.get("b")),
        (Some("ours"), Some("1"))
    );
}

#[test]
fn counting_malformed_values_never_overflows() {
    let mut extraction = Extraction::new(Context::new());
    extraction.add_malformed(u32::MAX);
    extraction.report_malformed();
    assert_eq!(extraction.malformed(), u32::MAX);
}

#[test]
fn a_shared_and_a_boxed_propagator_are_propagators() {
    fn check(propagator: &impl Propagator) {
        assert!(extract(propagator, NOTHING).0.span_context().is_some());
        assert_eq!(inject(propagator, &Context::new()).all("fixed"), ["1"]);
        assert_eq!(propagator.fields(), ["fixed"]);
    }
    let boxed: Box<dyn Propagator> = Box::new(Fixed(1));
    check(&boxed);
    check(&Arc::new(Fixed(1)));
}
