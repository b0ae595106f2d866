//! The contract suites of `trace-testkit`, which every instrumentation of gRPC passes.

mod server {
    use grpc_trace::{TraceLayer, Trust};
    use tower::Layer as _;
    use trace_testkit::http::{HttpServer, Instrumented, TestService, Wish};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpServer for Harness {
        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            Instrumented::new(TraceLayer::new(tracer).layer(inner))
        }

        fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
            let layer = TraceLayer::new(tracer);
            let layer = match wish {
                Wish::LinkCallers => layer.trust(Trust::NewRootWithLink),
                Wish::OwnSampling => layer.trust(Trust::ContinueWithoutSampling),
                Wish::RequestHeaders(names) => layer.capture_request_metadata(names),
                Wish::ResponseHeaders(names) => layer.capture_response_metadata(names),
                _ => return None,
            };
            Some(Instrumented::new(layer.layer(inner)))
        }
    }

    trace_testkit::grpc_server_suite!(Harness);
}

mod client {
    use grpc_trace::ClientTraceLayer;
    use tower::Layer as _;
    use trace_testkit::http::{HttpClient, Instrumented, SpanEnd, TestService, Wish};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpClient for Harness {
        const END: SpanEnd = SpanEnd::Body;

        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            Instrumented::new(ClientTraceLayer::new(tracer).layer(inner))
        }

        fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
            let layer = ClientTraceLayer::new(tracer);
            let layer = match wish {
                Wish::RequestHeaders(names) => layer.capture_request_metadata(names),
                Wish::ResponseHeaders(names) => layer.capture_response_metadata(names),
                Wish::SendOnlyTo(hosts) => layer.propagate_to(hosts),
                _ => return None,
            };
            Some(Instrumented::new(layer.layer(inner)))
        }
    }

    trace_testkit::grpc_client_suite!(Harness);
}
