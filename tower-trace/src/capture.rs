//! Headers that are recorded because someone listed them.

use http::{HeaderMap, HeaderName, HeaderValue};
use tracing_core_ctx::attribute::{Array, KeyPrefix};
use tracing_core_ctx::diagnostics::{self, Level};

use crate::limit::cut;
use crate::redact::SensitiveKeys;

/// Never recorded, listed or not: they hold what grants access.
const SECRET: [&str; 29] = [
    "api-key",
    "apikey",
    "authentication",
    "authorization",
    "cf-access-jwt-assertion",
    "cookie",
    "cookie2",
    "ocp-apim-subscription-key",
    "private-token",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "x-access-token",
    "x-amz-security-token",
    "x-amzn-oidc-accesstoken",
    "x-amzn-oidc-data",
    "x-api-key",
    "x-auth-key",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-access-token",
    "x-functions-key",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-goog-iap-jwt-assertion",
    "x-ms-token-aad-access-token",
    "x-vault-token",
    "x-xsrf-token",
];

/// Their values are URLs, or hold some, with secrets of their own.
const URLS: [&str; 10] = [
    "content-location",
    "destination",
    "link",
    "location",
    "referer",
    "refresh",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

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
            match URLS.contains(&header.as_str()) {
                // Each of several, and one without a scheme.
                true => cut(&sensitive.redact_url(&sensitive.redact_text(&text))).to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is recorded of one line.
    fn read(header: &str, value: &str) -> Option<String> {
        let mut captured = Captured::default();
        captured.extend(KeyPrefix::new("h"), [header]);
        let name = HeaderName::from_bytes(header.as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
        let mut read = None;
        captured.read(&headers, &SensitiveKeys::default(), |_, lines| {
            read = Some(format!("{lines:?}"));
        });
        read
    }

    #[test]
    fn headers_that_hold_urls_lose_the_secrets_of_each() {
        for header in URLS {
            for value in [
                "https://ann:s3cret@h/a?sig=s3cret",
                "/a?b=1&sig=s3cret",
                "<https://h/a?sig=s3cret>; rel=next, <https://ann:s3cret@h/b?sig=s3cret>; rel=prev",
                "5; url=https://ann:s3cret@h/a?sig=s3cret",
                "5;url=/a?sig=s3cret",
            ] {
                let read = read(header, value).unwrap();
                assert!(!read.contains("s3cret"), "{header}: {read}");
            }
            assert!(read(header, "/a?b=1").unwrap().contains("/a?b=1"));
        }
    }

    #[test]
    fn headers_that_grant_access_are_never_recorded() {
        for header in SECRET {
            assert_eq!(read(header, "s3cret"), None, "{header}");
        }
    }
}
