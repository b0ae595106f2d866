//! One request until its final answer: when it is repeated, when it is given up.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use tokio::sync::watch;
use tracing_core_ctx::diagnostics::{self, Level};

use super::answer::Answer;
use super::client::Http;
use super::compression::Compression;
use super::config::{OtlpConfig, Protocol};
use super::endpoint::shown;
use super::retry::Backoff;
use super::{Signal, grpc, http as over_http, json};
use crate::cutoff;
use crate::exporter::ExportError;

/// Where requests go and how; the same for all of them, also for those that are under way at the same time.
pub(super) struct Sender {
    protocol: Protocol,
    signal: Signal,
    uri: Uri,
    headers: HeaderMap,
    compression: Compression,
    timeout: Duration,
    max_request: usize,
    backoff: Backoff,
    /// The server asked to be left alone until then.
    not_before: Mutex<Option<Instant>>,
    warned: AtomicBool,
}

/// Why a request was not a success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: ExportError,
    /// The same request may succeed at another time.
    pub(super) passing: bool,
}

/// When a request has to be over.
pub(super) struct Limit {
    pub(super) until: Instant,
    /// What a shutdown says meanwhile.
    pub(super) cutoff: watch::Receiver<Option<Instant>>,
}

impl Sender {
    pub(super) fn new(
        config: &OtlpConfig,
        signal: Signal,
        uri: Uri,
        mut headers: HeaderMap,
    ) -> Self {
        const AGENT: &str = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(AGENT));
        Self {
            protocol: config.protocol,
            signal,
            uri,
            headers,
            compression: config.compression,
            timeout: config.timeout,
            max_request: config.max_request,
            backoff: Backoff::new(config.first_wait, config.longest_wait),
            not_before: Mutex::new(None),
            warned: AtomicBool::new(false),
        }
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// How long a request may take.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The pauses between attempts.
    pub(super) const fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// When a request that begins now has to be over.
    pub(super) fn until(&self) -> Instant {
        cutoff::after(self.timeout)
    }

    /// The bytes to send for a message: compressed and framed.
    pub(super) fn body(&self, message: Bytes) -> Result<Bytes, ExportError> {
        let message = match self.protocol {
            Protocol::HttpJson => json::transcode(self.signal, &message)
                .ok_or_else(|| ExportError::failed("a message that is none"))?
                .into(),
            Protocol::Grpc | Protocol::HttpProtobuf => message,
        };
        if message.len() > self.max_request {
            return Err(ExportError::TooLarge {
                bytes: message.len(),
                limit: self.max_request,
            });
        }
        let compressed = self.compression.compress(message);
        let message = compressed.map_err(ExportError::failed)?;
        match self.protocol {
            Protocol::HttpProtobuf | Protocol::HttpJson => Ok(message),
            Protocol::Grpc => grpc::frame(&message, self.compression.encoding().is_some()).ok_or(
                ExportError::TooLarge {
                    bytes: message.len(),
                    limit: u32::MAX as usize,
                },
            ),
        }
    }

    /// Sends until there is a final answer or the time is over; tells `retrying` before each repetition.
    pub(super) async fn deliver(
        &self,
        http: &Http,
        body: &Bytes,
        mut limit: Limit,
        retrying: impl Fn(),
    ) -> Result<(), Failure> {
        let outcome = self.attempts(http, body, &mut limit, retrying).await;
        outcome.map_err(|failure| self.named(failure))
    }

    async fn attempts(
        &self,
        http: &Http,
        body: &Bytes,
        limit: &mut Limit,
        retrying: impl Fn(),
    ) -> Result<(), Failure> {
        let mut backoff = self.backoff;
        let mut last = None;
        let mut next = None;
        loop {
            while let Some(at) = next.max(self.not_before()) {
                next = None;
                if !limit.wait(at).await {
                    let otherwise = "the server asked to be left alone for longer";
                    return Err(given_up(last, otherwise));
                }
            }
            let request = self.request(body, limit.now());
            let answer = tokio::select! {
                biased;
                answer = self.ask(http, request) => answer,
                () = limit.expiry() => {
                    return Err(given_up(last, "the server does not answer"));
                }
            };
            match answer {
                Answer::Accepted { warning } => {
                    self.warn(warning);
                    return Ok(());
                }
                Answer::Rejected { spans, reason } => {
                    return Err(Failure::lasting(ExportError::Rejected { spans, reason }));
                }
                Answer::Refused { reason } => {
                    return Err(Failure::lasting(ExportError::Failed { reason }));
                }
                Answer::Later { reason, wait } => {
                    let pause = backoff.wait();
                    let at = cutoff::after(wait.map_or(pause, |least| least.max(pause)));
                    if wait.is_some() {
                        // Then other requests have to wait as well.
                        self.set_not_before(at);
                    }
                    if at >= limit.now() {
                        return Err(Failure::passing(ExportError::Failed { reason }));
                    }
                    next = Some(at);
                    last = Some(reason);
                    retrying();
                }
            }
        }
    }

    fn request(&self, body: &Bytes, until: Instant) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        match self.protocol {
            Protocol::Grpc => {
                let left = until.saturating_duration_since(Instant::now());
                grpc::describe(&mut request, self.compression.encoding(), left);
            }
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                let is_json = self.protocol == Protocol::HttpJson;
                over_http::describe(&mut request, is_json, self.compression.encoding());
            }
        }
        request
    }

    async fn ask(&self, http: &Http, request: Request<Full<Bytes>>) -> Answer {
        match (http.send(request).await, self.protocol) {
            (Ok(response), Protocol::Grpc) => grpc::judge(&response),
            (Ok(response), _) => over_http::judge(&response),
            (Err(reason), _) => Answer::Later { reason, wait: None },
        }
    }

    /// Until when the server is left alone, if that is not over.
    pub(super) fn not_before(&self) -> Option<Instant> {
        let mut not_before = self
            .not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *not_before = not_before.filter(|at| *at > Instant::now());
        *not_before
    }

    fn set_not_before(&self, at: Instant) {
        let mut not_before = self
            .not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *not_before = (*not_before).max(Some(at));
    }

    /// What a server says about spans that it took, once.
    fn warn(&self, warning: Option<String>) {
        if let Some(warning) = warning
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            diagnostics::report(Level::Warn, format_args!("{self}: {warning}"));
        }
    }

    /// Says of a failure where it happened.
    fn named(&self, mut failure: Failure) -> Failure {
        if let ExportError::Failed { reason }
        | ExportError::Rejected { reason, .. }
        | ExportError::TimedOut { reason } = &mut failure.error
        {
            *reason = format!("{self}: {reason}");
        }
        failure
    }
}

/// Where it sends to, without what may be a secret.
impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OTLP to {}", shown(&self.uri))
    }
}

impl Failure {
    pub(super) const fn lasting(error: ExportError) -> Self {
        Self {
            error,
            passing: false,
        }
    }

    pub(super) const fn passing(error: ExportError) -> Self {
        Self {
            error,
            passing: true,
        }
    }
}

/// The failure of a request for which there is no more time: what the server said last, if it said anything.
fn given_up(last: Option<String>, otherwise: &str) -> Failure {
    Failure::passing(match last {
        Some(reason) => ExportError::Failed { reason },
        None => ExportError::timed_out(otherwise),
    })
}

impl Limit {
    /// As things are now.
    fn now(&self) -> Instant {
        let cutoff = *self.cutoff.borrow();
        cutoff.map_or(self.until, |cutoff| cutoff.min(self.until))
    }

    /// Waits until `at`; false if the time is over first.
    async fn wait(&mut self, at: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.expiry() => false,
            () = tokio::time::sleep_until(at.into()) => true,
        }
    }

    /// Ends when the time is over, which a shutdown may bring nearer.
    async fn expiry(&mut self) {
        loop {
            self.cutoff.mark_unchanged();
            let over = tokio::time::sleep_until(self.now().into());
            tokio::select! {
                biased;
                () = over => return,
                changed = self.cutoff.changed() => {
                    if changed.is_err() {
                        // Nobody is left who could say anything else.
                        return tokio::time::sleep_until(self.now().into()).await;
                    }
                }
            }
        }
    }
}
