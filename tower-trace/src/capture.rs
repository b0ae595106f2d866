//! Headers that are recorded because someone listed them.

use http::{HeaderMap, HeaderName};
use tracing_core_ctx::attribute::{Array, KeyPrefix};
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::span::SpanWriter;

/// Never recorded, listed or not: they hold what grants access.
const SECRET: [&str; 10] = [
    "api-key",
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-xsrf-token",
];

/// How many lines of one header are recorded.
const MAX_LINES: usize = 16;

/// An allow-list of headers with the names of their attributes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(Vec<(HeaderName, String)>);

impl Captured {
    /// Adds headers. What is no header name, or holds secrets, is reported and left out.
    pub(crate) fn extend(
        &mut self,
        prefix: KeyPrefix,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) {
        for name in names {
            let name = name.as_ref();
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(header) if SECRET.contains(&header.as_str()) => diagnostics::report(
                    Level::Warn,
                    format_args!("the header {header} holds secrets and is never recorded"),
                ),
                Ok(header) => {
                    let key = prefix.key(header.as_str());
                    self.0.push((header, key));
                }
                Err(_) => {
                    diagnostics::report(Level::Warn, format_args!("{name:?} is no header name"))
                }
            }
        }
    }

    /// Records the listed headers that are there, one text for each line. Bytes that are no text are replaced.
    pub(crate) fn record(&self, headers: &HeaderMap, span: &mut SpanWriter<'_>) {
        for (header, key) in &self.0 {
            if let Some(lines) = lines(headers, header) {
                span.set(key, lines);
            }
        }
    }

    /// Reads the listed headers, to be recorded later.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Vec<(&str, Array)> {
        self.0
            .iter()
            .filter_map(|(header, key)| Some((key.as_str(), lines(headers, header)?)))
            .collect()
    }
}

fn lines(headers: &HeaderMap, header: &HeaderName) -> Option<Array> {
    if !headers.contains_key(header) {
        return None;
    }
    let values = headers.get_all(header).iter().take(MAX_LINES);
    Some(
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect(),
    )
}
