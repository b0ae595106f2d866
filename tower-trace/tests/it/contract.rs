//! The contract suites of `trace-testkit`, which every HTTP instrumentation passes.

mod tower_server {
    use tower::Layer as _;
    use tower_trace::TraceLayer;
    use trace_testkit::http::{HttpServer, Instrumented, TestService};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpServer for Harness {
        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            // The suite knows no routes, and wants spans without one to be named by their method.
            Instrumented::new(
                TraceLayer::new(tracer)
                    .parameterize_paths(false)
                    .layer(inner),
            )
        }
    }

    trace_testkit::http_server_suite!(Harness);
}
