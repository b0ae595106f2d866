use proptest::prelude::*;

use super::*;
use crate::propagation::tests::{Headers, caller, extract, inject, with_span};

const ROOT: &str = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736";
const PARENT: &str = "Parent=00f067aa0ba902b7";
const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

/// The caller's span, the hint, and how many values could not be read.
fn read(value: &str) -> (Option<String>, Option<SamplingHint>, u32) {
    let (cx, malformed) = extract(&XRay, &[("X-Amzn-Trace-Id", value)]);
    (caller(&cx), cx.sampling_hint(), malformed)
}

#[test]
fn the_states_with_ids() {
    for (state, flags, hint) in [
        (";Sampled=0", "00", None),
        (";Sampled=1", "01", None),
        (";Sampled=?", "00", Some(SamplingHint::Defer)),
        ("", "00", Some(SamplingHint::Defer)),
    ] {
        let value = format!("{ROOT};{PARENT}{state}");
        assert_eq!(
            read(&value),
            (Some(format!("{IDS}-{flags}")), hint, 0),
            "{value}"
        );
    }
}

#[test]
fn keys_come_in_any_order_with_others_between_them() {
    let value = format!(
        "Sampled=1 ; Self=1-67891234-12456789abcdef012345678;Lineage=a87bd80c:1|68fd508a:5;x; {PARENT};=;{ROOT}"
    );
    assert_eq!(read(&value), (Some(format!("{IDS}-01")), None, 0));
}

#[test]
fn upper_case_hex_is_read() {
    let value = "Root=1-4BF92F35-77B34DA6A3CE929D0E0E4736;Parent=00F067AA0BA902B7;Sampled=1";
    assert_eq!(read(value).0, Some(format!("{IDS}-01")));
}

#[test]
fn a_root_without_parent_starts_a_new_trace_and_is_no_error() {
    assert_eq!(read(ROOT), (None, None, 0));
    assert_eq!(
        read(&format!("Self=1-67891234-12456789abcdef012345678;{ROOT}")),
        (None, None, 0)
    );
    assert_eq!(read(&format!("{ROOT};Sampled=?")), (None, None, 0));
    assert_eq!(
        read(&format!("{ROOT};Sampled=0")),
        (None, Some(SamplingHint::Deny), 0)
    );
    assert_eq!(
        read(&format!("{ROOT};Sampled=1")),
        (None, Some(SamplingHint::Accept), 0)
    );
}

#[test]
fn what_is_malformed_is_counted_and_ignored() {
    for bad in [
        "",
        ";",
        "Sampled=1",
        PARENT,
        &format!("{ROOT}0;{PARENT}"),
        &format!("{};{PARENT}", &ROOT[..39]),
        &format!("{};{PARENT}", ROOT.replace("=1-", "=2-")),
        &format!("{};{PARENT}", ROOT.replace("5-7", "57-")),
        &format!("Root=1-00000000-{};{PARENT}", "0".repeat(24)),
        &format!("Root=1-4bf92f35-77b34da6a3ce929d0e0e473g;{PARENT}"),
        &format!("Root=;{PARENT}"),
        &format!("{ROOT};Parent=0000000000000000"),
        &format!("{ROOT};Parent=f067aa0ba902b7"),
        &format!("{ROOT};Parent="),
        &format!("{ROOT};{PARENT};Sampled="),
        &format!("{ROOT};{PARENT};Sampled=2"),
        &format!("{ROOT};{PARENT};Sampled=true"),
    ] {
        assert_eq!(read(bad), (None, None, 1), "{bad:?}");
    }
}

#[test]
fn two_different_accounts_are_malformed() {
    for bad in [
        format!("{ROOT};{PARENT};Sampled=1;Sampled=0"),
        format!("{ROOT};{PARENT};Parent=0000000000000001"),
        format!("{ROOT};{PARENT};Root=1-4bf92f35-77b34da6a3ce929d0e0e4737"),
    ] {
        assert_eq!(read(&bad), (None, None, 1), "{bad}");
    }
    assert_eq!(
        read(&format!("{ROOT};{PARENT};{ROOT};Sampled=1")).0,
        Some(format!("{IDS}-01"))
    );
    let value = format!("{ROOT};{PARENT}");
    let (cx, malformed) = extract(
        &XRay,
        &[("x-amzn-trace-id", &value), ("x-amzn-trace-id", &value)],
    );
    assert_eq!((caller(&cx), malformed), (None, 1));
}

#[test]
fn a_span_that_was_found_before_is_left_alone() {
    let mut extraction =
        Extraction::new(with_span(&IDS[..32], "0000000000000001", TraceFlags::NONE));
    XRay.extract(
        &mut extraction,
        &Headers::new(&[("x-amzn-trace-id", format!("{ROOT};{PARENT};Sampled=1"))]),
    );
    let span = extraction.span_context().unwrap();
    assert_eq!(span.span_id().to_u64(), 1);
}

#[test]
fn a_span_is_written_with_a_decision() {
    for (flags, text) in [(TraceFlags::NONE, "0"), (TraceFlags::SAMPLED, "1")] {
        let cx = with_span(&IDS[..32], &IDS[33..], flags).with_sampling_hint(SamplingHint::Defer);
        let mut headers = Headers::new(&[("X-Amzn-Trace-Id", "stale")]);
        XRay.inject(&cx, &mut headers);
        assert_eq!(
            headers.all("x-amzn-trace-id"),
            [format!("{ROOT};{PARENT};Sampled={text}")]
        );
    }
}

#[test]
fn a_deferred_decision_of_a_caller_is_passed_on_as_such() {
    let (cx, _) = extract(&XRay, &[("x-amzn-trace-id", format!("{ROOT};{PARENT}"))]);
    assert_eq!(
        inject(&XRay, &cx).all("x-amzn-trace-id"),
        [format!("{ROOT};{PARENT};Sampled=?")]
    );
}

#[test]
fn a_context_without_span_writes_nothing() {
    assert_eq!(inject(&XRay, &Context::new()).len(), 0);
}

#[test]
fn a_header_of_a_megabyte_is_read_without_harm() {
    let value = format!("{}{ROOT};{PARENT};Sampled=1", "Self=x;".repeat(1 << 17));
    assert_eq!(read(&value).0, Some(format!("{IDS}-01")));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(trace_id in 1u128.., span_id in 1u64.., state in "[01?]") {
        let id = format!("{trace_id:032x}");
        let value = format!("Root=1-{}-{};Parent={span_id:016x};Sampled={state}", &id[..8], &id[8..]);
        let (cx, malformed) = extract(&XRay, &[("x-amzn-trace-id", &value)]);
        prop_assert_eq!(malformed, 0);
        let sent = inject(&XRay, &cx);
        prop_assert_eq!(sent.all("x-amzn-trace-id"), [value]);
    }

    #[test]
    fn reading_never_panics(value in ".{0,90}|((Root=1-[0-9a-f]{7,9}-[0-9a-f]{23,25}|Parent=[0-9a-f]{15,17}|Sampled=[01?x]|.{0,5});){0,5}") {
        let (found, _, malformed) = read(&value);
        prop_assert!(found.is_none() || malformed == 0);
    }
}
