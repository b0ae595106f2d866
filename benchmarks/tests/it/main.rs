//! What tracing may take from the allocator, and that every way to trace delivers what it is measured for. These are facts, so they are
//! tests; all other figures are only reported.

use std::process::Command;
use std::sync::Arc;

mod load;
mod scaling;

use benchmarks::allocations::{self, Allocations};
use benchmarks::{Case, Collected, cases, recorded};

/// What our subject takes over bare.
fn over_bare(case: &str, subject: &str) -> Allocations {
    let case = Case::find(case).expect("a case of this name");
    let subject = case.subject(subject).expect("a subject of this name");
    let measured = allocations::over_bare(&case, subject, |work| {
        let info = allocation_counter::measure(work);
        (info.count_total, info.bytes_total)
    });
    measured.expect("every span arrives")
}

#[test]
fn the_allocator_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(7))));
    assert_eq!(info.count_total, 1);
}

#[test]
fn an_unsampled_request_with_tracestate_allocates_nothing() {
    assert_eq!(
        over_bare("server/unsampled parent", "tower-trace"),
        Allocations::default()
    );
}

#[test]
fn an_unsampled_call_with_tracestate_allocates_nothing() {
    assert_eq!(
        over_bare("grpc server/unsampled", "grpc-trace"),
        Allocations::default()
    );
}

#[test]
fn a_request_that_the_sampler_drops_allocates_nothing() {
    assert_eq!(
        over_bare("server/off", "tower-trace"),
        Allocations::default()
    );
}

#[test]
fn a_request_without_a_sink_allocates_nothing() {
    assert_eq!(
        over_bare("server/off", "tower-trace, no sink"),
        Allocations::default()
    );
}

#[test]
fn recorded_spans_take_nothing_from_the_allocator_but_the_values_of_headers() {
    for (case, subject, values) in [
        ("server/sampled parent", "tower-trace", 0.0),
        ("server/root", "tower-trace", 0.0),
        // Of `traceparent`: the `tracestate` of the handler's other requests is sent again.
        ("client/sampled", "tower-trace", 1.0),
        ("grpc server/sampled", "grpc-trace", 0.0),
        ("raw/root", "tracing-core-ctx", 0.0),
        ("raw/child, 4 attributes", "tracing-core-ctx", 0.0),
    ] {
        let allocations = over_bare(case, subject);
        // Now and then a handful of spare memory is not back yet.
        let over = allocations.count - values;
        assert!((0.0..0.1).contains(&over), "{case}: {allocations:?}");
    }
}

#[test]
fn a_child_where_nothing_is_traced_allocates_nothing() {
    assert_eq!(
        over_bare("raw/child, no active trace", "tracing-core-ctx"),
        Allocations::default()
    );
}

/// Peers keep state for the whole process, so each has one of its own, which fails when spans are missing.
fn every_span_arrives(group: &str) {
    for case in cases().into_iter().filter(|case| case.group() == group) {
        for subject in case.subjects() {
            let output = Command::new(env!("CARGO_BIN_EXE_benchmarks"))
                .args(["--run", &case.to_string(), subject.name(), "traced", "0"])
                .output()
                .expect("the program starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{case}: {}: {said}",
                subject.name()
            );
        }
    }
}

#[test]
fn every_span_of_a_server_arrives() {
    every_span_arrives("server");
}

#[test]
fn every_span_of_a_client_arrives() {
    every_span_arrives("client");
}

#[test]
fn every_span_of_a_grpc_server_arrives() {
    every_span_arrives("grpc server");
}

#[test]
fn every_span_of_a_grpc_client_arrives() {
    every_span_arrives("grpc client");
}

#[test]
fn every_span_of_a_message_arrives() {
    for group in [
        "kafka send",
        "kafka process",
        "kafka receive, process, settle",
        "amqp send",
        "amqp process, settle",
    ] {
        every_span_arrives(group);
    }
}

#[test]
fn every_span_without_a_service_arrives() {
    every_span_arrives("raw");
}

#[test]
fn a_case_has_every_subject_once() {
    for case in cases() {
        let mut names: Vec<&str> = case
            .subjects()
            .iter()
            .map(|subject| subject.name())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{case}");
    }
}

#[test]
fn the_recorded_request_has_the_full_set_of_attributes() {
    let sink = Arc::new(Collected::new());
    let mut work = recorded(Arc::clone(&sink));
    work.prepare();
    work.run();
    let mut spans = 0;
    sink.show(|span| {
        spans += 1;
        let mut keys: Vec<&str> = span.attributes().iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "client.address",
                "http.request.method",
                "http.response.status_code",
                "http.route",
                "network.peer.address",
                "network.peer.port",
                "network.protocol.version",
                "server.address",
                "server.port",
                "url.path",
                "url.query",
                "url.scheme",
                "user_agent.original",
            ]
        );
        assert_eq!(span.name(), "GET /api/users/{id}/orders");
        assert!(span.parent_is_remote());
        assert_eq!(
            span.span_context().trace_state().get("congo"),
            Some("t61rcWkgMzE")
        );
    });
    assert_eq!(spans, 64);
}
