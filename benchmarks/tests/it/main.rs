//! What tracing may take from the allocator. These are facts, so they are tests; all other figures are only reported.

mod load;
mod scaling;

use benchmarks::allocations::{self, Allocations};
use benchmarks::{Case, Collected};

fn over_bare(case: &str) -> Allocations {
    let case = Case::find(case).expect("a case of this name");
    let measured = allocations::over_bare(case, |work| {
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
    assert_eq!(over_bare("server/unsampled parent"), Allocations::default());
}

#[test]
fn a_request_that_the_sampler_drops_allocates_nothing() {
    assert_eq!(over_bare("server/off: sampler"), Allocations::default());
}

#[test]
fn a_request_without_a_sink_allocates_nothing() {
    assert_eq!(over_bare("server/off: no sink"), Allocations::default());
}

#[test]
fn a_recorded_request_allocates_at_most_four_times() {
    for case in ["server/sampled parent", "server/root"] {
        let allocations = over_bare(case);
        assert!(allocations.count <= 4.0, "{case}: {allocations:?}");
    }
}

#[test]
fn a_child_where_nothing_is_traced_allocates_nothing() {
    assert_eq!(
        over_bare("raw/child, no active trace"),
        Allocations::default()
    );
}

#[test]
fn the_recorded_request_has_the_full_set_of_attributes() {
    let sink = std::sync::Arc::new(Collected::new());
    let case = Case::find("server/sampled parent").expect("a case of this name");
    let mut subject = case.traced(std::sync::Arc::clone(&sink));
    subject.prepare();
    subject.run();
    let mut spans = 0;
    sink.settle(|span| {
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
    assert_eq!(spans, benchmarks::BATCH);
}
