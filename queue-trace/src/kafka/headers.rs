use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use rdkafka::message::{BorrowedHeaders, Header, Headers, OwnedHeaders};
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::propagation::{Extract, Inject, W3cHeaders};

use crate::carrier::{self, Walk};
use crate::first::FIRST;

/// The headers of a record as a carrier of contexts: to be sent, or to be changed.
///
/// ```
/// use queue_trace::kafka::KafkaHeaders;
/// use rdkafka::message::OwnedHeaders;
/// use tracing_core_ctx::{Context, Tracer};
///
/// # let tracer = Tracer::noop();
/// let mut headers = KafkaHeaders::of(Some(OwnedHeaders::new()));
/// tracer.inject(&Context::current(), &mut headers);
/// let headers: Option<OwnedHeaders> = headers.into_inner();
/// ```
#[derive(Debug, Default)]
pub struct KafkaHeaders {
    headers: Option<OwnedHeaders>,
}

impl KafkaHeaders {
    /// The headers of a record.
    #[must_use]
    pub const fn of(headers: Option<OwnedHeaders>) -> Self {
        Self { headers }
    }

    /// The headers as they are now; `None` if there never were any and nothing was written.
    #[must_use]
    pub fn into_inner(self) -> Option<OwnedHeaders> {
        self.headers
    }

    /// What a look through all headers finds that matters to a record about to be sent.
    pub(super) fn look<'a>(&'a self, names: &[&str]) -> Found<'a> {
        let mut found = Found::default();
        let Some(headers) = &self.headers else {
            return found;
        };
        let seen = walk(headers, &mut |each, value| {
            if each.len() == FIRST.len() && each.eq_ignore_ascii_case(FIRST) {
                found.first = value.or(found.first);
            }
            found.context |= names.iter().any(|name| each.eq_ignore_ascii_case(name));
        });
        found.has_unreadable = seen != Seen::All;
        found
    }

    /// The same headers once more.
    pub(super) fn copy(&self) -> Option<OwnedHeaders> {
        self.headers.clone()
    }

    /// The last value of a header.
    pub(super) fn last(&self, name: &str) -> Option<&[u8]> {
        carrier::last(self, name)
    }

    pub(super) fn push(&mut self, key: &str, value: &[u8]) {
        self.push_first_of(1, key, value);
    }

    /// The same where so many are to come: a list that grows moves.
    fn push_first_of(&mut self, count: usize, key: &str, value: &[u8]) {
        let headers = self.headers.take();
        let headers = headers.unwrap_or_else(|| OwnedHeaders::new_with_capacity(count));
        let value = Some(value);
        self.headers = Some(headers.insert(Header { key, value }));
    }

    /// Takes the headers of these names away; `*` at the end of a name stands for the rest of it. They can only be copied without them; one that cannot be read would be lost by that, so then nothing
    /// is done.
    pub(super) fn take_away(&mut self, names: &[&str]) -> Away {
        self.without(names, MayLose::Nothing)
    }

    /// The same at any price: what cannot be read is lost if there is one of these, or may be one behind it.
    pub(super) fn take_away_for_sure(&mut self, names: &[&str]) -> Away {
        self.without(names, MayLose::Unreadable)
    }

    fn without(&mut self, names: &[&str], may_lose: MayLose) -> Away {
        let is_named = |each: &str| names.iter().any(|name| is_meant(each, name));
        let Some(headers) = &self.headers else {
            return Away::NotThere;
        };
        let mut found = false;
        let seen = walk(headers, &mut |each, _| {
            found |= is_named(each);
        });
        match (found, &seen, may_lose) {
            (_, Seen::Ends, MayLose::Unreadable) | (true, Seen::All, _) => {}
            (true, Seen::Readable, MayLose::Unreadable) => {}
            (true, _, MayLose::Nothing) => return Away::Stays,
            (false, ..) => return Away::NotThere,
        }
        if seen != Seen::All {
            diagnostics::report_once(
                "queue-trace.kafka.header.lost",
                Level::Warn,
                format_args!(
                    "a message is sent on without its headers whose names are not UTF-8: they lie beside a context that is not to be believed"
                ),
            );
        }
        let mut kept = Some(OwnedHeaders::new_with_capacity(headers.count()));
        walk(headers, &mut |key, value| {
            if !is_named(key) {
                kept = kept.take().map(|kept| kept.insert(Header { key, value }));
            }
        });
        match std::mem::replace(&mut self.headers, kept) {
            Some(before) => Away::Before(before),
            None => Away::NotThere,
        }
    }

    /// How many headers were passed over in this process because their names are not UTF-8, once for each time they were looked at.
    ///
    /// ```
    /// use queue_trace::kafka::KafkaHeaders;
    ///
    /// assert_eq!(KafkaHeaders::unreadable(), 0);
    /// ```
    #[must_use]
    pub fn unreadable() -> u64 {
        UNREADABLE.load(Ordering::Relaxed)
    }
}

/// Whether a header is one that goes by this name.
fn is_meant(each: &str, name: &str) -> bool {
    let Some(prefix) = name.strip_suffix('*') else {
        return each.eq_ignore_ascii_case(name);
    };
    let start = each.as_bytes().get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// What became of headers that are to be gone.
pub(super) enum Away {
    NotThere,
    /// They are gone, and all were these before.
    Before(OwnedHeaders),
    Stays,
}

/// What headers may be copied without.
#[derive(Clone, Copy)]
enum MayLose {
    Nothing,
    Unreadable,
}

/// What headers have in them.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// Whether there is one of the fields of the propagator.
    pub(super) context: bool,
    /// Where the message was first sent from.
    pub(super) first: Option<&'a [u8]>,
    /// Whether there is one that cannot be read: what is written into these headers cannot be taken out again.
    pub(super) has_unreadable: bool,
}

/// Headers that have none of `fields` any more, so that these need not be looked for when they are written.
pub(super) struct Cleared<'a> {
    pub(super) headers: &'a mut KafkaHeaders,
    pub(super) fields: &'a [&'static str],
}

impl Inject for Cleared<'_> {
    fn set(&mut self, name: &str, value: &str) {
        if self.fields.contains(&name) {
            self.headers.push(name, value.as_bytes());
        } else {
            self.headers.set(name, value);
        }
    }

    fn remove(&mut self, name: &str) {
        if !self.fields.contains(&name) {
            self.headers.remove(name);
        }
    }

    fn set_w3c(&mut self, traceparent: &[u8; 55], tracestate: &[u8]) {
        // The propagator's own fields: there are none of these.
        let count = 1 + usize::from(!tracestate.is_empty());
        self.headers
            .push_first_of(count, "traceparent", traceparent);
        if !tracestate.is_empty() {
            self.headers.push("tracestate", tracestate);
        }
    }
}

impl Walk for KafkaHeaders {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
        if let Some(headers) = &self.headers {
            walk(headers, visit);
        }
    }
}

impl Walk for BorrowedHeaders {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
        walk(self, visit);
    }
}

impl Walk for OwnedHeaders {
    fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) {
        walk(self, visit);
    }
}

/// How many headers with names that are not UTF-8 are passed over before of the rest only the end is looked at: each costs a panic.
const MOST_UNREADABLE: usize = 8;

/// After so many in this process the first one of a message is enough: panic hooks write each of them down.
const PATIENCE: u64 = 256;

/// How many there were so far.
static UNREADABLE: AtomicU64 = AtomicU64::new(0);

/// What was seen of headers.
#[derive(PartialEq, Eq)]
enum Seen {
    All,
    /// All but those that cannot be read.
    Readable,
    /// Those before too many that cannot be read, and behind the last of these.
    Ends,
}

fn walk<'a, H: Headers>(headers: &'a H, visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>)) -> Seen {
    walk_counting(headers, &UNREADABLE, visit)
}

/// Shows every header that can be read: rdkafka panics over a name that is not UTF-8.
fn walk_counting<'a, H: Headers>(
    headers: &'a H,
    unreadable: &AtomicU64,
    visit: &mut dyn FnMut(&'a str, Option<&'a [u8]>),
) -> Seen {
    let count = headers.count();
    let mut index = 0;
    let mut panics = 0;
    loop {
        let rest = catch_unwind(AssertUnwindSafe(|| {
            while index < count {
                if let Some(header) = headers.try_get(index) {
                    visit(header.key, header.value);
                }
                index += 1;
            }
        }));
        if rest.is_ok() {
            return match panics {
                0 => Seen::All,
                _ => Seen::Readable,
            };
        }
        index += 1;
        panics += 1;
        diagnostics::report_once(
            "queue-trace.kafka.header",
            Level::Warn,
            format_args!("a message has a header whose name is not UTF-8: it is passed over"),
        );
        let is_too_many = unreadable.fetch_add(1, Ordering::Relaxed) >= PATIENCE;
        if index < count && (is_too_many || panics >= MOST_UNREADABLE) {
            // Whoever appends a context writes it behind all others.
            let end = readable_from(headers, index, unreadable);
            for header in (end..count).filter_map(|index| headers.try_get(index)) {
                visit(header.key, header.value);
            }
            return match end == index {
                true => Seen::Readable,
                false => Seen::Ends,
            };
        }
    }
}

/// From where on all headers can be read, looked at from behind down to `first`: that costs one panic at most.
fn readable_from<H: Headers>(headers: &H, first: usize, unreadable: &AtomicU64) -> usize {
    let mut from = headers.count();
    let looked = catch_unwind(AssertUnwindSafe(|| {
        while from > first {
            let _can_be_read = headers.try_get(from - 1).is_some();
            from -= 1;
        }
    }));
    if looked.is_err() {
        unreadable.fetch_add(1, Ordering::Relaxed);
    }
    from
}

impl Extract for KafkaHeaders {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        carrier::last(self, name).into_iter().for_each(visit);
    }

    fn get_w3c(&self) -> W3cHeaders<'_> {
        carrier::w3c(self)
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        carrier::names(self, prefix, visit);
    }
}

impl Inject for KafkaHeaders {
    fn set(&mut self, name: &str, value: &str) {
        if !matches!(self.take_away(&[name]), Away::Stays) {
            self.push(name, value.as_bytes());
        }
    }

    fn remove(&mut self, name: &str) {
        self.take_away(&[name]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(headers: &KafkaHeaders) -> Vec<(String, Option<Vec<u8>>)> {
        let mut list = Vec::new();
        headers.walk(&mut |name, value| list.push((name.to_owned(), value.map(<[u8]>::to_vec))));
        list
    }

    fn with(headers: &[(&str, Option<&[u8]>)]) -> KafkaHeaders {
        let mut all = OwnedHeaders::new();
        for (key, value) in headers {
            all = all.insert(Header { key, value: *value });
        }
        KafkaHeaders::of(Some(all))
    }

    #[test]
    fn a_context_replaces_all_that_stood_there_and_others_keep_their_order() {
        let mut headers = with(&[
            ("traceparent", Some(b"stale")),
            ("tenant", Some(b"7")),
            ("TraceParent", Some(b"staler")),
            ("null", None),
            ("empty", Some(b"")),
            ("tenant", Some(&[0xff])),
        ]);
        headers.set("traceparent", "fresh");
        headers.set("traceparent", "fresh");
        let expected: [(&str, Option<&[u8]>); 5] = [
            ("tenant", Some(b"7")),
            ("null", None),
            ("empty", Some(b"")),
            ("tenant", Some(&[0xff])),
            ("traceparent", Some(b"fresh")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)));
        assert_eq!(list(&headers), expected);
    }

    #[test]
    fn of_none_there_stay_none_unless_something_is_written() {
        let mut headers = KafkaHeaders::default();
        headers.remove("traceparent");
        assert!(headers.headers.is_none());
        headers.set("traceparent", "fresh");
        assert_eq!(list(&headers).len(), 1);
    }

    /// Headers as a foreign producer may write them: the second name is not UTF-8, which panics.
    struct Foreign;

    impl Headers for Foreign {
        fn count(&self) -> usize {
            3
        }

        fn try_get(&self, index: usize) -> Option<Header<'_, &[u8]>> {
            let key = ["first", "", "last"][index];
            assert!(!key.is_empty(), "not UTF-8");
            Some(Header {
                key,
                value: Some(b"value"),
            })
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_passed_over() {
        let mut names = Vec::new();
        assert!(walk(&Foreign, &mut |name, _| names.push(name)) == Seen::Readable);
        assert_eq!(names, ["first", "last"]);
    }

    /// As one would write them who wants to keep a consumer busy with panics.
    struct Hostile(std::cell::Cell<usize>);

    impl Headers for Hostile {
        fn count(&self) -> usize {
            100_000
        }

        fn try_get(&self, _: usize) -> Option<Header<'_, &[u8]>> {
            self.0.set(self.0.get() + 1);
            panic!("not UTF-8");
        }
    }

    #[test]
    fn names_that_are_not_utf8_cost_a_few_panics_and_not_one_each() {
        let headers = Hostile(std::cell::Cell::new(0));
        let unreadable = AtomicU64::new(0);
        assert!(walk_counting(&headers, &unreadable, &mut |_, _| {}) == Seen::Ends);
        assert_eq!(headers.0.get(), MOST_UNREADABLE + 1);
        assert_eq!(unreadable.into_inner(), MOST_UNREADABLE as u64 + 1);
    }

    #[test]
    fn after_many_names_that_are_not_utf8_a_message_costs_two_panics() {
        let unreadable = AtomicU64::new(PATIENCE);
        for seen in 1..10 {
            let headers = Hostile(std::cell::Cell::new(0));
            walk_counting(&headers, &unreadable, &mut |_, _| {});
            assert_eq!(headers.0.get(), 2);
            assert_eq!(unreadable.load(Ordering::Relaxed), PATIENCE + 2 * seen);
        }
    }

    /// Names, of which the empty ones are not UTF-8.
    struct Named(&'static [&'static str]);

    impl Headers for Named {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn try_get(&self, index: usize) -> Option<Header<'_, &[u8]>> {
            let key = self.0[index];
            assert!(!key.is_empty(), "not UTF-8");
            Some(Header { key, value: None })
        }
    }

    #[test]
    fn what_stands_at_the_ends_is_read_in_its_order_also_after_many_names_that_are_not_utf8() {
        for (names, expected) in [
            (&["", "traceparent"][..], &["traceparent"][..]),
            (&["traceparent", ""], &["traceparent"]),
            (&["a", "", "b", "c"], &["a", "b", "c"]),
            (&["a", "", "lost", "", "b", "c"], &["a", "b", "c"]),
            (&["a", "", ""], &["a"]),
        ] {
            let unreadable = AtomicU64::new(PATIENCE);
            let headers = Named(names);
            let mut seen = Vec::new();
            let walked = walk_counting(&headers, &unreadable, &mut |name, _| seen.push(name));
            assert_eq!(seen, expected, "{names:?}");
            let lost = names.contains(&"lost") || names.ends_with(&["", ""]);
            assert_eq!(walked == Seen::Ends, lost, "{names:?}");
        }
    }
}
