//! Rules that a server hands out by Jaeger's protocol for remote sampling.

mod poll;
mod strategy;

use std::fmt::Write as _;
use std::time::Duration;

use http::Uri;

pub(crate) use poll::Poll;

use crate::otlp::InvalidEndpoint;
use crate::otlp::endpoint::{invalid, with_path, with_scheme};

/// Has a server say which traces are kept: Jaeger, or a collector with the extension `jaegerremotesampling`
/// ([protocol](https://www.jaegertracing.io/docs/latest/architecture/sampling/#remote-sampling)).
///
/// ```
/// use std::time::Duration;
/// use trace_pipeline::sampling::JaegerRemote;
/// # use trace_pipeline::exporter::InMemory;
///
/// let pipeline = trace_pipeline::Pipeline::builder()
///     .service("orders")
///     .jaeger_remote(JaegerRemote::http("http://localhost:5778/sampling").every(Duration::from_secs(10)))
/// #   .exporter(InMemory::default())
///     .build()?;
/// # Ok::<(), trace_pipeline::BuildError>(())
/// ```
///
/// - **When**: the server is asked when the pipeline is built and then again and again, on a thread of its own. Nobody waits for the first answer: until
///   it is there, one in a thousand traces is kept.
/// - **What is wrong** with an answer, or that there is none, is reported once, and the last good strategy stays.
/// - **Operations** are names of spans as they are known when the span starts: for a server's span the route is among them if its router is
///   inside of the layer's [`RouteLayer`](https://docs.rs/tower-trace). 2000 operations are followed; those beyond are kept as unknown ones are.
/// - **Weights** are honest: what is kept because of a lower bound or a limit carries the threshold that held then.
#[derive(Clone, Debug)]
#[must_use = "give it to `PipelineBuilder::jaeger_remote`"]
pub struct JaegerRemote {
    way: Way,
    endpoint: String,
    pub(crate) every: Duration,
    initial: f64,
    own_rates: bool,
}

/// How the server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Grpc,
    Http,
}

impl JaegerRemote {
    /// By HTTP, at this URL: `http://localhost:5778/sampling` of Jaeger, `http://localhost:14268/api/sampling` of older ones. The name of the
    /// service is added.
    pub fn http(url: impl Into<String>) -> Self {
        Self::new(Way::Http, url.into())
    }

    /// By gRPC (`jaeger.api_v2.SamplingManager`), at this server: `http://localhost:5779` of Jaeger, `http://localhost:14250` of older ones.
    pub fn grpc(url: impl Into<String>) -> Self {
        Self::new(Way::Grpc, url.into())
    }

    const fn new(way: Way, endpoint: String) -> Self {
        Self {
            way,
            endpoint,
            every: Duration::from_secs(60),
            initial: 0.001,
            own_rates: false,
        }
    }

    /// How long after an answer the server is asked again, at least 10 ms. Default: 60 s.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every.max(Duration::from_millis(10));
        self
    }

    /// Which part of the traces is kept before the first answer, 0 to 1. Default: 0.001.
    pub const fn initial_probability(mut self, probability: f64) -> Self {
        self.initial = probability;
        self
    }

    /// Has the strategy decide about the traces of callers too. Default: what the caller decided.
    pub const fn own_rates(mut self) -> Self {
        self.own_rates = true;
        self
    }

    /// What is asked, for this service.
    pub(crate) fn uri(&self, service: &str) -> Result<Uri, InvalidEndpoint> {
        const METHOD: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";

        let uri = with_scheme(&self.endpoint)?;
        let path = match self.way {
            Way::Grpc => METHOD.to_owned(),
            Way::Http => {
                let and = match uri.query() {
                    Some(query) => format!("?{query}&"),
                    None => "?".to_owned(),
                };
                format!("{}{and}service={}", uri.path(), escaped(service))
            }
        };
        with_path(uri, &path).ok_or_else(|| invalid(&self.endpoint))
    }
}

/// A value for a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => escaped.push(byte.into()),
            _ => {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_in_the_question() {
        for (remote, uri) in [
            (
                JaegerRemote::http("http://localhost:5778/sampling"),
                "http://localhost:5778/sampling?service=a%20%26%C3%BC",
            ),
            (
                JaegerRemote::http("https://jaeger.example/api/sampling?tenant=7"),
                "https://jaeger.example/api/sampling?tenant=7&service=a%20%26%C3%BC",
            ),
            (
                JaegerRemote::http("http://localhost:5778"),
                "http://localhost:5778/?service=a%20%26%C3%BC",
            ),
            (
                JaegerRemote::grpc("http://localhost:14250"),
                "http://localhost:14250/jaeger.api_v2.SamplingManager/GetSamplingStrategy",
            ),
        ] {
            assert_eq!(remote.uri("a &ü").unwrap(), uri);
        }
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_an_error() {
        for endpoint in ["", "localhost", "ftp://localhost", "http://"] {
            assert!(JaegerRemote::http(endpoint).uri("a").is_err(), "{endpoint}");
            assert!(JaegerRemote::grpc(endpoint).uri("a").is_err(), "{endpoint}");
        }
    }
}
