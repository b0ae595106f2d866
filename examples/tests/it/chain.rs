use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::{TestResult, program};

/// A running `chain` that prints its spans; killed when a test gives up on it.
struct Chain {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Chain {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = program(env!("CARGO_BIN_EXE_chain"))
            .arg("127.0.0.1:0")
            .env("OTEL_TRACES_EXPORTER", "console")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .ok_or("no address")?
            .to_owned();
        Ok(Self {
            child,
            output,
            address,
        })
    }

    /// Sends a request; the connection stays open.
    fn get(&self, target: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(stream, "GET {target} HTTP/1.1\r\nhost: test\r\n\r\n")?;
        Ok(stream)
    }

    /// Asks it to end as an operator does.
    fn terminate(mut self) -> Result<Ended, Box<dyn Error>> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()?
                .success()
        );
        let mut spans = String::new();
        self.output.read_to_string(&mut spans)?;
        let mut complaints = String::new();
        let mut stderr = self.child.stderr.take().ok_or("no standard error")?;
        stderr.read_to_string(&mut complaints)?;
        let well = self.child.wait()?.success();
        Ok(Ended {
            well,
            spans,
            complaints,
        })
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Does nothing to one that has ended.
        let _ = self.child.kill();
    }
}

/// What it wrote until its end.
#[derive(Debug)]
struct Ended {
    well: bool,
    spans: String,
    complaints: String,
}

/// Waits for the head of the answer.
fn answered(stream: &mut TcpStream) -> io::Result<()> {
    let mut start = [0; 15];
    stream.read_exact(&mut start)?;
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    Ok(())
}

#[test]
fn at_sigterm_the_last_spans_leave_and_idle_connections_delay_nothing() -> TestResult {
    let chain = Chain::start()?;
    let mut idle = chain.get("/hello/anna")?;
    answered(&mut idle)?;
    let ended = chain.terminate()?;
    assert!(ended.well && ended.complaints.is_empty(), "{ended:?}");
    assert!(ended.spans.contains("GET /hello/{name}"), "{ended:?}");
    Ok(())
}

#[test]
fn a_request_that_is_not_done_in_time_is_dropped_and_its_spans_leave() -> TestResult {
    // Accepts a connection, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let chain = Chain::start()?;
    let _open = chain.get(&format!("/chain?targets=http://{}", silent.local_addr()?))?;
    let _called = silent.accept()?;
    let ended = chain.terminate()?;
    assert!(
        ended.well && ended.complaints.contains("dropped"),
        "{ended:?}"
    );
    assert_eq!(ended.spans.matches("cancelled").count(), 2, "{ended:?}");
    Ok(())
}

#[test]
fn an_address_that_cannot_be_used_is_one_clear_line() -> TestResult {
    for address in ["nonsense", "127.0.0.1:99999", "256.0.0.1:80"] {
        let output = program(env!("CARGO_BIN_EXE_chain")).arg(address).output()?;
        assert_eq!(output.status.code(), Some(1), "{address}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.starts_with(&format!("chain: cannot listen on {address}: ")),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    Ok(())
}

#[test]
fn without_an_address_there_is_the_usage_and_status_2() -> TestResult {
    let output = program(env!("CARGO_BIN_EXE_chain")).output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: chain ADDR"));
    Ok(())
}
