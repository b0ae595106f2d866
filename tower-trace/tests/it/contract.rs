//! The contract suites of `trace-testkit`, which every HTTP instrumentation passes: here for each way to put the layers on.
//!
//! The suites know no routes, and want spans without one to be named by their method.

use std::borrow::Cow;

use http::Request;
use tower::{Service, ServiceExt};
use tower_trace::{ClientTraceLayer, Templates, TraceLayer, Trust};
use trace_testkit::http::{TestBody, TestService, Wish};
use tracing_core_ctx::Tracer;

use crate::support::now;

fn server(tracer: Tracer) -> TraceLayer {
    TraceLayer::new(tracer).parameterize_paths(false)
}

fn server_with(wish: Wish, tracer: Tracer) -> Option<TraceLayer> {
    let layer = server(tracer);
    Some(match wish {
        Wish::LinkCallers => layer.trust(Trust::NewRootWithLink),
        Wish::OwnSampling => layer.trust(Trust::ContinueWithoutSampling),
        Wish::RequestHeaders(names) => layer.capture_request_headers(names),
        Wish::ResponseHeaders(names) => layer.capture_response_headers(names),
        Wish::Route(route) => layer.route(move |_| Some(Cow::Borrowed(route))),
        _ => return None,
    })
}

fn client(tracer: Tracer) -> ClientTraceLayer {
    ClientTraceLayer::new(tracer)
}

fn client_with(wish: Wish, tracer: Tracer) -> Option<ClientTraceLayer> {
    let layer = client(tracer);
    Some(match wish {
        Wish::RequestHeaders(names) => layer.capture_request_headers(names),
        Wish::ResponseHeaders(names) => layer.capture_response_headers(names),
        Wish::Route(template) => layer.templates(Templates::new([template]).unwrap()),
        Wish::SendOnlyTo(hosts) => layer.propagate_to(hosts),
        _ => return None,
    })
}

/// Calls a tower service from where there is none: it is made ready first.
fn call(
    inner: &TestService,
    request: Request<TestBody>,
) -> <TestService as Service<Request<TestBody>>>::Future {
    let mut inner = inner.clone();
    now(ServiceExt::<Request<TestBody>>::ready(&mut inner))
        .unwrap()
        .call(request)
}

mod tower_server {
    use tower::Layer as _;
    use trace_testkit::http::{HttpServer, Instrumented, TestService, Wish};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpServer for Harness {
        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            Instrumented::new(super::server(tracer).layer(inner))
        }

        fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
            Some(Instrumented::new(
                super::server_with(wish, tracer)?.layer(inner),
            ))
        }
    }

    trace_testkit::http_server_suite!(Harness);
}

mod hyper_server {
    use hyper::service::service_fn;
    use tower::Layer as _;
    use tower_trace::TraceLayer;
    use trace_testkit::http::{HttpServer, Instrumented, TestService, Wish};
    use tracing_core_ctx::Tracer;

    struct Harness;

    fn wrap(layer: &TraceLayer, inner: TestService) -> Instrumented {
        let service = layer.layer(service_fn(move |request| super::call(&inner, request)));
        Instrumented::from_fn(move |request| hyper::service::Service::call(&service, request))
    }

    impl HttpServer for Harness {
        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            wrap(&super::server(tracer), inner)
        }

        fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
            Some(wrap(&super::server_with(wish, tracer)?, inner))
        }
    }

    trace_testkit::http_server_suite!(Harness);
}

mod tower_client {
    use http::Request;
    use tower::Layer as _;
    use tower_trace::client::Attempts;
    use trace_testkit::http::{HttpClient, Instrumented, SpanEnd, TestBody, TestService, Wish};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpClient for Harness {
        const END: SpanEnd = SpanEnd::Body;

        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            Instrumented::new(super::client(tracer).layer(inner))
        }

        fn instrument_with(wish: Wish, tracer: Tracer, inner: TestService) -> Option<Instrumented> {
            Some(Instrumented::new(
                super::client_with(wish, tracer)?.layer(inner),
            ))
        }

        fn mark_resend(request: &mut Request<TestBody>, count: u32) -> bool {
            request.extensions_mut().insert(Attempts::sent(count));
            true
        }
    }

    trace_testkit::http_client_suite!(Harness);
}

mod client_that_ends_at_the_head {
    use tower::Layer as _;
    use trace_testkit::http::{HttpClient, Instrumented, SpanEnd, TestService};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpClient for Harness {
        const END: SpanEnd = SpanEnd::Head;

        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            Instrumented::new(super::client(tracer).end_at_head(true).layer(inner))
        }
    }

    trace_testkit::http_client_suite!(Harness);
}

mod send_function {
    use trace_testkit::http::{HttpClient, Instrumented, SpanEnd, TestService};
    use tracing_core_ctx::Tracer;

    struct Harness;

    impl HttpClient for Harness {
        const END: SpanEnd = SpanEnd::Body;

        fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
            let layer = super::client(tracer);
            Instrumented::from_fn(move |request| {
                layer.send(request, |request| super::call(&inner, request))
            })
        }
    }

    trace_testkit::http_client_suite!(Harness);
}
