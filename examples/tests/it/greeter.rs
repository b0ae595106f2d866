use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use examples::greeter::greeter_client::GreeterClient;
use examples::greeter::{FailRequest, HelloRequest, RelayRequest, StreamRequest};
use futures_util::{StreamExt as _, stream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::{TestResult, program};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A running `greeter` that prints its spans; killed when a test gives up on it.
struct Greeter {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Greeter {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = program(env!("CARGO_BIN_EXE_greeter"))
            .arg("127.0.0.1:0")
            .env("OTEL_TRACES_EXPORTER", "console")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ");
        let address = address.ok_or("no address")?.to_owned();
        Ok(Self {
            child,
            output,
            address,
        })
    }

    async fn client(&self) -> Result<GreeterClient<Channel>, Box<dyn Error>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
        Ok(GreeterClient::new(endpoint.connect().await?))
    }

    /// Asks it to end as an operator does, and reads what it wrote until then.
    async fn terminate(mut self) -> Result<String, Box<dyn Error>> {
        // Beside the runtime, where the client's connections hear of it.
        let ended = tokio::task::spawn_blocking(move || -> io::Result<_> {
            let id = self.child.id().to_string();
            let killed = Command::new("kill").args(["-TERM", &id]).status()?;
            let mut spans = String::new();
            self.output.read_to_string(&mut spans)?;
            let ended = self.child.wait()?;
            Ok((killed.success() && ended.success(), spans))
        });
        let (well, spans) = ended.await??;
        assert!(well, "{spans}");
        Ok(spans)
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        // Does nothing to one that has ended.
        let _ = self.child.kill();
    }
}

fn from_caller<T>(message: T) -> Result<Request<T>, Box<dyn Error>> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("traceparent", CALLER.parse()?);
    request
        .metadata_mut()
        .insert("tracestate", "congo=7".parse()?);
    Ok(request)
}

fn hello(name: &str) -> HelloRequest {
    HelloRequest {
        name: name.to_owned(),
    }
}

#[tokio::test]
async fn every_kind_of_call_is_answered_from_the_callers_trace() -> TestResult {
    let greeter = Greeter::start()?;
    let mut client = greeter.client().await?;
    let mut replies = Vec::new();
    replies.push(
        client
            .say_hello(from_caller(hello("Ann"))?)
            .await?
            .into_inner(),
    );
    let request = StreamRequest {
        name: "Ann".to_owned(),
        count: 2,
    };
    let stream = client
        .stream_hello(from_caller(request)?)
        .await?
        .into_inner();
    for reply in stream.collect::<Vec<_>>().await {
        replies.push(reply?);
    }
    let names = || stream::iter(["Ann", "Bob"]).map(hello);
    replies.push(
        client
            .collect_hello(from_caller(names())?)
            .await?
            .into_inner(),
    );
    let stream = client.chat_hello(from_caller(names())?).await?.into_inner();
    for reply in stream.collect::<Vec<_>>().await {
        replies.push(reply?);
    }
    assert_eq!(replies.len(), 6);
    for reply in &replies {
        assert_eq!(reply.lang, "rust");
        assert_eq!(reply.trace_id, TRACE);
        assert_eq!(
            (&*reply.traceparent, &*reply.tracestate),
            (CALLER, "congo=7")
        );
    }
    drop(client);
    let spans = greeter.terminate().await?;
    for reply in &replies {
        assert!(spans.contains(&reply.span_id), "{reply:?}\n{spans}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_has_the_code_that_was_asked_for() -> TestResult {
    let greeter = Greeter::start()?;
    let mut client = greeter.client().await?;
    for code in 1..=16 {
        let message = "as you like".to_owned();
        let failed = client.fail(FailRequest { code, message }).await;
        let status = failed.err().ok_or("no failure")?;
        assert_eq!(status.code(), Code::from_i32(i32::try_from(code)?));
        assert_eq!(status.message(), "as you like");
    }
    for (code, expected) in [(0, None), (17, Some(Code::InvalidArgument))] {
        let message = String::new();
        let failed = client.fail(FailRequest { code, message }).await;
        assert_eq!(failed.err().map(|status| status.code()), expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_relay_goes_through_all_targets_in_one_trace() -> TestResult {
    let (one, two) = (Greeter::start()?, Greeter::start()?);
    let request = RelayRequest {
        targets: vec![two.address.clone(), format!("http://{}", one.address)],
        name: "Ann".to_owned(),
    };
    let first = one
        .client()
        .await?
        .relay(from_caller(request)?)
        .await?
        .into_inner();
    let second = first.downstream.clone().ok_or("no second hop")?;
    let third = second.downstream.clone().ok_or("no third hop")?;
    assert!(third.downstream.is_none());
    for reply in [&first, &second, &third] {
        assert_eq!(reply.trace_id, TRACE);
    }
    assert!(second.traceparent.starts_with(&format!("00-{TRACE}-")));
    assert_ne!(second.traceparent, first.traceparent);
    let spans = one.terminate().await? + &two.terminate().await?;
    for reply in [&first, &second, &third] {
        assert!(spans.contains(&reply.span_id), "{spans}");
    }
    Ok(())
}

/// A method that the service does not have, as scanners try them.
#[tokio::test]
async fn a_method_that_is_made_up_is_other() -> TestResult {
    let greeter = Greeter::start()?;
    let endpoint = Endpoint::from_shared(format!("http://{}", greeter.address))?;
    let mut client = tonic::client::Grpc::new(endpoint.connect().await?);
    client.ready().await?;
    let path = http::uri::PathAndQuery::from_static("/accept.greeter.v1.Greeter/DropTables");
    let codec = tonic_prost::ProstCodec::<HelloRequest, HelloRequest>::default();
    let answer = client.unary(Request::new(hello("Ann")), path, codec).await;
    let status = answer.err().ok_or("it exists")?;
    assert_eq!(status.code(), Code::Unimplemented);
    let spans = greeter.terminate().await?;
    assert!(
        spans.contains("_OTHER") && spans.contains("Greeter/DropTables"),
        "{spans}"
    );
    Ok(())
}

#[test]
fn what_is_no_address_is_refused() -> TestResult {
    for (arguments, status) in [(&[][..], 2), (&["a", "b"], 2), (&["nowhere"], 1)] {
        let output = program(env!("CARGO_BIN_EXE_greeter"))
            .args(arguments)
            .output()?;
        assert_eq!(output.status.code(), Some(status), "{output:?}");
    }
    Ok(())
}

/// The tests of `grpc-trace` have a copy of the generated code, because a library should not need a compiler of protocols for its tests.
#[test]
fn the_copy_of_the_generated_code_is_current() -> TestResult {
    let copy = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../grpc-trace/tests/it/generated.rs"
    );
    let generated = include_str!(concat!(env!("OUT_DIR"), "/accept.greeter.v1.rs"));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(copy, generated)?;
    }
    let same = std::fs::read_to_string(copy)? == generated;
    assert!(same, "run this test with UPDATE_GENERATED=1");
    Ok(())
}
