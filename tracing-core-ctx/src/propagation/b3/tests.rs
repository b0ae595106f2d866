use proptest::prelude::*;

use super::*;
use crate::propagation::tests::{Headers, caller, extract, inject, with_span};

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

/// The caller's span, the hint, and how many values could not be read.
fn read(headers: &[(&str, &str)]) -> (Option<String>, Option<SamplingHint>, u32) {
    let (cx, malformed) = extract(&B3::default(), headers);
    (caller(&cx), cx.sampling_hint(), malformed)
}

fn single(value: &str) -> (Option<String>, Option<SamplingHint>, u32) {
    read(&[("b3", value)])
}

/// What the single header is when it is read and at once written.
fn passed_on(headers: &[(&str, &str)]) -> Option<String> {
    let (cx, _) = extract(&B3::default(), headers);
    let headers = inject(&B3::single(), &cx);
    headers.all("b3").first().map(|value| (*value).to_owned())
}

fn ours(flags: TraceFlags) -> Context {
    with_span(TRACE, SPAN, flags)
}

#[test]
fn the_four_states_with_ids() {
    for (state, flags, hint) in [
        ("-0", "00", None),
        ("-1", "01", None),
        ("-d", "01", Some(SamplingHint::Debug)),
        ("", "00", Some(SamplingHint::Defer)),
    ] {
        let value = format!("{TRACE}-{SPAN}{state}");
        assert_eq!(
            single(&value),
            (Some(format!("{TRACE}-{SPAN}-{flags}")), hint, 0),
            "{value}"
        );
        assert_eq!(passed_on(&[("b3", &value)]), Some(value));
    }
}

#[test]
fn a_parent_is_read_over_and_never_sent() {
    let value = format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90");
    assert_eq!(single(&value).0, Some(format!("{TRACE}-{SPAN}-01")));
    assert_eq!(
        passed_on(&[("b3", &value)]),
        Some(format!("{TRACE}-{SPAN}-1"))
    );
    assert_eq!(
        single(&format!("{TRACE}-{SPAN}-d-05e3ac9a4f6e3b90")).1,
        Some(SamplingHint::Debug)
    );
}

#[test]
fn a_trace_id_of_64_bits_is_padded() {
    let found = single("64fe8b2a57d3eff7-e457b5a2e4d86bd1");
    let padded = "000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1";
    assert_eq!(
        found,
        (Some(format!("{padded}-00")), Some(SamplingHint::Defer), 0)
    );
    assert_eq!(
        passed_on(&[("b3", "64fe8b2a57d3eff7-e457b5a2e4d86bd1")]).unwrap(),
        padded
    );
}

#[test]
fn a_state_alone_is_a_wish_without_a_span() {
    for (value, hint) in [
        ("0", SamplingHint::Deny),
        ("1", SamplingHint::Accept),
        ("d", SamplingHint::Debug),
    ] {
        assert_eq!(single(value), (None, Some(hint), 0), "{value}");
        assert_eq!(passed_on(&[("b3", value)]).as_deref(), Some(value));
    }
}

#[test]
fn upper_case_is_read_and_lower_case_written() {
    let value = format!("{TRACE}-{SPAN}-1");
    assert_eq!(
        passed_on(&[("B3", &value.to_ascii_uppercase())]),
        Some(value)
    );
}

#[test]
fn what_is_malformed_is_counted_and_ignored() {
    for bad in [
        "",
        "-",
        "2",
        "D",
        "true",
        "1-",
        TRACE,
        &format!("{TRACE}-"),
        &format!("{}-{SPAN}-1", &TRACE[1..]),
        &format!("{TRACE}0-{SPAN}-1"),
        &format!("{TRACE}-{}-1", &SPAN[1..]),
        &format!("{TRACE}-{SPAN}0-1"),
        &format!("{}-{SPAN}-1", "0".repeat(32)),
        &format!("{}-{SPAN}-1", "0".repeat(16)),
        &format!("{TRACE}-{}-1", "0".repeat(16)),
        &format!("{TRACE}-{SPAN}-"),
        &format!("{TRACE}-{SPAN}-x"),
        &format!("{TRACE}-{SPAN}-11"),
        &format!("{TRACE}-{SPAN}-1-"),
        &format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b9"),
        &format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b9g"),
        &format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90-"),
        &format!("{TRACE}-{SPAN}-05e3ac9a4f6e3b90"),
        &format!("{TRACE}_{SPAN}_1"),
        &format!("+{}-{SPAN}-1", &TRACE[1..]),
    ] {
        assert_eq!(single(bad), (None, None, 1), "{bad:?}");
    }
}

#[test]
fn white_space_around_the_value_is_not_part_of_it() {
    assert_eq!(
        single(&format!(" \t{TRACE}-{SPAN}-1 ")).0,
        Some(format!("{TRACE}-{SPAN}-01"))
    );
}

#[test]
fn the_first_value_counts() {
    let [first, second] = ["0", "1"].map(|state| format!("{TRACE}-{SPAN}-{state}"));
    assert_eq!(
        read(&[("b3", &first), ("b3", &second)]).0,
        Some(format!("{TRACE}-{SPAN}-00"))
    );
    let headers = [
        ("X-B3-TraceId", TRACE),
        ("X-B3-SpanId", SPAN),
        ("X-B3-Sampled", "1"),
        ("X-B3-Sampled", "0"),
    ];
    assert_eq!(read(&headers).0, Some(format!("{TRACE}-{SPAN}-01")));
}

#[test]
fn the_four_states_in_many_headers() {
    let ids = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)];
    for (more, flags, hint) in [
        (&[("X-B3-Sampled", "0")][..], "00", None),
        (&[("X-B3-Sampled", "false")], "00", None),
        (&[("X-B3-Sampled", "1")], "01", None),
        (&[("X-B3-Sampled", "True")], "01", None),
        (&[("X-B3-Flags", "1")], "01", Some(SamplingHint::Debug)),
        (
            &[("X-B3-Flags", "1"), ("X-B3-Sampled", "0")],
            "01",
            Some(SamplingHint::Debug),
        ),
        (&[("X-B3-Flags", "0")], "00", Some(SamplingHint::Defer)),
        (
            &[("X-B3-ParentSpanId", "anything")],
            "00",
            Some(SamplingHint::Defer),
        ),
        (&[], "00", Some(SamplingHint::Defer)),
    ] {
        let headers = [&ids, more].concat();
        assert_eq!(
            read(&headers),
            (Some(format!("{TRACE}-{SPAN}-{flags}")), hint, 0),
            "{more:?}"
        );
    }
}

#[test]
fn a_state_alone_in_many_headers_is_a_wish_without_a_span() {
    for (header, value, hint) in [
        ("X-B3-Sampled", "0", SamplingHint::Deny),
        ("X-B3-Sampled", "1", SamplingHint::Accept),
        ("X-B3-Flags", "1", SamplingHint::Debug),
    ] {
        assert_eq!(read(&[(header, value)]), (None, Some(hint), 0), "{header}");
    }
    assert_eq!(read(&[("X-B3-Flags", "0")]), (None, None, 0));
    assert_eq!(read(&[]), (None, None, 0));
}

#[test]
fn many_headers_of_which_one_is_malformed_are_ignored_together() {
    for headers in [
        &[("X-B3-TraceId", TRACE)][..],
        &[("X-B3-SpanId", SPAN)],
        &[("X-B3-TraceId", TRACE), ("X-B3-SpanId", "0000000000000000")],
        &[("X-B3-TraceId", &TRACE[1..]), ("X-B3-SpanId", SPAN)],
        &[
            ("X-B3-TraceId", TRACE),
            ("X-B3-SpanId", SPAN),
            ("X-B3-Sampled", ""),
        ],
        &[
            ("X-B3-TraceId", TRACE),
            ("X-B3-SpanId", SPAN),
            ("X-B3-Sampled", "d"),
        ],
        &[("X-B3-Sampled", "2")],
    ] {
        assert_eq!(read(headers), (None, None, 1), "{headers:?}");
    }
}

#[test]
fn the_single_header_goes_before_the_others() {
    let headers = [
        ("X-B3-TraceId", "64fe8b2a57d3eff7"),
        ("X-B3-SpanId", "64fe8b2a57d3eff7"),
        ("b3", &*format!("{TRACE}-{SPAN}-1")),
    ];
    assert_eq!(read(&headers).0, Some(format!("{TRACE}-{SPAN}-01")));
}

#[test]
fn behind_a_malformed_single_header_the_others_count() {
    let headers = [
        ("b3", "nonsense"),
        ("X-B3-TraceId", TRACE),
        ("X-B3-SpanId", SPAN),
        ("X-B3-Sampled", "1"),
    ];
    assert_eq!(
        read(&headers),
        (Some(format!("{TRACE}-{SPAN}-01")), None, 1)
    );
}

#[test]
fn a_span_that_was_found_before_is_left_alone_with_its_hint() {
    let mut extraction = Extraction::new(ours(TraceFlags::SAMPLED));
    B3::single().extract(&mut extraction, &Headers::new(&[("b3", "0")]));
    assert_eq!(extraction.context().sampling_hint(), None);
}

#[test]
fn our_own_spans_are_sent_with_a_decision() {
    let (yes, no) = (ours(TraceFlags::SAMPLED), ours(TraceFlags::NONE));
    assert_eq!(
        inject(&B3::single(), &yes).all("b3"),
        [format!("{TRACE}-{SPAN}-1")]
    );
    assert_eq!(
        inject(&B3::single(), &no).all("b3"),
        [format!("{TRACE}-{SPAN}-0")]
    );
    let deferred = no.with_sampling_hint(SamplingHint::Defer);
    assert_eq!(
        inject(&B3::single(), &deferred).all("b3"),
        [format!("{TRACE}-{SPAN}-0")],
        "it was decided here"
    );
}

#[test]
fn the_wish_to_debug_travels_on_below_our_own_span() {
    let (caller, _) = extract(&B3::default(), &[("b3", format!("{TRACE}-{SPAN}-d"))]);
    let below = |flags| caller.clone().with_span(&ours(flags).span());
    assert_eq!(
        inject(&B3::single(), &below(TraceFlags::SAMPLED)).all("b3"),
        [format!("{TRACE}-{SPAN}-d")]
    );
    assert_eq!(
        inject(&B3::single(), &below(TraceFlags::NONE)).all("b3"),
        [format!("{TRACE}-{SPAN}-0")],
        "unless a sampler of ours turned it down"
    );
}

#[test]
fn a_debug_wish_without_ids_is_sent_with_those_of_our_span() {
    let (caller, _) = extract(&B3::default(), &[("x-b3-flags", "1")]);
    let below = caller.with_span(&ours(TraceFlags::SAMPLED).span());
    assert_eq!(
        inject(&B3::single(), &below).all("b3"),
        [format!("{TRACE}-{SPAN}-d")]
    );
}

#[test]
fn telemetry_of_our_own_is_not_to_be_traced() {
    for cx in [
        Context::new(),
        ours(TraceFlags::SAMPLED),
        Context::new().with_sampling_hint(SamplingHint::Debug),
    ] {
        let cx = cx.suppressed();
        assert_eq!(inject(&B3::single(), &cx).all("b3"), ["0"]);
        let many = inject(&B3::multi(), &cx);
        assert_eq!((many.len(), many.all("x-b3-sampled")), (1, vec!["0"]));
    }
}

#[test]
fn a_suppressed_context_passes_the_callers_trace_on_as_it_came() {
    for text in [
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0",
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d",
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1",
    ] {
        let (cx, _) = extract(&B3::default(), &[("b3", text)]);
        let passed_on = inject(&B3::single(), &cx.suppressed());
        assert_eq!(passed_on.all("b3"), [text]);
    }
}

#[test]
fn a_context_with_nothing_to_say_writes_nothing() {
    for cx in [
        Context::new(),
        Context::new().with_sampling_hint(SamplingHint::Defer),
    ] {
        for b3 in [B3::single(), B3::multi()] {
            assert_eq!(inject(&b3, &cx).len(), 0);
        }
    }
}

#[test]
fn many_headers_are_written_without_parent_and_without_contradiction() {
    let written = |cx: &Context| {
        let stale = [
            "X-B3-TraceId",
            "X-B3-SpanId",
            "X-B3-ParentSpanId",
            "X-B3-Sampled",
            "X-B3-Flags",
        ];
        let mut headers = Headers::new(&stale.map(|name| (name, "stale")));
        B3::multi().inject(cx, &mut headers);
        ["traceid", "spanid", "parentspanid", "sampled", "flags"]
            .map(|name| headers.all(&format!("x-b3-{name}")).join("!"))
    };
    let sampled = ours(TraceFlags::SAMPLED);
    assert_eq!(written(&sampled), [TRACE, SPAN, "", "1", ""]);
    assert_eq!(written(&ours(TraceFlags::NONE)), [TRACE, SPAN, "", "0", ""]);
    assert_eq!(
        written(&sampled.with_sampling_hint(SamplingHint::Debug)),
        [TRACE, SPAN, "", "", "1"]
    );
    let (deferred, _) = extract(&B3::default(), &[("b3", format!("{TRACE}-{SPAN}"))]);
    assert_eq!(written(&deferred), [TRACE, SPAN, "", "", ""]);
    assert_eq!(
        written(&Context::new().with_sampling_hint(SamplingHint::Accept)),
        ["", "", "", "1", ""]
    );
    assert_eq!(
        written(&Context::new().with_sampling_hint(SamplingHint::Debug)),
        ["", "", "", "", "1"]
    );
}

#[test]
fn single_is_the_default_and_fields_are_what_is_written() {
    assert_eq!(B3::default().fields(), ["b3"]);
    assert_eq!(
        B3::multi().fields(),
        ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"]
    );
}

proptest! {
    #[test]
    fn both_ways_of_writing_are_read_back(trace_id in 1u128.., span_id in 1u64.., state in "(-[01d])?") {
        let (cx, malformed) = extract(&B3::default(), &[("b3", format!("{trace_id:032x}-{span_id:016x}{state}"))]);
        prop_assert_eq!(malformed, 0);
        for b3 in [B3::single(), B3::multi()] {
            let mut extraction = Extraction::new(Context::new());
            b3.extract(&mut extraction, &inject(&b3, &cx));
            prop_assert_eq!(extraction.malformed(), 0);
            prop_assert_eq!(extraction.span_context(), cx.span_context());
            prop_assert_eq!(extraction.context().sampling_hint(), cx.sampling_hint());
        }
    }

    #[test]
    fn reading_never_panics(single in ".{0,90}|[0-9a-fA-F]{15,33}-[0-9a-f]{15,17}(-[01dx-]{0,2}(-[0-9a-f]{15,17})?)?", many in "[0-9a-g]{0,33}") {
        let headers = [("b3", single.as_str()), ("x-b3-traceid", &many), ("x-b3-spanid", &many), ("x-b3-sampled", &many)];
        let (found, hint, malformed) = read(&headers);
        prop_assert!(found.is_some() || hint.is_some() || malformed > 0);
    }
}
