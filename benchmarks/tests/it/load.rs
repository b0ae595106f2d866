//! A server under a little load, with the program's own processes: every span arrives.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use benchmarks::load::{Middleware, RECEIVE, Role, SERVE, TARGET, middlewares};

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

/// Sends so many requests over one connection, one after the other.
fn ask(address: &str, requests: usize) {
    let mut connection = BufReader::new(TcpStream::connect(address).expect("the server listens"));
    for _ in 0..requests {
        let request = format!(
            "GET {TARGET} HTTP/1.1\r\nhost: {address}\r\n\
             traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
             tracestate: congo=t61rcWkgMzE\r\n\r\n"
        );
        connection
            .get_mut()
            .write_all(request.as_bytes())
            .expect("the server reads");
        assert_eq!(read_answer(&mut connection), r#"{"orders":[17,18,19]}"#);
    }
}

fn read_answer(connection: &mut BufReader<TcpStream>) -> String {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        connection.read_line(&mut line).expect("the server answers");
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            assert_eq!(line, "HTTP/1.1 200 OK\r\n");
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("a whole body");
    String::from_utf8(body).expect("text")
}

fn load(server: &Role) {
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| ask(server.address(), REQUESTS));
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
    for middleware in middlewares().skip(1) {
        let requests = (CONNECTIONS * REQUESTS) as u64;
        let (served, (spans, bytes)) = after_load(middleware);
        assert_eq!(served, (requests, String::new()), "{middleware:?}");
        assert_eq!(spans, requests, "{middleware:?}");
        assert!(bytes > 60 * spans, "{middleware:?}: {bytes} bytes");
    }
}

#[test]
fn a_bare_server_sends_no_spans() {
    let (served, arrived) = after_load(Middleware::BARE);
    assert_eq!(served.0, (CONNECTIONS * REQUESTS) as u64);
    assert_eq!(arrived, (0, 0));
}
