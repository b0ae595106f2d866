use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::Baggage;
use crate::propagation::tests::{Headers, caller, extract, inject, with_span};
use crate::propagation::{BaggagePropagator, Composite};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID: &str = "00f067aa0ba902b7";

/// The caller's span, the hint, and how many values could not be read.
fn read(value: &str) -> (Option<String>, Option<SamplingHint>, u32) {
    let (cx, malformed) = extract(&Jaeger, &[("uber-trace-id", value)]);
    (caller(&cx), cx.sampling_hint(), malformed)
}

fn baggage(headers: &[(&str, &str)]) -> (Baggage, u32) {
    let (cx, malformed) = extract(&Jaeger, headers);
    (cx.baggage().clone(), malformed)
}

#[test]
fn the_plain_value() {
    let found = read("4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1");
    assert_eq!(found, (Some(format!("{TRACE_ID}-{SPAN_ID}-01")), None, 0));
}

#[test]
fn the_whole_value_may_be_percent_encoded() {
    for colon in ["%3A", "%3a"] {
        let value = format!("{TRACE_ID}:{SPAN_ID}:0:1").replace(':', colon);
        assert_eq!(
            read(&value),
            (Some(format!("{TRACE_ID}-{SPAN_ID}-01")), None, 0)
        );
    }
}

#[test]
fn ids_may_lack_leading_zeros_and_be_upper_case() {
    assert_eq!(
        read("A3CE929D0E0E4736:f067AA0ba902b7:0:1").0.unwrap(),
        format!("0000000000000000a3ce929d0e0e4736-{SPAN_ID}-01")
    );
    assert!(
        read("1:1:0:0")
            .0
            .unwrap()
            .ends_with("1-0000000000000001-00")
    );
}

#[test]
fn flags_are_hexadecimal() {
    for (text, flags, hint) in [
        ("0", "00", None),
        ("1", "01", None),
        ("01", "01", None),
        ("3", "01", Some(SamplingHint::Debug)),
        ("b", "01", Some(SamplingHint::Debug)),
        ("0B", "01", Some(SamplingHint::Debug)),
        ("9", "01", None),
        ("10", "00", None),
        ("11", "01", None),
        ("2", "00", None),
    ] {
        let found = read(&format!("{TRACE_ID}:{SPAN_ID}:0:{text}"));
        assert_eq!(
            found,
            (Some(format!("{TRACE_ID}-{SPAN_ID}-{flags}")), hint, 0),
            "{text}"
        );
    }
}

#[test]
fn the_parent_is_read_over() {
    for parent in ["0", "", "1234567890abcdef"] {
        assert!(
            read(&format!("{TRACE_ID}:{SPAN_ID}:{parent}:1"))
                .0
                .is_some(),
            "{parent:?}"
        );
    }
}

#[test]
fn what_is_malformed_is_counted_and_ignored() {
    for bad in [
        "",
        ":::",
        &format!("{TRACE_ID}:{SPAN_ID}:0"),
        &format!("{TRACE_ID}:{SPAN_ID}:0:"),
        &format!("{TRACE_ID}:{SPAN_ID}:0:001"),
        &format!("{TRACE_ID}:{SPAN_ID}:0:g"),
        &format!("{TRACE_ID}:{SPAN_ID}:0:1:"),
        &format!("{TRACE_ID}:{SPAN_ID}:g:1"),
        &format!("{TRACE_ID}:{SPAN_ID}:1234567890abcdef0:1"),
        &format!("0:{SPAN_ID}:0:1"),
        &format!("{TRACE_ID}:0:0:1"),
        &format!("{TRACE_ID}0:{SPAN_ID}:0:1"),
        &format!("{TRACE_ID}:{SPAN_ID}0:0:1"),
        &format!("{TRACE_ID}:{SPAN_ID}:0:+1"),
        &format!("{TRACE_ID}%3{SPAN_ID}%3A0%3A1"),
        &"%3A".repeat(1000),
        &"0".repeat(1000),
    ] {
        assert_eq!(read(bad), (None, None, 1), "{bad:?}");
    }
}

#[test]
fn a_debug_id_alone_forces_a_trace() {
    let (cx, malformed) = extract(
        &Jaeger,
        &[("jaeger-debug-id", "ticket 4711"), ("jaeger-debug-id", "x")],
    );
    assert_eq!(
        (cx.sampling_hint(), malformed),
        (None, 1),
        "blanks are not visible"
    );

    let (cx, malformed) = extract(&Jaeger, &[("jaeger-debug-id", "ticket-4711")]);
    assert_eq!(
        (caller(&cx), cx.sampling_hint(), malformed),
        (None, Some(SamplingHint::Debug), 0)
    );
    assert_eq!(cx.value().map(JaegerDebugId::as_str), Some("ticket-4711"));
}

#[test]
fn a_debug_id_beside_ids_means_nothing() {
    let ids = format!("{TRACE_ID}:{SPAN_ID}:0:0");
    for ids in [ids.as_str(), "nonsense"] {
        let (cx, _) = extract(&Jaeger, &[("uber-trace-id", ids), ("jaeger-debug-id", "x")]);
        assert_eq!(cx.sampling_hint(), None, "{ids}");
        assert!(cx.value::<JaegerDebugId>().is_none());
    }
}

#[test]
fn the_first_value_counts() {
    let [first, second] = ["1", "0"].map(|flags| format!("{TRACE_ID}:{SPAN_ID}:0:{flags}"));
    let (cx, malformed) = extract(
        &Jaeger,
        &[("uber-trace-id", first), ("Uber-Trace-Id", second)],
    );
    assert_eq!(
        (caller(&cx).unwrap(), malformed),
        (format!("{TRACE_ID}-{SPAN_ID}-01"), 0)
    );
}

#[test]
fn each_baggage_header_is_an_entry() {
    let (baggage, malformed) = baggage(&[
        ("uberctx-user", "Am%C3%A9lie"),
        ("Uberctx-node", "DF+28%2B1"),
        ("uberctx-node", "only the first value counts"),
        ("uberctx-", "no name"),
        ("uberctx-no token", "1"),
        ("other", "1"),
    ]);
    assert_eq!(
        (baggage.get("user"), baggage.get("node")),
        (Some("Amélie"), Some("DF 28+1"))
    );
    assert_eq!((baggage.len(), malformed), (2, 2));
}

#[test]
fn baggage_is_read_whether_or_not_there_is_a_span() {
    for ids in ["nonsense", &format!("{TRACE_ID}:{SPAN_ID}:0:1")] {
        assert_eq!(
            baggage(&[("uber-trace-id", ids), ("uberctx-a", "1")])
                .0
                .get("a"),
            Some("1")
        );
    }
    let mut extraction = Extraction::new(with_span(TRACE_ID, SPAN_ID, TraceFlags::NONE));
    Jaeger.extract(&mut extraction, &Headers::new(&[("uberctx-a", "1")]));
    assert_eq!(extraction.context().baggage().get("a"), Some("1"));
}

#[test]
fn baggage_of_a_format_before_it_is_left_alone() {
    let both = Composite::default().and(BaggagePropagator).and(Jaeger);
    let (cx, _) = extract(
        &both,
        &[
            ("uberctx-a", "jaeger"),
            ("uberctx-b", "jaeger"),
            ("baggage", "a=w3c"),
        ],
    );
    assert_eq!(
        (cx.baggage().get("a"), cx.baggage().get("b")),
        (Some("w3c"), Some("jaeger"))
    );
}

#[test]
fn a_bomb_of_baggage_headers_is_cut_to_the_limits() {
    let names: Vec<_> = (0..10_000).map(|n| format!("uberctx-k{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let (found, malformed) = baggage(&many);
    assert_eq!((found.len(), malformed), (64, 10_000 - 64));

    let long = "x".repeat(1000);
    let long: Vec<_> = names[..20]
        .iter()
        .map(|name| (name.as_str(), long.as_str()))
        .collect();
    let (found, malformed) = baggage(&long);
    assert_eq!((found.len(), malformed), (8, 12));
}

#[test]
fn beyond_the_limits_no_value_is_looked_up() {
    /// Ten thousand names with one long value, and how often a value was asked for.
    struct Bomb(Cell<usize>, String);

    impl Extract for Bomb {
        fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
            if name.starts_with(BAGGAGE_PREFIX) {
                self.0.set(self.0.get() + 1);
                visit(self.1.as_bytes());
            }
        }

        fn names<'a>(&'a self, _prefix: &str, visit: &mut dyn FnMut(&'a str)) {
            for _ in 0..10_000 {
                visit("uberctx-a");
            }
        }
    }

    for (length, lookups) in [(1, 64), (1000, 9), (10_000, 1)] {
        let bomb = Bomb(Cell::default(), "x".repeat(length));
        Jaeger.extract(&mut Extraction::new(Context::new()), &bomb);
        assert_eq!(bomb.0.get(), lookups, "{length}");
    }
}

#[test]
fn a_span_is_written_in_full_length_with_parent_zero() {
    for (flags, hint, text) in [
        (TraceFlags::NONE, None, "0"),
        (TraceFlags::SAMPLED, None, "1"),
        (TraceFlags::SAMPLED.with_random(true), None, "1"),
        (TraceFlags::SAMPLED, Some(SamplingHint::Debug), "3"),
        (TraceFlags::NONE, Some(SamplingHint::Debug), "0"),
    ] {
        let mut cx = with_span(
            "00000000000000000000000000000001",
            "0000000000000002",
            flags,
        );
        if let Some(hint) = hint {
            cx = cx.with_sampling_hint(hint);
        }
        assert_eq!(
            inject(&Jaeger, &cx).all("uber-trace-id"),
            [format!(
                "00000000000000000000000000000001:0000000000000002:0:{text}"
            )]
        );
    }
}

#[test]
fn a_context_without_span_and_baggage_writes_nothing() {
    assert_eq!(inject(&Jaeger, &Context::new()).len(), 0);
}

#[test]
fn baggage_is_written_within_the_limits() {
    let cx = Context::new().with_baggage(
        Baggage::new()
            .with("User", "a b+é")
            .with("no token", "1")
            .with("long", "x".repeat(8192))
            .with("longer-when-encoded", " ".repeat(4000)),
    );
    let headers = inject(&Jaeger, &cx);
    assert_eq!(
        (headers.len(), headers.all("uberctx-user")),
        (1, vec!["a%20b%2B%C3%A9"])
    );

    let many: Baggage = (0..100)
        .map(|n| Entry::new(format!("k{n}"), "1", ""))
        .collect();
    assert_eq!(
        inject(&Jaeger, &Context::new().with_baggage(many)).len(),
        64
    );
}

#[test]
fn stale_headers_are_replaced() {
    let mut headers = Headers::new(&[("Uber-Trace-Id", "stale"), ("Uberctx-A", "stale")]);
    let cx =
        with_span(TRACE_ID, SPAN_ID, TraceFlags::NONE).with_baggage(Baggage::new().with("a", "1"));
    Jaeger.inject(&cx, &mut headers);
    assert_eq!((headers.len(), headers.all("uberctx-a")), (2, vec!["1"]));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        trace_id in 1u128.., span_id in 1u64.., flags in 0u8..2, debug: bool,
        entries in proptest::collection::btree_map("[a-z0-9!#$%&'*+.^_`|~-]{1,20}", ".{0,40}", 0..9),
    ) {
        let mut cx = with_span(&format!("{trace_id:032x}"), &format!("{span_id:016x}"), TraceFlags::from_bits(flags));
        if debug && flags == 1 {
            cx = cx.with_sampling_hint(SamplingHint::Debug);
        }
        // Blanks around a header are not part of it, and are encoded.
        cx = cx.with_baggage(entries.iter().map(|(name, value)| Entry::new(name, value, "")).collect());
        let mut extraction = Extraction::new(Context::new());
        Jaeger.extract(&mut extraction, &inject(&Jaeger, &cx));
        prop_assert_eq!(extraction.malformed(), 0);
        let read = extraction.into_context();
        prop_assert_eq!(caller(&read), Some(format!("{trace_id:032x}-{span_id:016x}-{flags:02x}")));
        prop_assert_eq!(read.sampling_hint(), cx.sampling_hint());
        prop_assert_eq!(read.baggage(), cx.baggage());
    }

    #[test]
    fn reading_never_panics(value in ".{0,90}|[0-9a-fA-F]{0,33}(:|%3A)[0-9a-f]{0,17}(:|%3A)[0-9a-f]{0,17}(:|%3A)[0-9a-f]{0,3}") {
        let (found, _, malformed) = read(&value);
        prop_assert_eq!(found.is_some(), malformed == 0);
    }
}
