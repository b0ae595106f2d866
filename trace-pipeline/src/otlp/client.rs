//! The connection to the server, and the runtime that drives it.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::{self, Runtime};

use super::compression::unpack;
use super::config::Protocol;
use super::tls::Tls;

/// Lives on the pipeline's thread. Between requests nothing runs, so an idle connection costs nothing.
#[derive(Debug)]
pub(crate) struct Client {
    runtime: Option<Runtime>,
    http: Http,
}

/// Sends requests over connections that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    max_response: usize,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Body, BodyError>,
    /// What a message in the body may hold when it is unpacked, in bytes.
    pub(crate) max_body: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) trailers: HeaderMap,
}

/// Why an answer has no body, though it has a head.
#[derive(Debug)]
pub(crate) enum BodyError {
    Broken(String),
    /// It is in an encoding that was not asked for, or unpacked it is too large.
    Packed,
    TooLarge,
}

impl Client {
    /// `timeout` is how long a request may take.
    pub(crate) fn new(
        protocol: Protocol,
        uri: &Uri,
        tls: &Tls,
        max_response: usize,
        timeout: Duration,
    ) -> io::Result<Self> {
        let is_https = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let tls = tls.client_config(is_https).map_err(io::Error::other)?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // All addresses of a name share it, so that one that does not answer leaves time for the others.
        tcp.set_connect_timeout(Some(timeout / 2));
        let connector = match protocol {
            Protocol::Grpc => connector.enable_http2().wrap_connector(tcp),
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                connector.enable_http1().wrap_connector(tcp)
            }
        };
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http2_only(protocol == Protocol::Grpc)
            .build(connector);
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(1)
            .thread_name("trace-pipeline-dns")
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            http: Http {
                client,
                max_response,
            },
        })
    }

    pub(crate) const fn http(&self) -> &Http {
        &self.http
    }

    /// Where work can be left that goes on in [`block_on`](Self::block_on).
    pub(super) fn handle(&self) -> io::Result<&runtime::Handle> {
        let runtime = self.runtime.as_ref().map(Runtime::handle);
        runtime.ok_or_else(|| io::Error::other("it was shut down"))
    }

    /// Drives `work` to its end on this thread.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> io::Result<T> {
        if runtime::Handle::try_current().is_ok() {
            return Err(io::Error::other(
                "this exporter has to run on a thread without an async runtime",
            ));
        }
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| io::Error::other("it was shut down"))?;
        Ok(runtime.block_on(work))
    }
}

impl Http {
    /// Sends a request and reads the answer, as much of it as is allowed.
    ///
    /// A connection on which a request is given up is not used again: over HTTP/2 it may be dead, and nothing else would say so.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response, String> {
        let connection = Unanswered(Some(capture_connection(&mut request)));
        let answer = self.exchange(request).await;
        connection.has_answered();
        answer
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response, String> {
        // A connection that the server closed since the last request is found out before it is used for this one.
        tokio::task::yield_now().await;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| chain(&error))?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, self.max_response).collect().await {
            Ok(collected) => {
                let trailers = collected.trailers().cloned().unwrap_or_default();
                let bytes = self.unpacked(&head.headers, collected.to_bytes());
                bytes.map(|bytes| Body { bytes, trailers })
            }
            Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
            Err(error) => Err(BodyError::Broken(chain(&*error))),
        };
        Ok(Response {
            status: head.status,
            headers: head.headers,
            body,
            max_body: self.max_response,
        })
    }

    fn unpacked(&self, headers: &HeaderMap, body: Bytes) -> Result<Bytes, BodyError> {
        match headers.get(CONTENT_ENCODING) {
            Some(encoding) if !body.is_empty() && encoding != "identity" => {
                unpack(encoding, &body, self.max_response).ok_or(BodyError::Packed)
            }
            _ => Ok(body),
        }
    }
}

/// The connection of a request, as long as there is no answer.
struct Unanswered(Option<CaptureConnection>);

impl Unanswered {
    fn has_answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(connection) = &self.0
            && let Some(connected) = connection.connection_metadata().as_ref()
        {
            connected.poison();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Resolving a name may hang; nobody is to wait for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The message of an error and of its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
