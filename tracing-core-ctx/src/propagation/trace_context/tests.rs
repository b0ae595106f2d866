//! The rules of W3C Trace Context Level 2, and every case of the working group's own test suite.

use proptest::prelude::*;

use super::*;
use crate::propagation::TraceContextAndBaggage;
use crate::propagation::tests::{Headers, caller, extract, inject, with_span};
use crate::{SpanRecord, SpanSink, Tracer};

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "1234567890123456";

#[derive(Debug)]
struct Nowhere;

impl SpanSink for Nowhere {
    fn submit(&self, _span: SpanRecord) {}
}

/// A service that is called with some headers and calls others.
struct Service {
    tracer: Tracer,
    context: Context,
}

impl Service {
    fn called_with<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> Self {
        let tracer = Tracer::builder()
            .sink(Nowhere)
            .propagator(TraceContextAndBaggage)
            .build();
        let caller = tracer.extract(&Headers::new(headers));
        let span = tracer.span("server").parent(&caller).start();
        Self {
            context: caller.with_span(&span),
            tracer,
        }
    }

    fn call(&self) -> Sent {
        let span = self.tracer.span("client").parent(&self.context).start();
        let mut headers = Headers::default();
        self.tracer
            .inject(&self.context.clone().with_span(&span), &mut headers);
        Sent::new(&headers)
    }
}

/// What leaves a service.
#[derive(Debug)]
struct Sent {
    trace_id: String,
    parent_id: String,
    flags: u8,
    state: Option<String>,
}

impl Sent {
    fn new(headers: &Headers) -> Self {
        let traceparent = headers.all("traceparent");
        assert_eq!(traceparent.len(), 1);
        let [version, trace_id, parent_id, flags] =
            traceparent[0].split('-').collect::<Vec<_>>()[..]
        else {
            panic!("{traceparent:?}");
        };
        assert_eq!(
            (version, trace_id.len(), parent_id.len(), flags.len()),
            ("00", 32, 16, 2)
        );
        assert_ne!((trace_id, parent_id), (&*"0".repeat(32), &*"0".repeat(16)));
        let tracestate = headers.all("tracestate");
        assert!(tracestate.len() <= 1 && !tracestate.contains(&""));
        Self {
            trace_id: trace_id.to_owned(),
            parent_id: parent_id.to_owned(),
            flags: u8::from_str_radix(flags, 16).unwrap(),
            state: tracestate.first().map(|state| (*state).to_owned()),
        }
    }

    fn value(&self, key: &str) -> Option<&str> {
        let members = self.state.as_deref()?.split(',');
        members
            .filter_map(|member| member.split_once('='))
            .find(|member| member.0 == key)
            .map(|member| member.1)
    }
}

fn call<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> Sent {
    Service::called_with(headers).call()
}

/// Whether the trace goes on with this `traceparent`. If so, the parent is another one.
fn continues(traceparent: &str) -> bool {
    let sent = call(&[("traceparent", traceparent)]);
    let same = sent.trace_id == TRACE;
    assert!(!same || sent.parent_id != PARENT);
    same
}

/// What becomes of these `tracestate` headers. The trace goes on whatever they are.
fn with_states<V: AsRef<[u8]>>(states: &[V]) -> Sent {
    let traceparent = format!("00-{TRACE}-{PARENT}-00").into_bytes();
    let mut headers = vec![("traceparent", traceparent)];
    headers.extend(
        states
            .iter()
            .map(|state| ("tracestate", state.as_ref().to_vec())),
    );
    let sent = call(&headers);
    assert_eq!(sent.trace_id, TRACE);
    sent
}

mod test_suite {
    use super::*;

    #[test]
    fn both_traceparent_and_tracestate_missing() {
        let none: [(&str, &str); 0] = [];
        assert_eq!(call(&none).state, None);
    }

    #[test]
    fn traceparent_included_tracestate_missing() {
        assert!(continues(&format!("00-{TRACE}-{PARENT}-01")));
    }

    #[test]
    fn traceparent_duplicated() {
        let [first, second] = [
            "12345678901234567890123456789011",
            "12345678901234567890123456789012",
        ];
        let headers = [
            ("traceparent", format!("00-{first}-{PARENT}-01")),
            ("traceparent", format!("00-{second}-{PARENT}-01")),
        ];
        let sent = call(&headers);
        assert!(sent.trace_id != first && sent.trace_id != second);
        let twice_the_same = [&headers[0], &headers[0]].map(|(name, value)| (*name, value));
        assert_ne!(call(&twice_the_same).trace_id, first);
    }

    #[test]
    fn traceparent_header_name() {
        for name in ["trace-parent", "trace.parent"] {
            assert_ne!(
                call(&[(name, format!("00-{TRACE}-{PARENT}-01"))]).trace_id,
                TRACE,
                "{name}"
            );
        }
    }

    #[test]
    fn traceparent_header_name_valid_casing() {
        for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
            assert_eq!(
                call(&[(name, format!("00-{TRACE}-{PARENT}-01"))]).trace_id,
                TRACE,
                "{name}"
            );
        }
    }

    #[test]
    fn traceparent_version_0x00() {
        assert!(!continues(&format!("00-{TRACE}-{PARENT}-01.")));
        assert!(!continues(&format!(
            "00-{TRACE}-{PARENT}-01-what-the-future-will-be-like"
        )));
    }

    #[test]
    fn traceparent_version_0xcc() {
        assert!(continues(&format!("cc-{TRACE}-{PARENT}-01")));
        assert!(continues(&format!(
            "cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like"
        )));
        assert!(!continues(&format!(
            "cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like"
        )));
    }

    #[test]
    fn traceparent_version_0xff() {
        assert!(!continues(&format!("ff-{TRACE}-{PARENT}-01")));
    }

    #[test]
    fn traceparent_version_illegal_characters() {
        assert!(!continues(&format!(".0-{TRACE}-{PARENT}-01")));
        assert!(!continues(&format!("0.-{TRACE}-{PARENT}-01")));
    }

    #[test]
    fn traceparent_version_too_long() {
        assert!(!continues(&format!("000-{TRACE}-{PARENT}-01")));
        assert!(!continues(&format!("0000-{TRACE}-{PARENT}-01")));
    }

    #[test]
    fn traceparent_version_too_short() {
        assert!(!continues(&format!("0-{TRACE}-{PARENT}-01")));
    }

    #[test]
    fn traceparent_trace_id_all_zero() {
        let zeros = "0".repeat(32);
        assert_ne!(
            call(&[("traceparent", format!("00-{zeros}-{PARENT}-01"))]).trace_id,
            zeros
        );
    }

    #[test]
    fn traceparent_trace_id_illegal_characters() {
        for id in [
            ".2345678901234567890123456789012",
            "1234567890123456789012345678901.",
        ] {
            assert_ne!(
                call(&[("traceparent", format!("00-{id}-{PARENT}-01"))]).trace_id,
                id
            );
        }
    }

    #[test]
    fn traceparent_trace_id_too_long() {
        let id = format!("{TRACE}3");
        let sent = call(&[("traceparent", format!("00-{id}-{PARENT}-01"))]);
        assert!(sent.trace_id != id[..32] && sent.trace_id != id[1..]);
    }

    #[test]
    fn traceparent_trace_id_too_short() {
        let sent = call(&[("traceparent", format!("00-{}-{PARENT}-01", &TRACE[1..]))]);
        assert!(!sent.trace_id.ends_with(&TRACE[1..]) && !sent.trace_id.starts_with(&TRACE[1..]));
    }

    #[test]
    fn traceparent_parent_id_all_zero() {
        assert!(!continues(&format!("00-{TRACE}-0000000000000000-01")));
    }

    #[test]
    fn traceparent_parent_id_illegal_characters() {
        assert!(!continues(&format!("00-{TRACE}-.234567890123456-01")));
        assert!(!continues(&format!("00-{TRACE}-123456789012345.-01")));
    }

    #[test]
    fn traceparent_parent_id_too_long() {
        assert!(!continues(&format!("00-{TRACE}-12345678901234567-01")));
    }

    #[test]
    fn traceparent_parent_id_too_short() {
        assert!(!continues(&format!("00-{TRACE}-123456789012345-01")));
    }

    #[test]
    fn traceparent_trace_flags_illegal_characters() {
        assert!(!continues(&format!("00-{TRACE}-{PARENT}-.0")));
        assert!(!continues(&format!("00-{TRACE}-{PARENT}-0.")));
    }

    #[test]
    fn traceparent_trace_flags_too_long() {
        assert!(!continues(&format!("00-{TRACE}-{PARENT}-001")));
    }

    #[test]
    fn traceparent_trace_flags_too_short() {
        assert!(!continues(&format!("00-{TRACE}-{PARENT}-1")));
    }

    #[test]
    fn traceparent_ows_handling() {
        let value = format!("00-{TRACE}-{PARENT}-01");
        for (before, after) in [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")] {
            assert!(
                continues(&format!("{before}{value}{after}")),
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn tracestate_included_traceparent_missing() {
        for state in ["foo=1", "foo=1,bar=2"] {
            assert_eq!(call(&[("tracestate", state)]).state, None);
        }
    }

    #[test]
    fn tracestate_included_traceparent_included() {
        let sent = with_states(&["foo=1,bar=2"]);
        assert_eq!(
            (sent.value("foo"), sent.value("bar")),
            (Some("1"), Some("2"))
        );
    }

    #[test]
    fn tracestate_header_name() {
        for name in ["trace-state", "trace.state"] {
            let headers = [
                ("traceparent", format!("00-{TRACE}-{PARENT}-00")),
                (name, "foo=1".to_owned()),
            ];
            assert_eq!(call(&headers).state, None, "{name}");
        }
    }

    #[test]
    fn tracestate_header_name_valid_casing() {
        for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
            let headers = [
                ("traceparent", format!("00-{TRACE}-{PARENT}-00")),
                (name, "foo=1".to_owned()),
            ];
            assert_eq!(call(&headers).value("foo"), Some("1"), "{name}");
        }
    }

    #[test]
    fn tracestate_empty_header() {
        assert_eq!(with_states(&[""]).state, None);
        assert_eq!(with_states(&["foo=1", ""]).value("foo"), Some("1"));
        assert_eq!(with_states(&["", "foo=1"]).value("foo"), Some("1"));
    }

    #[test]
    fn tracestate_multiple_headers_different_keys() {
        let sent = with_states(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]);
        assert_eq!(sent.state.unwrap(), "foo=1,bar=2,rojo=1,congo=2,baz=3");
    }

    #[test]
    fn tracestate_duplicated_keys() {
        for states in [
            &["foo=1,foo=1"][..],
            &["foo=1,foo=2"],
            &["foo=1", "foo=1"],
            &["foo=1", "foo=2"],
        ] {
            assert_eq!(with_states(states).state.unwrap(), "foo=1", "{states:?}");
        }
    }

    #[test]
    fn tracestate_all_allowed_characters() {
        let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
        let value: String = (0x20..=0x7e_u8)
            .map(char::from)
            .filter(|c| !",=".contains(*c))
            .collect();
        assert!(value.starts_with(' '));
        for key in [key.to_owned(), format!("{key}@a-z0-9_-*/")] {
            assert_eq!(
                with_states(&[format!("{key}={value}")]).value(&key),
                Some(&*value)
            );
        }
    }

    #[test]
    fn tracestate_ows_handling() {
        for state in [
            "foo=1 \t , \t bar=2, \t baz=3",
            "foo=1\t \t,\t \tbar=2,\t \tbaz=3",
            " foo=1,bar=2,baz=3",
            "\tfoo=1,bar=2,baz=3",
            "foo=1,bar=2,baz=3 ",
            "foo=1,bar=2,baz=3\t",
            "\t foo=1,bar=2,baz=3 \t",
        ] {
            assert_eq!(
                with_states(&[state]).state.unwrap(),
                "foo=1,bar=2,baz=3",
                "{state:?}"
            );
        }
    }

    #[test]
    fn tracestate_key_illegal_characters() {
        for state in ["foo =1", "FOO=1", "foo.bar=1"] {
            assert_eq!(with_states(&[state]).state, None, "{state}");
        }
    }

    #[test]
    fn tracestate_key_illegal_vendor_format() {
        for key in ["foo@", "foo@@bar", "foo@bar@baz"] {
            let sent = with_states(&[format!("{key}=1,bar=2")]);
            assert_eq!(
                (sent.value(key), sent.value("bar")),
                (Some("1"), Some("2")),
                "{key}"
            );
        }
        assert_eq!(with_states(&["@foo=1,bar=2"]).state, None);
    }

    #[test]
    fn tracestate_member_count_limit() {
        let members: Vec<_> = (1..=32).map(|n| format!("bar{n:02}=1")).collect();
        let mut headers: Vec<_> = members.chunks(8).map(|chunk| chunk.join(",")).collect();
        assert_eq!(with_states(&headers).state.unwrap(), members.join(","));
        headers.push("bar33=1".to_owned());
        assert_eq!(with_states(&headers).state, None);
    }

    #[test]
    fn tracestate_key_length_limit() {
        let z = "z".repeat(256);
        let sent = with_states(&[format!("foo=1,{z}=1")]);
        assert_eq!((sent.value("foo"), sent.value(&z)), (Some("1"), Some("1")));
        assert_eq!(with_states(&[format!("foo=1,{z}z=1")]).state, None);
        for key in [
            format!("{}@{}", "t".repeat(241), "v".repeat(14)),
            format!("{}@v", "t".repeat(242)),
            format!("t@{}", "v".repeat(15)),
        ] {
            let sent = with_states(&[format!("foo=1,{key}=1")]);
            assert_eq!(
                (sent.value("foo"), sent.value(&key)),
                (Some("1"), Some("1"))
            );
        }
    }

    #[test]
    fn tracestate_value_illegal_characters() {
        assert_eq!(with_states(&["foo=bar=baz"]).state, None);
        assert_eq!(with_states(&["foo=,bar=3"]).state, None);
    }

    /// Of three calls, each with a parent of its own.
    fn three_calls(traceparent: &str) -> [Sent; 3] {
        let service = Service::called_with(&[("traceparent", traceparent)]);
        let calls = [(); 3].map(|()| service.call());
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert_ne!(calls[a].parent_id, calls[b].parent_id);
            assert_eq!(calls[a].trace_id, calls[b].trace_id);
        }
        calls
    }

    #[test]
    fn multiple_requests_with_valid_traceparent() {
        for sent in three_calls(&format!("00-{TRACE}-{PARENT}-01")) {
            assert_eq!(sent.trace_id, TRACE);
        }
    }

    #[test]
    fn multiple_requests_without_traceparent() {
        three_calls("");
    }

    #[test]
    fn multiple_requests_with_illegal_traceparent() {
        for sent in three_calls(&format!("00-{}-{PARENT}-01", "0".repeat(32))) {
            assert_ne!(sent.trace_id, "0".repeat(32));
        }
    }

    #[test]
    fn propagates_random_flag() {
        let sent = call(&[("traceparent", format!("00-{TRACE}-{PARENT}-02"))]);
        assert_eq!((sent.trace_id.as_str(), sent.flags & 0x02), (TRACE, 0x02));
        assert_ne!(sent.parent_id, PARENT);
    }
}

/// What reading and at once writing makes of a `traceparent`.
fn passed_on(traceparent: &str) -> Option<String> {
    let (cx, _) = extract(&TraceContext, &[("traceparent", traceparent)]);
    let headers = inject(&TraceContext, &cx);
    headers
        .all("traceparent")
        .first()
        .map(|value| (*value).to_owned())
}

#[test]
fn upper_case_is_invalid_everywhere() {
    let valid = "cd-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0a";
    assert!(passed_on(valid).is_some());
    for (place, byte) in valid.bytes().enumerate() {
        if byte.is_ascii_lowercase() {
            let mut bad = valid.to_owned();
            bad.replace_range(
                place..=place,
                &char::from(byte.to_ascii_uppercase()).to_string(),
            );
            assert_eq!(passed_on(&bad), None, "{bad}");
        }
    }
}

#[test]
fn every_dash_must_be_one() {
    let valid = format!("00-{TRACE}-{PARENT}-01");
    for place in [2, 35, 52] {
        for other in ["_", "0", " "] {
            let mut bad = valid.clone();
            bad.replace_range(place..=place, other);
            assert_eq!(passed_on(&bad), None, "{bad}");
        }
    }
}

#[test]
fn a_sign_is_no_digit() {
    assert_eq!(passed_on(&format!("+0-{TRACE}-{PARENT}-01")), None);
    assert_eq!(passed_on(&format!("00-{TRACE}-{PARENT}-+1")), None);
    assert_eq!(passed_on(&format!("00-+{}-{PARENT}-01", &TRACE[1..])), None);
}

#[test]
fn white_space_inside_is_invalid() {
    assert_eq!(passed_on(&format!("00- {TRACE}-{PARENT}-01")), None);
    assert_eq!(passed_on(&format!("00-{TRACE}-{PARENT}-01\u{b}")), None);
    assert_eq!(
        passed_on(&format!(" 00-{TRACE}-{PARENT}-1")),
        None,
        "55 bytes, one of them a space"
    );
}

#[test]
fn a_trailing_dash_is_for_higher_versions() {
    assert_eq!(passed_on(&format!("00-{TRACE}-{PARENT}-01-")), None);
    assert!(passed_on(&format!("01-{TRACE}-{PARENT}-01-")).is_some());
}

#[test]
fn a_higher_version_is_written_back_as_00() {
    for version in ["01", "10", "cc", "fe"] {
        let sent = passed_on(&format!("{version}-{TRACE}-{PARENT}-03-more"));
        assert_eq!(
            sent.unwrap(),
            format!("00-{TRACE}-{PARENT}-03"),
            "{version}"
        );
    }
}

#[test]
fn flags_that_nobody_knows_are_written_as_zero() {
    for (read, written) in [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("04", "00"),
        ("fd", "01"),
        ("ff", "03"),
    ] {
        let sent = passed_on(&format!("00-{TRACE}-{PARENT}-{read}"));
        assert_eq!(
            sent.unwrap(),
            format!("00-{TRACE}-{PARENT}-{written}"),
            "{read}"
        );
    }
}

#[test]
fn the_random_flag_is_that_of_the_trace() {
    for flags in ["00", "01", "02", "03"] {
        let sent = call(&[("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))]);
        assert_eq!(format!("{:02x}", sent.flags), flags);
    }
    let none: [(&str, &str); 0] = [];
    assert_eq!(call(&none).flags, 0x03, "our own ids are random");
}

#[test]
fn what_is_malformed_is_counted_and_leaves_the_context_as_it_was() {
    let two = [("traceparent", "x"), ("traceparent", "x")];
    for headers in [&two[..1], &two] {
        let (cx, malformed) = extract(&TraceContext, headers);
        assert_eq!((caller(&cx), malformed), (None, 1));
    }
    let none: [(&str, &str); 0] = [];
    let (cx, malformed) = extract(&TraceContext, &none);
    assert_eq!((caller(&cx), malformed), (None, 0));
}

#[test]
fn bytes_that_are_no_text_are_malformed() {
    let mut value = format!("00-{TRACE}-{PARENT}-01").into_bytes();
    value[10] = 0xff;
    assert_eq!(extract(&TraceContext, &[("traceparent", &value)]).1, 1);
    assert_eq!(with_states(&[b"foo=\xff"]).state, None);
}

#[test]
fn a_malformed_tracestate_is_counted_and_never_touches_traceparent() {
    let headers = [
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("tracestate", "FOO=1"),
        ("tracestate", "BAR=1"),
    ];
    let (cx, malformed) = extract(&TraceContext, &headers);
    assert_eq!(
        caller(&cx).unwrap(),
        "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    );
    assert!(cx.span_context().unwrap().trace_state().is_empty());
    assert_eq!(malformed, 1);
}

#[test]
fn a_span_that_was_found_before_is_left_alone() {
    let cx = with_span(TRACE, PARENT, TraceFlags::NONE);
    let mut extraction = Extraction::new(cx);
    let other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    TraceContext.extract(&mut extraction, &Headers::new(&[("traceparent", other)]));
    let span = extraction.span_context().unwrap();
    assert_eq!(span.trace_id().to_string(), TRACE);
}

#[test]
fn a_context_without_span_writes_nothing() {
    assert_eq!(inject(&TraceContext, &Context::new()).len(), 0);
}

#[test]
fn stale_headers_are_replaced() {
    let mut headers = Headers::new(&[
        ("TraceParent", "stale"),
        ("traceparent", "stale"),
        ("tracestate", "stale=1"),
    ]);
    TraceContext.inject(&with_span(TRACE, PARENT, TraceFlags::SAMPLED), &mut headers);
    assert_eq!(
        headers.all("traceparent"),
        [format!("00-{TRACE}-{PARENT}-01")]
    );
    assert_eq!(
        headers.len(),
        1,
        "a tracestate of another trace must not stay"
    );
}

#[test]
fn a_bomb_of_headers_is_refused_as_a_whole() {
    let long = "x".repeat(1 << 20);
    assert!(!continues(&long));
    assert!(!continues(&format!(
        "00-{TRACE}-{PARENT}-01{}",
        " ".repeat(1 << 20) + "x"
    )));
    let states = vec![format!("{},", "a=1,".repeat(1000)); 100];
    assert_eq!(with_states(&states).state, None);
    assert_eq!(with_states(&vec![",".repeat(1 << 16); 100]).state, None);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(trace_id in 1u128.., span_id in 1u64.., flags in 0u8..4, state in "([a-z][a-z0-9_*/@-]{0,9}=[!-+.-<>-~]{1,9},){0,9}") {
        let span = SpanContext::new(
            TraceId::from_u128(trace_id).unwrap(),
            SpanId::from_u64(span_id).unwrap(),
            TraceFlags::from_bits(flags),
        )
        .with_trace_state(state.parse().unwrap())
        .with_remote(true);
        let headers = inject(&TraceContext, &Context::new().with_remote_span(span.clone()));
        let mut extraction = Extraction::new(Context::new());
        TraceContext.extract(&mut extraction, &headers);
        prop_assert_eq!(extraction.span_context(), Some(&span));
        prop_assert_eq!(extraction.malformed(), 0);
    }

    #[test]
    fn reading_never_panics(
        traceparent in "[ \t]{0,2}[0-9a-fA-F]{1,3}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-.{0,9})?|.{0,70}",
        state in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let headers = [("traceparent", traceparent.into_bytes()), ("tracestate", state)];
        let (cx, malformed) = extract(&TraceContext, &headers);
        prop_assert!(cx.span_context().is_some() || malformed == 1);
    }
}
