//! Secrets in URLs, taken out before anything is recorded.
//!
//! Two kinds of secret travel in URLs: user information (`https://user:password@host/`) and the values of query parameters
//! that sign or grant something. Both become `REDACTED`, as the [semantic conventions for URLs] ask. Everything else stays,
//! in its order, byte for byte.
//!
//! [semantic conventions for URLs]: https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

mod query;
mod text;
mod userinfo;

use self::query::{Secrets, Shapes};
use crate::find::first_of;

/// What stands where a secret stood.
const REDACTED: &str = "REDACTED";

/// The names of the query parameters whose values are secret.
///
/// The default is the seven names of the conventions: `AWSAccessKeyId`, `Signature`, `sig`, `X-Amz-Credential`,
/// `X-Amz-Security-Token`, `X-Amz-Signature` and `X-Goog-Signature`. Add the names of your own services with
/// [`extend`](Self::extend), or replace the list by starting from [`none`](Self::none).
///
/// Names match exactly, case included, after percent-decoding: `%73ig=abc` is a `sig` to whoever receives it, so it is one
/// here. Every occurrence of a name counts. A name without a value (`?sig`) is left alone.
///
/// User information is redacted whatever the list says.
///
/// # Examples
///
/// ```
/// use tower_trace::redact::SensitiveKeys;
///
/// let keys = SensitiveKeys::default().extend(["api_key"]);
///
/// assert_eq!(keys.redact_query("color=blue&api_key=k-123"), "color=blue&api_key=REDACTED");
/// assert_eq!(
///     keys.redact_url("https://ann:secret@example.com/x?sig=abc"),
///     "https://REDACTED:REDACTED@example.com/x?sig=REDACTED",
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SensitiveKeys {
    names: Vec<Cow<'static, str>>,
    /// Made of the names.
    shapes: Shapes,
}

impl SensitiveKeys {
    /// A list without names: no query value is redacted. User information still is.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            names: Vec::new(),
            shapes: Shapes::none(),
        }
    }

    /// Adds names, spelled as they read after percent-decoding.
    ///
    /// ```
    /// use tower_trace::redact::SensitiveKeys;
    ///
    /// let only_mine = SensitiveKeys::none().extend(["token"]);
    /// assert_eq!(only_mine.redact_query("token=t&sig=abc"), "token=REDACTED&sig=abc");
    /// ```
    #[must_use]
    pub fn extend(mut self, names: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        for name in names {
            let name = name.into();
            if !self.names.contains(&name) {
                self.shapes.add(&name);
                self.names.push(name);
            }
        }
        self
    }

    /// Redacts a query, given without its `?`. Borrowed when nothing changes.
    ///
    /// Parameters are apart by `&`. Within a value, `;` and `?` begin a parameter too: some servers take `;` for `&`, and a
    /// URL often carries another one, signed, without encoding it (`next=https://bucket/x?X-Amz-Signature=…`). A URL that
    /// is percent-encoded inside a value is not looked into.
    #[must_use]
    pub fn redact_query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if Secrets::new(self, query, 0).next().is_none() {
            return Cow::Borrowed(query);
        }
        to_string(query.len(), |out| self.write_query(out, query, 0))
    }

    /// Redacts the text of a URL. Borrowed when nothing changes.
    ///
    /// User information becomes `REDACTED:REDACTED@`, or `REDACTED@` when it has no password. The query is redacted as by
    /// [`redact_query`](Self::redact_query), and so is the fragment, since sign-in flows return parameters in it.
    ///
    /// The text does not have to be a good URL. With no scheme, with backslashes or with too many slashes, what a browser
    /// would take for user information is redacted. Where host and port cannot be ones (`https://ann:se/cret@host/`), the
    /// text is taken for a URL whose password holds an unencoded delimiter, and everything up to the last `@` is redacted.
    #[must_use]
    pub fn redact_url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let (before, userinfo, after) = userinfo::find(url);
        let is_clean = userinfo == userinfo::redacted(userinfo);
        if is_clean && Secrets::new(self, after, path_end(after)).next().is_none() {
            return Cow::Borrowed(url);
        }
        to_string(url.len(), |out| {
            out.write_str(before)?;
            out.write_str(userinfo::redacted(userinfo))?;
            self.write_from_path(out, after)
        })
    }

    /// Redacts the URLs in a text that somebody else wrote.
    pub(crate) fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match text.contains("://") {
            true => Cow::Owned(text::redact(self, text)),
            false => Cow::Borrowed(text),
        }
    }

    /// Writes a redacted URL from the pieces of a request: `scheme://authority`, then the path and query.
    ///
    /// Without an authority only the path and query are written. Nothing is allocated.
    ///
    /// # Errors
    ///
    /// Only those of `out`.
    pub fn write_url(
        &self,
        out: &mut impl Write,
        scheme: &str,
        authority: &str,
        path_and_query: &str,
    ) -> fmt::Result {
        if !authority.is_empty() {
            if !scheme.is_empty() {
                out.write_str(scheme)?;
            }
            out.write_str(if scheme.is_empty() { "//" } else { "://" })?;
            let (userinfo, host_and_port) = userinfo::split(authority);
            if !userinfo.is_empty() {
                out.write_str(userinfo::redacted(userinfo))?;
            }
            out.write_str(host_and_port)?;
        }
        self.write_from_path(out, path_and_query)
    }

    /// Writes the end of a URL, from its path (or its host) on.
    fn write_from_path(&self, out: &mut impl Write, text: &str) -> fmt::Result {
        self.write_query(out, text, path_end(text))
    }

    /// Writes the text, redacted from where its query begins.
    fn write_query(&self, out: &mut impl Write, text: &str, query: usize) -> fmt::Result {
        let mut done = 0;
        for secret in Secrets::new(self, text, query) {
            out.write_str(&text[done..secret.start])?;
            out.write_str(REDACTED)?;
            done = secret.end;
        }
        out.write_str(&text[done..])
    }
}

impl Default for SensitiveKeys {
    fn default() -> Self {
        Self::none().extend([
            "AWSAccessKeyId",
            "Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "X-Amz-Signature",
            "X-Goog-Signature",
            "sig",
        ])
    }
}

impl fmt::Debug for SensitiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SensitiveKeys")
            .field("names", &self.names)
            .finish()
    }
}

/// Where the path ends: before the first `?` or `#`.
fn path_end(text: &str) -> usize {
    first_of([b'?', b'#'], text.as_bytes(), 0)
}

fn to_string(length: usize, write: impl FnOnce(&mut String) -> fmt::Result) -> Cow<'static, str> {
    let mut out = String::with_capacity(length + 2 * REDACTED.len());
    // Writing to a string does not fail.
    let _ = write(&mut out);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
