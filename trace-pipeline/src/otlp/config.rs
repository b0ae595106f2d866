use std::fmt;
use std::time::Duration;

use http::Uri;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tracing_core_ctx::diagnostics::{self, Level};

use super::compression::Compression;
use super::delivery::Deliveries;
use super::endpoint;
use super::exporter::OtlpExporter;
use super::post::Post;
use super::sender::Sender;
use super::spooling::Spooling;
use super::tls::{Tls, TlsConfig};
use super::{ConfigError, InvalidEndpoint, Signal};
use crate::spool::{Slot, SpoolConfig};

/// Where and how to send spans. What is not set has the default that OpenTelemetry names.
///
/// ```
/// use trace_pipeline::otlp::OtlpConfig;
///
/// let config = OtlpConfig::http()
///     .endpoint("https://otlp.example:4318")
///     .header("authorization", "Bearer token");
/// # config.build()?;
/// # Ok::<(), trace_pipeline::otlp::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "give it to `PipelineBuilder::otlp`, or `build` it"]
pub struct OtlpConfig {
    pub(crate) protocol: Protocol,
    pub(crate) target: Target,
    pub(crate) insecure: bool,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) tls: TlsConfig,
    pub(crate) max_request: usize,
    pub(crate) max_response: usize,
    pub(crate) first_wait: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) concurrent_exports: usize,
    pub(crate) spool: Option<SpoolConfig>,
}

/// How spans are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, on port 4317 by default.
    Grpc,
    /// Protocol Buffers over HTTP/1.1, on port 4318 by default.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP/1.1, three times as large: for servers that take nothing else.
    HttpJson,
}

/// Which of the endpoint settings holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Target {
    #[default]
    Default,
    Endpoint(String),
    /// Of the signal that is sent.
    SignalUrl(String),
}

impl OtlpConfig {
    /// OTLP over HTTP, to `http://localhost:4318`.
    pub fn http() -> Self {
        Self::new(Protocol::HttpProtobuf)
    }

    /// OTLP as JSON over HTTP, to `http://localhost:4318`.
    pub fn http_json() -> Self {
        Self::new(Protocol::HttpJson)
    }

    /// OTLP over gRPC, to `http://localhost:4317`.
    pub fn grpc() -> Self {
        Self::new(Protocol::Grpc)
    }

    /// What the environment says: `OTEL_EXPORTER_OTLP_*` and `OTEL_EXPORTER_OTLP_TRACES_*`, of which the latter win.
    ///
    /// What is wrong there is reported and ignored.
    pub fn from_env() -> Self {
        crate::env::otlp_config(Signal::Traces)
    }

    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            target: Target::Default,
            insecure: false,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            compression: Compression::None,
            tls: TlsConfig::default(),
            max_request: 64 << 20,
            max_response: 4 << 20,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(5),
            concurrent_exports: 4,
            spool: None,
        }
    }

    /// The server. Over HTTP, traces go to `v1/traces` below this URL. Over gRPC it may also be host and port
    /// without a scheme, see [`insecure`](Self::insecure).
    ///
    /// User and password in the URL are sent as `authorization: Basic`, unless that [header](Self::header) is set.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.target = Target::Endpoint(url.into());
        self
    }

    /// The URL that traces are sent to, as it is. Over gRPC the same as [`endpoint`](Self::endpoint).
    pub fn traces_url(mut self, url: impl Into<String>) -> Self {
        self.target = Target::SignalUrl(url.into());
        self
    }

    /// Whether a gRPC endpoint without a scheme is spoken to without TLS. Default: with TLS.
    pub const fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Sends a header with each request, over gRPC as metadata. A second value for a name replaces the first.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long a batch may take, repetitions included. Default: 10 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How requests are made smaller. Default: not at all.
    pub const fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The only certificates to trust, as PEM. Default: those of the operating system.
    pub fn certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.certificate = Some(pem.into());
        self
    }

    /// The certificate, with its chain, that the server knows us by, and its key, both as PEM.
    pub fn client_identity(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.client_identity = Some((certificate.into(), key.into()));
        self
    }

    /// The largest request in bytes, before compression; larger ones are dropped. Default: 64 MiB.
    pub const fn max_request(mut self, bytes: usize) -> Self {
        self.max_request = bytes;
        self
    }

    /// The largest answer in bytes that is read; larger ones are failures. Default: 4 MiB.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// The first wait before a request is repeated, and the longest. Default: 200 ms and 5 s.
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// How many batches are on their way to the server at the same time, at least one. One that is answered slowly
    /// does not hold up those behind it; together they hold 8 MiB. Default: 4.
    pub const fn concurrent_exports(mut self, exports: usize) -> Self {
        self.concurrent_exports = exports;
        self
    }

    /// Keeps batches on disk until the server has taken them, in a pipeline that has OTLP alone. Default: in memory.
    pub fn spool(mut self, spool: SpoolConfig) -> Self {
        self.spool = Some(spool);
        self
    }

    /// An exporter that sends one batch after the other, for a [`Tee`](crate::exporter::Tee) or an exporter of your
    /// own. A pipeline of OTLP alone is better off with [`PipelineBuilder::otlp`](crate::PipelineBuilder::otlp).
    ///
    /// # Errors
    ///
    /// When the endpoint is no URL, a header can not be sent, or a certificate can not be read.
    pub fn build(self) -> Result<OtlpExporter, ConfigError> {
        if self.spool.is_some() {
            diagnostics::report(
                Level::Warn,
                format_args!("spans are not spooled: only a pipeline of OTLP alone does that"),
            );
        }
        Ok(OtlpExporter::new(self.post(Signal::Traces)?))
    }

    /// What a pipeline of OTLP alone uses.
    pub(crate) fn deliveries(self) -> Result<Deliveries, ConfigError> {
        let (sender, tls) = self.sender(Signal::Traces)?;
        let spool = self.spool.as_ref().map(|config| {
            let slot = Slot::claim(&config.directory).inspect_err(|error| {
                let directory = config.directory.display();
                diagnostics::report(
                    Level::Error,
                    format_args!(
                        "the spool can not be in `{directory}`: {error}; spans are sent from memory"
                    ),
                );
            })?;
            Ok(Spooling::new(config.clone(), slot))
        });
        Ok(Deliveries::new(&self, sender, tls, spool))
    }

    /// What sends a signal, one message after the other.
    pub(crate) fn post(&self, signal: Signal) -> Result<Post, ConfigError> {
        let (sender, tls) = self.sender(signal)?;
        Ok(Post::new(sender, self.max_response, tls))
    }

    fn sender(&self, signal: Signal) -> Result<(Sender, Tls), ConfigError> {
        let (uri, basic) = endpoint::without_userinfo(self.uri(signal)?);
        let mut headers = self.header_map()?;
        if let Some(basic) = basic {
            headers.entry(header::AUTHORIZATION).or_insert(basic);
        }
        let tls = self.tls.load()?;
        Ok((Sender::new(self, signal, uri, headers), tls))
    }

    pub(crate) fn uri(&self, signal: Signal) -> Result<Uri, InvalidEndpoint> {
        match (self.protocol, &self.target) {
            (Protocol::Grpc, Target::Default) => {
                endpoint::grpc("http://localhost:4317", false, signal)
            }
            (Protocol::Grpc, Target::Endpoint(url) | Target::SignalUrl(url)) => {
                endpoint::grpc(url, self.insecure, signal)
            }
            (_, Target::Default) => endpoint::http_base("http://localhost:4318", signal),
            (_, Target::Endpoint(url)) => endpoint::http_base(url, signal),
            (_, Target::SignalUrl(url)) => endpoint::http_signal(url),
        }
    }

    /// What the exporter is called in metrics.
    pub(crate) const fn component_type(&self) -> &'static str {
        match self.protocol {
            Protocol::Grpc => "otlp_grpc_span_exporter",
            Protocol::HttpProtobuf => "otlp_http_span_exporter",
            Protocol::HttpJson => "otlp_http_json_span_exporter",
        }
    }

    /// The host and the port of the back end.
    pub(crate) fn server(&self) -> Option<(String, u16)> {
        let uri = self.uri(Signal::Traces).ok()?;
        let is_https = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Some((uri.host()?.to_owned(), port))
    }

    fn header_map(&self) -> Result<HeaderMap, ConfigError> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let (header, value) =
                header(name, value).ok_or_else(|| ConfigError::Header { name: name.clone() })?;
            map.insert(header, value);
        }
        Ok(map)
    }
}

/// A header that may be sent: not one that says how the message is built, which is not the user's to say.
pub(crate) fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    const OURS: [HeaderName; 7] = [
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::HOST,
        header::TE,
        header::TRANSFER_ENCODING,
    ];
    let name: HeaderName = name.parse().ok()?;
    let mut value: HeaderValue = value.parse().ok()?;
    value.set_sensitive(true);
    (!OURS.contains(&name) && !name.as_str().starts_with("grpc-")).then_some((name, value))
}

/// Without the values of headers and without keys.
impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OtlpConfig")
            .field("protocol", &self.protocol)
            .field("target", &self.target)
            .field("insecure", &self.insecure)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers_are_secrets() {
        let (_, value) = header("authorization", "Bearer secret").unwrap();
        assert!(value.is_sensitive());
    }

    #[test]
    fn what_says_how_the_message_is_built_is_not_for_the_user_to_say() {
        for name in [
            "Content-Length",
            "content-type",
            "host",
            "te",
            "grpc-timeout",
            "",
            "a b",
            "ü",
        ] {
            let config = OtlpConfig::http().header(name, "1");
            assert!(
                matches!(config.build(), Err(ConfigError::Header { name: refused }) if refused == name)
            );
        }
        assert!(
            OtlpConfig::http()
                .header("x-tenant", "line\nbreak")
                .build()
                .is_err()
        );
    }

    #[test]
    fn the_user_agent_can_be_changed() {
        let headers = OtlpConfig::http()
            .header("user-agent", "shop/1")
            .header("x", "1")
            .header("X", "2");
        let headers = headers.header_map().unwrap();
        assert_eq!(
            (&headers["user-agent"], &headers["x"]),
            (&"shop/1".parse().unwrap(), &"2".parse().unwrap())
        );
    }
}
