//! Where requests go (OpenTelemetry, "OTLP Exporter Configuration", "Endpoint URLs for OTLP/HTTP").

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use super::Signal;
use crate::env::percent_decode;

/// An endpoint that is not a URL to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEndpoint {
    endpoint: String,
    expected: &'static str,
}

impl fmt::Display for InvalidEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the endpoint `{}` is not {}",
            self.endpoint, self.expected
        )
    }
}

impl std::error::Error for InvalidEndpoint {}

/// A URL without what may be a secret.
pub(crate) fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    match uri.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// A base URL of OTLP over HTTP: traces go to `v1/traces` below it, other signals to a path of their own.
pub(crate) fn http_base(endpoint: &str, signal: Signal) -> Result<Uri, InvalidEndpoint> {
    let below = signal.path();
    let uri = with_scheme(endpoint)?;
    let path = uri.path().trim_end_matches('/');
    let path = match uri.query() {
        Some(query) => format!("{path}/{below}?{query}"),
        None => format!("{path}/{below}"),
    };
    with_path(uri, &path).ok_or_else(|| invalid(endpoint))
}

/// The URL for a signal itself, used as it is.
pub(crate) fn http_signal(endpoint: &str) -> Result<Uri, InvalidEndpoint> {
    with_scheme(endpoint)
}

/// The server of OTLP over gRPC: a URL whose scheme says whether to use TLS, or host and port, where `insecure` does.
///
/// The path of a call is fixed by gRPC, so one in the URL is ignored.
pub(crate) fn grpc(endpoint: &str, insecure: bool, signal: Signal) -> Result<Uri, InvalidEndpoint> {
    let uri = if endpoint.contains("://") {
        with_scheme(endpoint)?
    } else {
        let scheme = if insecure { "http" } else { "https" };
        with_scheme(&format!("{scheme}://{endpoint}")).map_err(|_| invalid(endpoint))?
    };
    with_path(uri, signal.method()).ok_or_else(|| invalid(endpoint))
}

pub(crate) fn with_scheme(endpoint: &str) -> Result<Uri, InvalidEndpoint> {
    let uri: Uri = endpoint.trim().parse().map_err(|_| invalid(endpoint))?;
    let scheme = [Scheme::HTTP, Scheme::HTTPS];
    let has_scheme = uri.scheme().is_some_and(|known| scheme.contains(known));
    if has_scheme && uri.authority().is_some_and(is_host_and_port) {
        Ok(uri)
    } else {
        Err(invalid(endpoint))
    }
}

/// Whether there is a host, and a port only if it is one.
fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let behind = authority
        .as_str()
        .rsplit('@')
        .next()
        .and_then(|text| text.strip_prefix(host));
    !host.is_empty() && (behind == Some("") || authority.port_u16().is_some())
}

/// The URL without user and password, and these as what `authorization` says by them (RFC 7617): with what is percent-encoded decoded, as curl does.
pub(super) fn without_userinfo(uri: Uri) -> (Uri, Option<HeaderValue>) {
    let split = |uri: &Uri| {
        let (userinfo, host) = uri.authority()?.as_str().rsplit_once('@')?;
        let decoded = percent_decode(userinfo).unwrap_or_else(|| userinfo.to_owned());
        // Without a password it is an empty one.
        let colon = if userinfo.contains(':') { "" } else { ":" };
        let basic = format!("Basic {}", STANDARD.encode(format!("{decoded}{colon}")));
        let mut basic = HeaderValue::try_from(basic).ok()?;
        basic.set_sensitive(true);
        let mut parts = uri.clone().into_parts();
        parts.authority = Some(host.parse().ok()?);
        Some((Uri::from_parts(parts).ok()?, Some(basic)))
    };
    split(&uri).unwrap_or((uri, None))
}

pub(crate) fn with_path(uri: Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

pub(crate) fn invalid(endpoint: &str) -> InvalidEndpoint {
    // What stands before an `@` may be a password.
    let shown = match (endpoint.find("://"), endpoint.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}..{}", &endpoint[..scheme + 3], &endpoint[at..])
        }
        (None, Some(at)) => format!("..{}", &endpoint[at..]),
        _ => endpoint.to_owned(),
    };
    InvalidEndpoint {
        endpoint: shown,
        expected: "a URL such as http://localhost:4318",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_a_base_url() {
        for (base, expected) in [
            ("http://h:4318", "http://h:4318/v1/traces"),
            ("http://h:4318/", "http://h:4318/v1/traces"),
            ("http://h:4318/x", "http://h:4318/x/v1/traces"),
            ("http://h:4318/x/", "http://h:4318/x/v1/traces"),
            ("https://h/x/y?key=1", "https://h/x/y/v1/traces?key=1"),
            ("HTTP://h", "http://h/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ] {
            assert_eq!(
                http_base(base, Signal::Traces).unwrap().to_string(),
                expected,
                "{base}"
            );
        }
    }

    #[test]
    fn each_signal_has_its_place() {
        let signal = Signal::Metrics;
        assert_eq!(
            http_base("http://h/", signal).unwrap().path(),
            "/v1/metrics"
        );
        assert_eq!(
            grpc("http://h", false, signal).unwrap().path(),
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        );
    }

    #[test]
    fn a_url_for_traces_is_used_as_it_is() {
        for (url, expected) in [
            ("http://h:4318", "http://h:4318/"),
            ("http://h:4318/", "http://h:4318/"),
            ("http://h/custom", "http://h/custom"),
            ("http://h/custom/", "http://h/custom/"),
            ("https://h/v1/traces?key=1", "https://h/v1/traces?key=1"),
        ] {
            assert_eq!(http_signal(url).unwrap().to_string(), expected, "{url}");
        }
    }

    #[test]
    fn the_scheme_of_a_grpc_endpoint_wins_over_insecure() {
        const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        for (endpoint, insecure, expected) in [
            ("http://h:4317", false, "http://h:4317"),
            ("http://h:4317", true, "http://h:4317"),
            ("https://h:4317", true, "https://h:4317"),
            ("https://h:4317/ignored", false, "https://h:4317"),
            ("h:4317", false, "https://h:4317"),
            ("h:4317", true, "http://h:4317"),
            ("h", true, "http://h"),
        ] {
            let uri = grpc(endpoint, insecure, Signal::Traces).unwrap();
            assert_eq!(
                uri.to_string(),
                format!("{expected}{METHOD}"),
                "{endpoint} {insecure}"
            );
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for endpoint in [
            "",
            "h:4318",
            "ftp://h",
            "http://",
            "http:///x",
            "unix:///tmp/s",
            "http://h:99999",
            "http://h:",
            "not a url",
        ] {
            assert!(http_base(endpoint, Signal::Traces).is_err(), "{endpoint}");
            assert!(http_signal(endpoint).is_err(), "{endpoint}");
        }
        for endpoint in ["", "unix:///tmp/s", "http://", "a b"] {
            assert!(grpc(endpoint, true, Signal::Traces).is_err(), "{endpoint}");
        }
    }

    #[test]
    fn user_and_password_go_from_the_url_into_a_header() {
        for (url, bare, basic) in [
            ("http://h:1/x", "http://h:1/x", None),
            ("http://u:p@h:1/x", "http://h:1/x", Some("Basic dTpw")),
            ("https://u@h/", "https://h/", Some("Basic dTo=")),
            (
                "http://u:p%zz@[::1]/",
                "http://[::1]/",
                Some("Basic dTpwJXp6"),
            ),
        ] {
            let (uri, header) = without_userinfo(url.parse().unwrap());
            assert_eq!(uri.to_string(), bare);
            assert_eq!(
                header.as_ref().map(|header| header.to_str().unwrap()),
                basic
            );
            assert!(header.is_none_or(|header| header.is_sensitive()));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for endpoint in [
            "ftp://user:secret@host",
            "user:secret@host:bad port",
            "http://user:secret@ho st",
        ] {
            let error = http_base(endpoint, Signal::Traces).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
