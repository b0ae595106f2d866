use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, Request, Response, Uri, Version};
use trace_testkit::http::Wish;
use tracing_core_ctx::attribute::{Array, Value};
use tracing_core_ctx::semconv::{self, http_request_method};
use tracing_core_ctx::span::SpanBuilder;
use tracing_core_ctx::{Span, SpanRef};

use super::{Fault, Layer, Resend};

const CREDENTIALS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-api-key",
];
const SECRET_KEYS: &[&str] = &[
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];

pub(super) fn name<B>(layer: &Layer, request: &Request<B>) -> String {
    let method = match known_method(layer, request) {
        "_OTHER" => "HTTP",
        known => known,
    };
    if layer.has(Fault::PathIsName) {
        return format!("{method} {}", request.uri().path());
    }
    match layer.wish {
        Some(Wish::Route(route)) if !layer.has(Fault::IgnoresRoute) => format!("{method} {route}"),
        _ => method.to_owned(),
    }
}

fn known_method<'a, B>(layer: &Layer, request: &'a Request<B>) -> &'a str {
    let method = request.method().as_str();
    if http_request_method::ALL.contains(&method) || layer.has(Fault::RawMethod) {
        method
    } else {
        "_OTHER"
    }
}

/// What is known when the span starts, for samplers too.
pub(super) fn start<'a, B>(
    layer: &Layer,
    request: &Request<B>,
    mut span: SpanBuilder<'a>,
) -> SpanBuilder<'a> {
    for (key, value) in attributes(layer, request) {
        span = span.attribute(&key, value);
    }
    span
}

/// The same, when the sampler has decided already.
pub(super) fn late_start<B>(layer: &Layer, request: &Request<B>, span: &Span) {
    for (key, value) in attributes(layer, request) {
        span.set(&key, value);
    }
}

fn attributes<B>(layer: &Layer, request: &Request<B>) -> Vec<(String, Value)> {
    let mut list = Vec::new();
    let mut add = |key: &str, value: Value| list.push((key.to_owned(), value));
    let method = known_method(layer, request);
    add("http.request.method", method.into());
    if method == "_OTHER" {
        add(
            "http.request.method_original",
            request.method().as_str().into(),
        );
    }
    let user_agent = request
        .headers()
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    if layer.is_server() {
        if let Some(agent) = user_agent.filter(|agent| !agent.is_empty()) {
            add("user_agent.original", agent.into());
        } else if layer.has(Fault::EmptyAttributes) {
            add("user_agent.original", "".into());
        }
    }

    let (address, port) = authority(layer, request);
    let scheme = request.uri().scheme_str().unwrap_or("http");
    if let Some(address) = address {
        add("server.address", address.into());
        let default = if scheme == "https" { 443 } else { 80 };
        match port {
            Some(port) => add("server.port", port.into()),
            None if !layer.is_server() => add("server.port", default.into()),
            None => {}
        }
    }
    if layer.is_server() {
        add("url.scheme", scheme.into());
        if !request.uri().path().is_empty() {
            add("url.path", request.uri().path().into());
        }
        if let Some(query) = request.uri().query().filter(|query| !query.is_empty()) {
            add("url.query", redacted_query(layer, query).into());
        }
        add(
            "network.protocol.version",
            version(layer, request.version()).into(),
        );
    } else {
        add("url.full", full_url(layer, request).into());
        match request.extensions().get::<Resend>() {
            Some(Resend(count)) => add("http.request.resend_count", (*count).into()),
            None if layer.has(Fault::EmptyAttributes) => add("http.request.resend_count", 0.into()),
            None => {}
        }
    }
    if let Some(Wish::Route(route)) = layer.wish {
        let key = if layer.is_server() {
            "http.route"
        } else {
            "url.template"
        };
        add(key, route.into());
    }
    if let Some(Wish::RequestHeaders(names)) = layer.wish {
        capture(
            layer,
            "http.request.header.",
            names,
            request.headers(),
            &mut add,
        );
    }
    if layer.has(Fault::CapturesHeaders) {
        capture(
            layer,
            "http.request.header.",
            &["x-tag"],
            request.headers(),
            &mut add,
        );
    }
    list
}

pub(super) fn response<B>(layer: &Layer, response: &Response<B>, span: &SpanRef) {
    let code = response.status().as_u16();
    if layer.has(Fault::CodeIsText) {
        span.set("http.response.status_code", code.to_string());
    } else {
        span.set(semconv::HTTP_RESPONSE_STATUS_CODE, code);
    }
    if !layer.is_server() {
        span.set(
            semconv::NETWORK_PROTOCOL_VERSION,
            version(layer, response.version()),
        );
    }
    let fails_from = if layer.is_server() && !layer.has(Fault::ServerFailsOn4xx) {
        500
    } else {
        400
    };
    if code >= fails_from {
        span.fail(response.status().as_str(), "");
    }
    if let Some(Wish::ResponseHeaders(names)) = layer.wish {
        capture(
            layer,
            "http.response.header.",
            names,
            response.headers(),
            &mut |key, value| {
                span.set(key, value);
            },
        );
    }
    debug_assert!(
        response
            .headers()
            .get(CONTENT_LENGTH)
            .is_none_or(|length| !length.is_empty())
    );
}

fn capture(
    layer: &Layer,
    prefix: &str,
    names: &[&str],
    headers: &HeaderMap,
    add: &mut dyn FnMut(&str, Value),
) {
    for name in names {
        if CREDENTIALS.contains(name) && !layer.has(Fault::CapturesListedCredentials) {
            continue;
        }
        let values: Vec<String> = headers
            .get_all(*name)
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
        if !values.is_empty() {
            add(&format!("{prefix}{name}"), Value::Array(Array::Str(values)));
        }
    }
}

fn version(layer: &Layer, version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 if layer.has(Fault::VersionHasName) => "2.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

fn authority<B>(layer: &Layer, request: &Request<B>) -> (Option<String>, Option<u16>) {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let forwarded = header("x-forwarded-host").filter(|_| layer.has(Fault::TrustsForwarded));
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    let host = header(HOST.as_str());
    let said = if layer.is_server() {
        host.or(target)
    } else {
        target.or(host)
    };
    let text = forwarded.or(said);
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return (None, None);
    };
    if layer.has(Fault::PortInAddress) {
        return (Some(text.to_owned()), None);
    }
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let Ok(uri) = Uri::builder()
        .scheme("http")
        .authority(text)
        .path_and_query("/")
        .build()
    else {
        return (None, None);
    };
    let host = uri.host().unwrap_or_default();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    (
        Some(bare.to_owned()).filter(|host| !host.is_empty()),
        uri.port_u16(),
    )
}

fn full_url<B>(layer: &Layer, request: &Request<B>) -> String {
    let uri = request.uri();
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let authority = uri
        .authority()
        .map(http::uri::Authority::as_str)
        .or(host)
        .unwrap_or_default();
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if !layer.has(Fault::TellsSecrets) => {
            let hidden = if user.contains(':') {
                "REDACTED:REDACTED"
            } else {
                "REDACTED"
            };
            format!("{hidden}@{host}")
        }
        _ => authority.to_owned(),
    };
    let query = uri
        .query()
        .map(|query| format!("?{}", redacted_query(layer, query)));
    format!(
        "{scheme}://{authority}{}{}",
        uri.path(),
        query.unwrap_or_default()
    )
}

fn redacted_query(layer: &Layer, query: &str) -> String {
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if SECRET_KEYS.contains(&key) && !layer.has(Fault::TellsSecrets) => {
                format!("{key}=REDACTED")
            }
            _ => pair.to_owned(),
        })
        .collect();
    pairs.join("&")
}
