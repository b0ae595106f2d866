//! A server under a little load, with the program's own processes: every span arrives.

use std::path::Path;

use benchmarks::load::{Middleware, RECEIVE, Role, SERVE, ask, middlewares};

const PROGRAM: &str = env!("CARGO_BIN_EXE_end_to_end");
const CONNECTIONS: usize = 4;
const REQUESTS: usize = 150;

fn server(middleware: &Middleware, receiver: &Role) -> Role {
    let arguments = [SERVE, middleware.name(), receiver.address()];
    Role::start(Path::new(PROGRAM), &arguments).expect("the server starts")
}

fn receiver() -> Role {
    Role::start(Path::new(PROGRAM), &[RECEIVE]).expect("the receiver starts")
}

fn load(server: &Role) {
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| ask(server.address(), REQUESTS).expect("answers"));
        }
    });
}

/// What was served, what was said to be lost, and the spans and bytes that arrived.
fn after_load(middleware: &Middleware) -> ((u64, String), (u64, u64)) {
    let mut receiver = receiver();
    let mut server = server(middleware, &receiver);
    load(&server);
    let served = server.ask().expect("the server flushes");
    let (spans, bytes) = receiver.ask().expect("the receiver counts");
    (served, (spans, bytes.parse().expect("a number")))
}

#[test]
fn all_spans_of_a_loaded_server_arrive() {
    for middleware in middlewares().filter(|middleware| middleware.traces()) {
        let requests = (CONNECTIONS * REQUESTS) as u64;
        let (served, (spans, bytes)) = after_load(middleware);
        assert_eq!(served, (requests, String::new()), "{middleware:?}");
        assert_eq!(spans, requests, "{middleware:?}");
        assert!(bytes > 60 * spans, "{middleware:?}: {bytes} bytes");
    }
}

#[test]
fn a_server_without_tracing_sends_no_spans() {
    for middleware in middlewares().filter(|middleware| !middleware.traces()) {
        let (served, arrived) = after_load(middleware);
        assert_eq!(served.0, (CONNECTIONS * REQUESTS) as u64);
        assert_eq!(arrived, (0, 0));
    }
}
