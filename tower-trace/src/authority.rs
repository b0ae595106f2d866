//! The host and port inside an authority, as `server.address` and `server.port` want them.
//!
//! An authority is `[userinfo@]host[:port]` ([RFC 3986, section 3.2]). It comes from a request target, from `:authority`,
//! from `Host`, or from a forwarded header, so it is input from strangers: what cannot be a host is refused here, once, and
//! no caller has to look again.
//!
//! [RFC 3986, section 3.2]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2

use std::cell::RefCell;
use std::net::Ipv6Addr;

/// The longest host that is believed, in bytes; DNS allows 253, an IPv6 address with a zone fits too.
const MAX_HOST: usize = 255;

/// The most digits that a port has.
const MAX_PORT: usize = 5;

/// Splits an authority into host and port.
///
/// - The user information is left out: it must never reach an attribute.
/// - The brackets of an IPv6 address are left out: `[::1]:8080` is `("::1", Some(8080))`. A bare IPv6 address is taken
///   whole, since nothing tells its last group from a port.
/// - A port that is missing, empty, zero, or not a number up to 65535 is `None`; the host still counts.
/// - The host keeps its case. It is letters, digits and `-`, `.`, `_`, `~`, with at least one letter or digit among them.
///   An empty host and any other character (a space, a quote, a percent sign, non-ASCII text) make the whole `None`.
#[must_use]
pub fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    // A server is mostly called by one name, and a client mostly calls one: then it is the same as the last time.
    LAST.with_borrow_mut(|last| match last.of(authority) {
        Some(known) => Some(known),
        None => split_anew(authority, last),
    })
}

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(Last::NONE) };
}

/// The longest authority that is remembered, in bytes.
const REMEMBERED: usize = 64;

/// The last authority that was a name, perhaps with a port, and its parts.
struct Last {
    text: [u8; REMEMBERED],
    len: usize,
    host: usize,
    port: Option<u16>,
}

impl Last {
    const NONE: Self = Self {
        text: [0; REMEMBERED],
        len: 0,
        host: 0,
        port: None,
    };

    #[inline]
    fn of<'a>(&self, authority: &'a str) -> Option<(&'a str, Option<u16>)> {
        if self.len == 0 || self.text.get(..self.len) != Some(authority.as_bytes()) {
            return None;
        }
        Some((authority.get(..self.host)?, self.port))
    }

    fn learn(&mut self, authority: &str, host: &str, port: Option<u16>) {
        if let Some(text) = self.text.get_mut(..authority.len()) {
            text.copy_from_slice(authority.as_bytes());
            (self.len, self.host, self.port) = (authority.len(), host.len(), port);
        }
    }
}

#[inline(never)]
fn split_anew<'a>(authority: &'a str, last: &mut Last) -> Option<(&'a str, Option<u16>)> {
    // Nearly all are a name, perhaps with a port, which is read from its end on.
    let bytes = authority.as_bytes();
    let mut length = bytes.len();
    let mut number = 0;
    let mut scale = 1;
    for (at, byte) in bytes.iter().enumerate().rev().take(MAX_PORT + 1) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if *byte == b':' {
                length = at;
            }
            break;
        }
        number += u32::from(digit) * scale;
        scale *= 10;
    }
    match authority.get(..length) {
        Some(host) if is_name(host) => {
            let has_port = length < bytes.len();
            let port = if has_port { in_range(number) } else { None };
            last.learn(authority, host, port);
            Some((host, port))
        }
        Some(_) | None => split_unusual(authority),
    }
}

#[cold]
fn split_unusual(authority: &str) -> Option<(&str, Option<u16>)> {
    // The last `@` ends the user information, as in browsers: a password with a stray `@` must not pass for a host.
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_userinfo, rest)| rest);

    if let Some(bracketed) = host_and_port.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        let port = match rest {
            "" => None,
            _ => port(rest.strip_prefix(':')?),
        };
        return is_ipv6(address).then_some((address, port));
    }
    match host_and_port.split_once(':') {
        None => is_name(host_and_port).then_some((host_and_port, None)),
        Some((_, rest)) if rest.contains(':') => {
            is_ipv6(host_and_port).then_some((host_and_port, None))
        }
        Some((host, digits)) => is_name(host).then(|| (host, port(digits))),
    }
}

/// The port that a scheme implies, where `server.port` must be filled in.
#[must_use]
pub fn default_port(scheme: &str) -> Option<u16> {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    if is("http") || is("ws") {
        Some(80)
    } else if is("https") || is("wss") {
        Some(443)
    } else {
        None
    }
}

/// Reads a port; unlike `str::parse`, without accepting a sign.
pub(crate) fn port(digits: &str) -> Option<u16> {
    number(digits.as_bytes())
}

/// The number from 1 to 65535 that decimal digits stand for, however many zeros there are in front.
fn number(digits: &[u8]) -> Option<u16> {
    let mut number = 0_u32;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        // Sixteen bits at most before each step, so that 32 are never too few.
        number = number * 10 + u32::from(digit);
        if digit > 9 || number > u32::from(u16::MAX) {
            return None;
        }
    }
    in_range(number)
}

fn in_range(number: u32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

/// Whether the text is an IPv6 address, with or without a zone (`fe80::1%eth0`, in URLs `fe80::1%25eth0`).
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = match text.split_once('%') {
        None => (text, None),
        Some((address, zone)) => (address, Some(zone)),
    };
    let is_zone = |zone: &str| zone.bytes().all(|byte| byte == b'%' || is_unreserved(byte));
    text.len() <= MAX_HOST
        && address.parse::<Ipv6Addr>().is_ok()
        && zone.is_none_or(|zone| !zone.is_empty() && is_zone(zone))
}

/// Whether the text can be a registered name or an IPv4 address: unreserved characters, with at least one letter or digit among
/// them, and no more than a host can have.
fn is_name(text: &str) -> bool {
    let (chunks, rest) = text.as_bytes().as_chunks::<4>();
    // Of four bytes at once it is enough to know what they have in common.
    let of_chunks = chunks.iter().fold(UNRESERVED, |all, chunk| {
        let [a, b, c, d] = chunk.map(class);
        all & a & b & c & d
    });
    let all = rest.iter().fold(of_chunks, |all, byte| all & class(*byte));
    all & UNRESERVED != 0
        && text.len() <= MAX_HOST
        && text.bytes().any(|byte| class(byte) & ALPHANUMERIC != 0)
}

/// The `unreserved` characters of RFC 3986.
fn is_unreserved(byte: u8) -> bool {
    class(byte) & UNRESERVED != 0
}

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Letters, digits and `-`, `.`, `_`, `~`.
const UNRESERVED: u8 = 1;
const ALPHANUMERIC: u8 = 2;

/// One look-up for each byte of every host instead of a chain of comparisons.
static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = UNRESERVED | ALPHANUMERIC;
        } else if matches!(byte, b'-' | b'.' | b'_' | b'~') {
            table[byte as usize] = UNRESERVED;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn host_and_port_are_told_apart() {
        let table = [
            ("example.com", Some(("example.com", None))),
            ("example.com:8080", Some(("example.com", Some(8080)))),
            ("Example.COM.:443", Some(("Example.COM.", Some(443)))),
            ("127.0.0.1:80", Some(("127.0.0.1", Some(80)))),
            ("orders_api:9000", Some(("orders_api", Some(9000)))),
            ("[::1]:8080", Some(("::1", Some(8080)))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("[::ffff:10.0.0.1]:1", Some(("::ffff:10.0.0.1", Some(1)))),
            (
                "[fe80::1%25eth0]:8080",
                Some(("fe80::1%25eth0", Some(8080))),
            ),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("::1", Some(("::1", None))),
        ];
        for (authority, expected) in table {
            assert_eq!(split(authority), expected, "{authority}");
        }
    }

    #[test]
    fn junk_port_is_ignored_and_the_host_kept() {
        for port in [
            "",
            "0",
            "65536",
            "99999999999999",
            "80a",
            "+80",
            "-1",
            " 80",
            "８０",
        ] {
            let authority = format!("example.com:{port}");
            assert_eq!(
                split(&authority),
                Some(("example.com", None)),
                "{authority}"
            );
            let authority = format!("[::1]:{port}");
            assert_eq!(split(&authority), Some(("::1", None)), "{authority}");
        }
    }

    #[test]
    fn user_information_is_left_out() {
        assert_eq!(split("ann@example.com"), Some(("example.com", None)));
        assert_eq!(
            split("ann:secret@example.com:8080"),
            Some(("example.com", Some(8080)))
        );
        assert_eq!(split("ann:se@cret@[::1]:1"), Some(("::1", Some(1))));
        assert_eq!(split("ann:secret@"), None);
    }

    #[test]
    fn what_cannot_be_a_host_is_refused() {
        for authority in [
            "",
            ":",
            ":80",
            "@",
            "@:80",
            ".",
            "-",
            "a b",
            "a\"b",
            "a%20b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a,b",
            "<a>",
            "münchen.de",
            "a\u{0}b",
            "[",
            "[]",
            "[]:80",
            "[::1",
            "::1]",
            "[::1]8080",
            "[::1]x:80",
            "[example.com]",
            "[127.0.0.1]",
            "[v1.a:b]",
            "[::g]",
            "a:b:c",
            "1:2:3",
            "[fe80::1%]",
            "[fe80::1%a b]",
            "[[::1]]",
        ] {
            assert_eq!(split(authority), None, "{authority:?}");
        }
        assert_eq!(
            split(&"a".repeat(MAX_HOST)).map(|(_, port)| port),
            Some(None)
        );
        assert_eq!(split(&"a".repeat(MAX_HOST + 1)), None);
    }

    #[test]
    fn scheme_implies_a_port() {
        assert_eq!(default_port("http"), Some(80));
        assert_eq!(default_port("HTTPS"), Some(443));
        assert_eq!(default_port("ws"), Some(80));
        assert_eq!(default_port("wss"), Some(443));
        assert_eq!(default_port("unix"), None);
        assert_eq!(default_port(""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_split_into_a_host_without_delimiters(text in "\\PC*") {
            if let Some((host, port)) = split(&text) {
                prop_assert!(!host.is_empty());
                prop_assert!(!host.contains(['@', '[', ']', '/', '?', '#', ' ']));
                prop_assert_ne!(port, Some(0));
                prop_assert!(text.contains(host));
            }
        }

        #[test]
        fn what_is_remembered_is_what_was_said(
            authorities in prop::collection::vec("(a[b.]{0,3}|x{60,70})?(:[0-9]{0,6})?(@b)?", 1..6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 20),
        ) {
            for which in order {
                let authority = which.get(&authorities);
                let mut nothing_yet = Last::NONE;
                let alone = split_anew(authority, &mut nothing_yet);
                prop_assert_eq!(split(authority), alone, "{}", authority);
            }
        }

        #[test]
        fn text_of_delimiters_never_panics(text in "[a1:@\\[\\].%]{0,40}") {
            let _ = split(&text);
        }

        #[test]
        fn name_and_port_round_trip(
            userinfo in "([a-z]{1,5}(:[a-z@:]{0,5})?@)?",
            host in "[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?",
            port in 1_u16..,
        ) {
            let authority = format!("{userinfo}{host}:{port}");
            prop_assert_eq!(split(&authority), Some((host.as_str(), Some(port))));
            let authority = format!("{userinfo}{host}");
            prop_assert_eq!(split(&authority), Some((host.as_str(), None)));
        }

        #[test]
        fn ipv6_and_port_round_trip(address in any::<Ipv6Addr>(), port in 1_u16..) {
            let host = address.to_string();
            let authority = format!("[{host}]:{port}");
            prop_assert_eq!(split(&authority), Some((host.as_str(), Some(port))));
            prop_assert_eq!(split(&host), Some((host.as_str(), None)));
        }
    }
}
