//! Headers that are recorded because someone listed them.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tracing_core_ctx::attribute::{Array, KeyPrefix};
use tracing_core_ctx::diagnostics::{self, Level};

use crate::limit::cut;
use crate::redact::SensitiveKeys;

/// Never recorded, listed or not: they hold what grants access.
const SECRET: [&str; 22] = [
    "api-key",
    "apikey",
    "authentication",
    "authorization",
    "cookie",
    "ocp-apim-subscription-key",
    "private-token",
    "proxy-authorization",
    "set-cookie",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-key",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-access-token",
    "x-functions-key",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-vault-token",
    "x-xsrf-token",
];

/// Their values are URLs, with secrets of their own.
const URLS: [HeaderName; 3] = [header::CONTENT_LOCATION, header::LOCATION, header::REFERER];

/// How many lines of one header are recorded.
const MAX_LINES: usize = 16;

/// An allow-list of headers with the names of their attributes.
#[derive(Clone, Debug, Default)]
pub struct Captured(Vec<(HeaderName, String)>);

impl Captured {
    /// Whether nothing is listed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds headers. What is no header name, or holds secrets, is reported and left out.
    pub fn extend(&mut self, prefix: KeyPrefix, names: impl IntoIterator<Item = impl AsRef<str>>) {
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
                    diagnostics::report(Level::Warn, format_args!("{name:?} is no header name"));
                }
            }
        }
    }

    /// Shows the listed headers that are there to `record`, one text for each line. Bytes that are no text are replaced, and secrets of
    /// URLs too.
    #[inline]
    pub(crate) fn read(
        &self,
        headers: &HeaderMap,
        sensitive: &SensitiveKeys,
        record: impl FnMut(&String, Array),
    ) {
        let text = |header: &HeaderName, value: &HeaderValue| {
            let text = String::from_utf8_lossy(value.as_bytes());
            match URLS.contains(header) {
                true => cut(&sensitive.redact_url(&text)).to_owned(),
                false => cut(&text).to_owned(),
            }
        };
        self.read_as(headers, text, record);
    }

    /// Shows the listed headers that are there to `record`, one text for each line, as `text` makes it.
    #[inline]
    pub fn read_as(
        &self,
        headers: &HeaderMap,
        text: impl Fn(&HeaderName, &HeaderValue) -> String,
        record: impl FnMut(&String, Array),
    ) {
        if !self.is_empty() {
            self.read_listed(headers, text, record);
        }
    }

    /// By itself: mostly nothing is listed.
    #[inline(never)]
    fn read_listed(
        &self,
        headers: &HeaderMap,
        text: impl Fn(&HeaderName, &HeaderValue) -> String,
        mut record: impl FnMut(&String, Array),
    ) {
        for (header, key) in &self.0 {
            if headers.contains_key(header) {
                let lines = headers.get_all(header).iter().take(MAX_LINES);
                record(key, lines.map(|value| text(header, value)).collect());
            }
        }
    }
}
