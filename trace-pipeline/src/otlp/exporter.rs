use std::fmt;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tracing_core_ctx::diagnostics::{self, Level};

use super::answer::Answer;
use super::client::Client;
use super::config::{Compression, OtlpConfig, Protocol};
use super::retry::Backoff;
use super::tls::Tls;
use super::{encode, grpc, http as over_http};
use crate::cutoff;
use crate::exporter::{Batch, ExportError, Exporter};

/// Sends spans by OTLP. Made by [`OtlpConfig::build`]; see the [module](super) for what happens when.
pub struct OtlpExporter {
    target: Target,
    timeout: Duration,
    max_request: usize,
    max_response: usize,
    backoff: Backoff,
    tls: Tls,
    /// Made by the thread that exports.
    client: Option<Client>,
    /// A server asked to be left alone until then.
    not_before: Option<Instant>,
    warned: bool,
}

/// What every request has in common.
struct Target {
    protocol: Protocol,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
}

impl OtlpExporter {
    pub(super) fn new(config: &OtlpConfig, uri: Uri, mut headers: HeaderMap, tls: Tls) -> Self {
        const AGENT: &str = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(AGENT));
        Self {
            target: Target {
                protocol: config.protocol,
                uri,
                headers,
                gzip: config.compression == Compression::Gzip,
            },
            timeout: config.timeout,
            max_request: config.max_request,
            max_response: config.max_response,
            backoff: Backoff::new(config.first_wait, config.longest_wait),
            tls,
            client: None,
            not_before: None,
            warned: false,
        }
    }

    /// The bytes to send, framed and compressed.
    fn body(&self, batch: &Batch<'_>) -> Result<Bytes, ExportError> {
        let message = encode(batch.resource(), batch.spans());
        if message.len() > self.max_request {
            return Err(ExportError::TooLarge {
                bytes: message.len(),
                limit: self.max_request,
            });
        }
        let message = if self.target.gzip {
            gzip(&message).map_err(ExportError::failed)?
        } else {
            message
        };
        match self.target.protocol {
            Protocol::HttpProtobuf => Ok(message.into()),
            Protocol::Grpc => {
                grpc::frame(&message, self.target.gzip).ok_or(ExportError::TooLarge {
                    bytes: message.len(),
                    limit: u32::MAX as usize,
                })
            }
        }
    }

    /// Sends until there is a final answer or the time is over.
    async fn deliver(
        &mut self,
        client: &Client,
        batch: &Batch<'_>,
        body: Bytes,
    ) -> Result<(), ExportError> {
        let until = cutoff::after(self.timeout);
        let mut backoff = self.backoff;
        let mut last = None;
        loop {
            if let Some(at) = self.not_before
                && !wait(at, batch, until).await
            {
                return Err(given_up(
                    last,
                    "the server asked to be left alone for longer",
                ));
            }
            self.not_before = None;
            let request = self.target.request(&body, until.min(batch.deadline()));
            let answer = tokio::select! {
                biased;
                answer = self.target.ask(client, request) => answer,
                () = expiry(batch, until) => {
                    return Err(given_up(last, "the server does not answer"));
                }
            };
            match answer {
                Answer::Accepted { warning } => {
                    self.warn(warning);
                    return Ok(());
                }
                Answer::Rejected { spans, reason } => {
                    return Err(ExportError::Rejected { spans, reason });
                }
                Answer::Refused { reason } => return Err(ExportError::Failed { reason }),
                Answer::Later { reason, wait } => {
                    let pause = backoff.wait();
                    let at = cutoff::after(wait.map_or(pause, |least| least.max(pause)));
                    let in_time = at < until.min(batch.deadline());
                    if in_time || wait.is_some() {
                        // If the server said how long to wait, the next batch has to wait as well.
                        self.not_before = Some(at);
                    }
                    if !in_time {
                        return Err(ExportError::Failed { reason });
                    }
                    last = Some(reason);
                    batch.count_retry();
                }
            }
        }
    }

    /// What a server says about spans that it took, once.
    fn warn(&mut self, warning: Option<String>) {
        if let Some(warning) = warning.filter(|_| !self.warned) {
            self.warned = true;
            diagnostics::report(Level::Warn, format_args!("{self}: {warning}"));
        }
    }
}

impl Target {
    fn request(&self, body: &Bytes, until: Instant) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        match self.protocol {
            Protocol::Grpc => {
                let left = until.saturating_duration_since(Instant::now());
                grpc::describe(&mut request, self.gzip, left);
            }
            Protocol::HttpProtobuf => over_http::describe(&mut request, self.gzip),
        }
        request
    }

    async fn ask(&self, client: &Client, request: Request<Full<Bytes>>) -> Answer {
        match (client.send(request).await, self.protocol) {
            (Ok(response), Protocol::Grpc) => grpc::judge(&response),
            (Ok(response), Protocol::HttpProtobuf) => over_http::judge(&response),
            (Err(reason), _) => Answer::Later { reason, wait: None },
        }
    }
}

impl Exporter for OtlpExporter {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        let body = self.body(batch)?;
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(
                self.target.protocol,
                &self.target.uri,
                &self.tls,
                self.max_response,
            )
            .map_err(ExportError::failed)?,
        };
        let outcome = client.block_on(self.deliver(&client, batch, body));
        // Not kept when this panics: the next batch begins with a new one.
        self.client = Some(client);
        let outcome = outcome.map_err(ExportError::failed)?;
        outcome.map_err(|error| self.named(error))
    }

    fn shutdown(&mut self) {
        self.client = None;
    }
}

impl OtlpExporter {
    /// Says of an error where it happened.
    fn named(&self, mut error: ExportError) -> ExportError {
        if let ExportError::Failed { reason }
        | ExportError::Rejected { reason, .. }
        | ExportError::TimedOut { reason } = &mut error
        {
            *reason = format!("{self}: {reason}");
        }
        error
    }
}

/// Where it sends to, without what may be a secret.
impl fmt::Display for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = &self.target.uri;
        let scheme = uri.scheme_str().unwrap_or_default();
        write!(f, "OTLP to {scheme}://{}", uri.host().unwrap_or_default())?;
        if let Some(port) = uri.port() {
            write!(f, ":{port}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpExporter")
            .field("protocol", &self.target.protocol)
            .field("to", &format_args!("{self}"))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The error of a batch for which there is no more time: what the server said last, if it said anything.
fn given_up(last: Option<String>, otherwise: &str) -> ExportError {
    match last {
        Some(reason) => ExportError::Failed { reason },
        None => ExportError::timed_out(otherwise),
    }
}

/// Waits until `at`; false if the time is over first.
async fn wait(at: Instant, batch: &Batch<'_>, until: Instant) -> bool {
    tokio::select! {
        biased;
        () = expiry(batch, until) => false,
        () = tokio::time::sleep_until(at.into()) => true,
    }
}

/// Ends when the time is over: at `until`, or at the batch's deadline, which a shutdown may bring nearer.
async fn expiry(batch: &Batch<'_>, until: Instant) {
    let mut sleep = pin!(tokio::time::sleep_until(until.into()));
    poll_fn(|cx| {
        // In this order: a change after the look at the deadline wakes.
        batch.wake_when_cut_off(cx.waker());
        let deadline = until.min(batch.deadline()).into();
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    })
    .await;
}

fn gzip(message: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(message.len() / 4),
        flate2::Compression::fast(),
    );
    encoder.write_all(message)?;
    encoder.finish()
}
