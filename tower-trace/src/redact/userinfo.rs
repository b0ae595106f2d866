//! Where the user information of a URL is, in good URLs and in broken ones.

use crate::find::first_of;

/// What replaces the user information.
pub(super) fn redacted(userinfo: &str) -> &'static str {
    if userinfo.is_empty() {
        ""
    } else if userinfo.contains(':') {
        "REDACTED:REDACTED"
    } else {
        "REDACTED"
    }
}

/// Splits an authority before its last `@`: the user information, then the rest with the `@`.
pub(super) fn split(authority: &str) -> (&str, &str) {
    let bytes = authority.as_bytes();
    if first_of([b'@'], bytes, 0) == bytes.len() {
        return ("", authority);
    }
    authority.split_at(authority.rfind('@').unwrap_or(0))
}

/// Splits the text of a URL into what is before the user information, the user information, and what is after it.
pub(super) fn find(url: &str) -> (&str, &str, &str) {
    let (before, text) = url.split_at(authority_start(url));
    if before.is_empty() && text.starts_with(['/', '\\']) {
        // A path alone.
        return ("", "", url);
    }
    let authority = &text[..text.find(['/', '\\', '?', '#']).unwrap_or(text.len())];
    let expects_authority = !before.is_empty();
    let end = match authority.rfind('@') {
        Some(end) => end,
        None if is_sound(authority) || (authority.is_empty() && !expects_authority) => 0,
        None => text.rfind('@').unwrap_or(0),
    };
    let (userinfo, after) = text.split_at(end);
    (before, userinfo, after)
}

/// Where the authority begins: after the scheme and the slashes, however many and whichever way they lean, or at the start.
fn authority_start(url: &str) -> usize {
    // Browsers drop these wherever they stand in front of the host.
    let is_slash = |c: char| matches!(c, '/' | '\\' | '\t' | '\n' | '\r');
    let text = url.trim_start_matches(|c: char| c <= ' ');
    let scheme_end = match text.find([':', '/', '\\', '?', '#', '@']) {
        Some(colon) if text[colon..].starts_with(':') => colon + 1,
        _ => 0,
    };
    let after = &text[scheme_end..];
    let host = after.trim_start_matches(is_slash);
    let slashes = after.len() - host.len();
    // One slash without a scheme begins a path, and a colon without slashes may be that of a password.
    if slashes == 0 || (scheme_end == 0 && slashes == 1) {
        0
    } else {
        url.len() - host.len()
    }
}

/// Whether this, which holds no `@`, can be a host and a port. International names are hosts here; an empty port is none,
/// since a colon before a `/` is more often that of a password.
fn is_sound(authority: &str) -> bool {
    let is_port_or_end = |text: &str| match text.strip_prefix(':') {
        Some(port) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
        None => text.is_empty(),
    };
    if let Some(bracketed) = authority.strip_prefix('[') {
        return bracketed
            .split_once(']')
            .is_some_and(|(_, rest)| is_port_or_end(rest));
    }
    let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let is_host_char = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%');
    !host.is_empty() && host.chars().all(is_host_char) && is_port_or_end(port)
}
