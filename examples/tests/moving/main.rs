//! Programs that are moved over to this project: what their users wrote is one file for before and after, and only the set-up differs.
//!
//! Each runs as a process of its own, before and after, and sends its spans by OTLP to this one. They must tell the same tree. The differences
//! that `MOVING.md` and the front page of `trace-bridge` show are those between these files.

mod axum_after;
mod axum_before;
mod axum_users;
mod documents;
mod otel_after;
mod otel_before;
mod otel_users;
mod receiver;
mod tonic_after;
mod tonic_before;
mod tonic_users;

use std::env;
use std::error::Error;
use std::process::Command;

use receiver::Receiver;

type BoxError = Box<dyn Error + Send + Sync>;
type TestResult = Result<(), BoxError>;

/// Which program a child is to be.
const PROGRAM: &str = "MOVING_PROGRAM";

/// The programs; each ends when it has sent its spans.
const PROGRAMS: [(&str, fn() -> TestResult); 6] = [
    ("axum before", axum_before::main),
    ("axum after", axum_after::main),
    ("otel before", otel_before::main),
    ("otel after", otel_after::main),
    ("tonic before", tonic_before::main),
    ("tonic after", tonic_after::main),
];

/// Runs a program as a child, and gives its spans, each with that above it.
fn run(program: &str) -> Result<Vec<String>, BoxError> {
    let receiver = Receiver::start()?;
    let mut child = Command::new(env::current_exe()?);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            child.env_remove(name);
        }
    }
    let output = child
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(PROGRAM, program)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("NO_PROXY", "127.0.0.1")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{program}: {said}{complained}"
    );
    Ok(receiver.tree())
}

#[test]
#[ignore = "it is a child of the tests below"]
fn child() -> TestResult {
    let program = env::var(PROGRAM)?;
    let (_, main) = PROGRAMS
        .iter()
        .find(|(name, _)| *name == program)
        .ok_or("no such program")?;
    main()
}

#[test]
fn axum_with_instrument_tells_the_same_tree_before_and_after() -> TestResult {
    let expected = [
        "GET /orders/{id}",
        "GET /orders/{id} > order",
        "order > price",
    ];
    assert_eq!(run("axum before")?, expected);
    assert_eq!(run("axum after")?, expected);
    Ok(())
}

#[test]
fn tonic_with_tracing_tells_the_same_tree_before_and_after() -> TestResult {
    let call = "accept.greeter.v1.Greeter/SayHello";
    let expected = [
        "greet everybody".to_owned(),
        format!("greet everybody > {call}"),
        format!("{call} > {call}"),
        format!("{call} > say_hello"),
        "say_hello > look up".to_owned(),
    ];
    let sorted = |mut tree: Vec<String>| {
        tree.sort_unstable();
        tree
    };
    let expected = sorted(expected.to_vec());
    assert_eq!(sorted(run("tonic before")?), expected);
    assert_eq!(sorted(run("tonic after")?), expected);
    Ok(())
}

#[test]
fn a_pipeline_of_the_opentelemetry_sdk_tells_the_same_tree_before_and_after() -> TestResult {
    let expected = ["checkout", "checkout > charge", "checkout > reserve"];
    assert_eq!(run("otel before")?, expected);
    assert_eq!(run("otel after")?, expected);
    Ok(())
}
