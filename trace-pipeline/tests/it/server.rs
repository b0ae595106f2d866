//! A server of HTTP/1.1 that does what back ends do on bad days.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpSocket;

use crate::support::LONG;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: Vec<u8>,
    },
    /// Answers 200 and ends the connection without a word.
    AnswerAndClose,
    /// Begins an answer and resets the connection.
    BreakOff,
    /// Ends the connection after the request.
    Close,
    /// Begins an answer and sends a byte of it now and then.
    Drip,
    /// Does not answer.
    Hang,
    /// Answers 200 after this time.
    Late(Duration),
    /// Sends these bytes, which are no HTTP.
    Raw(&'static [u8]),
    /// Resets the connection before it reads the request.
    Reset,
}

impl Reply {
    pub(crate) const fn status(status: u16) -> Self {
        Self::with_headers(status, &[])
    }

    pub(crate) const fn with_headers(
        status: u16,
        headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self::Answer {
            status,
            headers,
            body: Vec::new(),
        }
    }

    pub(crate) const fn with_body(status: u16, body: Vec<u8>) -> Self {
        Self::Answer {
            status,
            headers: &[("content-type", "application/x-protobuf")],
            body,
        }
    }

    pub(crate) fn partial_success(rejected_spans: i64, error_message: &str) -> Self {
        let partial_success = ExportTracePartialSuccess {
            rejected_spans,
            error_message: error_message.to_owned(),
        };
        let response = ExportTraceServiceResponse {
            partial_success: Some(partial_success),
        };
        Self::with_body(200, response.encode_to_vec())
    }
}

/// A request as it came.
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(&header.1)
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    requests: mpsc::Receiver<Received>,
    closed: mpsc::Receiver<()>,
}

/// A port at which nobody listens, and that nobody else gets as long as this lives.
pub(crate) struct Refuser(TcpSocket);

impl Refuser {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

type Script = Arc<Mutex<dyn FnMut() -> Reply + Send>>;

impl Server {
    /// Replies to the first requests as `first` says, and to all others as `then` does.
    pub(crate) fn start(first: impl IntoIterator<Item = Reply>, then: Reply) -> Self {
        let mut first: Vec<Reply> = first.into_iter().collect();
        first.reverse();
        Self::with_script(move || first.pop().unwrap_or_else(|| then.clone()))
    }

    /// Replies as the script says.
    pub(crate) fn with_script(script: impl FnMut() -> Reply + Send + 'static) -> Self {
        let script: Script = Arc::new(Mutex::new(script));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        let (closes, closed) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, sender, closes) =
                    (Arc::clone(&script), sender.clone(), closes.clone());
                let stream = stream.unwrap();
                thread::spawn(move || {
                    // A connection that breaks is the other side's to notice.
                    let _ = serve(&stream, &script, &sender);
                    drop(stream);
                    let _ = closes.send(());
                });
            }
        });
        Self {
            address,
            requests,
            closed,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the next request.
    pub(crate) fn request(&self) -> Received {
        self.requests.recv_timeout(LONG).unwrap()
    }

    /// Waits until the next connection is closed by this side.
    pub(crate) fn wait_for_close(&self) {
        self.closed.recv_timeout(LONG).unwrap();
    }

    /// How many requests came that nobody waited for.
    pub(crate) fn more_requests(&self) -> usize {
        self.requests.try_iter().count()
    }
}

fn serve(
    stream: &TcpStream,
    script: &Script,
    requests: &mpsc::Sender<Received>,
) -> std::io::Result<()> {
    while stream.peek(&mut [0])? > 0 {
        let reply = (script.lock().unwrap())();
        // What is not read when the socket is closed makes it a reset.
        match reply {
            Reply::Reset => return Ok(()),
            Reply::BreakOff => return begin(stream),
            _ => {}
        }
        let _ = requests.send(read(&mut BufReader::new(stream))?);
        answer(stream, &reply)?;
    }
    Ok(())
}

pub(crate) fn read(stream: &mut impl BufRead) -> std::io::Result<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.remove(0);
    let header = |line: &String| {
        line.split_once(": ")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let mut received = Received {
        line,
        headers: lines.iter().filter_map(header).collect(),
        body: Vec::new(),
        at: Instant::now(),
    };
    let length = received
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    received.body.resize(length, 0);
    stream.read_exact(&mut received.body)?;
    Ok(received)
}

fn answer(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    let closed = Err(std::io::ErrorKind::ConnectionAborted.into());
    match reply {
        Reply::Answer {
            status,
            headers,
            body,
        } => write(&mut stream, *status, headers, body),
        Reply::AnswerAndClose => {
            write(&mut stream, 200, &[], &[])?;
            closed
        }
        Reply::Raw(bytes) => {
            stream.write_all(bytes)?;
            closed
        }
        Reply::Drip => {
            begin(stream)?;
            // A read that waits for a moment tells as well when the other side has gone.
            stream.set_read_timeout(Some(Duration::from_millis(5)))?;
            while !matches!(stream.read(&mut [0]), Ok(0)) {
                stream.write_all(b"x")?;
            }
            closed
        }
        Reply::Hang => {
            let _ = stream.read(&mut [0]);
            closed
        }
        Reply::Late(time) => {
            // A client that goes ends the wait.
            stream.set_read_timeout(Some(*time))?;
            match stream.peek(&mut [0]) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => return closed,
            }
            stream.set_read_timeout(None)?;
            write(&mut stream, 200, &[], &[])
        }
        Reply::BreakOff | Reply::Close | Reply::Reset => closed,
    }
}

pub(crate) fn write(
    stream: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

fn begin(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbeginning")
}
