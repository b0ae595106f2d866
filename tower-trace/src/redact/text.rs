//! URLs in texts that somebody else wrote.

use super::SensitiveKeys;

/// Redacts every word with `://` in it, from its scheme on. What stands right behind a secret in its word goes with it.
pub(super) fn redact(keys: &SensitiveKeys, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(colon) = rest.find("://") {
        let start = rest[..colon].trim_end_matches(is_of_scheme).len();
        let behind = &rest[colon..];
        let end = colon + behind.find(char::is_whitespace).unwrap_or(behind.len());
        out.push_str(&rest[..start]);
        out.push_str(&keys.redact_url(&rest[start..end]));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

const fn is_of_scheme(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}
