//! The shapes of ids.

use std::net::{Ipv4Addr, Ipv6Addr};

/// `8-4-4-4-12` hexadecimal digits (RFC 9562), in either case.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// 26 digits of Crockford's base 32, of which the first is at most 7, since there are 128 bits.
pub(super) fn is_ulid(text: &str) -> bool {
    let is_base32 = |byte: u8| {
        byte.is_ascii_alphanumeric()
            && !matches!(byte.to_ascii_lowercase(), b'i' | b'l' | b'o' | b'u')
    };
    text.len() == 26
        && text.starts_with(|first| ('0'..='7').contains(&first))
        && text.bytes().all(is_base32)
        && !is_digits(text)
}

/// A digest in hexadecimal digits, with or without the name of its function in front, or abbreviated as by git.
///
/// What may be a word or a number is none: seven digits need a letter and a number among them, unless they are as many as
/// a common function makes. 24 digits are an object id of MongoDB and no digest.
pub(super) fn is_hash(text: &str) -> bool {
    let hex = match text.split_once(':') {
        Some(("md5" | "sha1" | "sha256" | "sha384" | "sha512", hex)) => hex,
        _ => text.strip_prefix("0x").unwrap_or(text),
    };
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let is_mixed = || !is_digits(hex) && hex.bytes().any(|byte| byte.is_ascii_digit());
    match hex.len() {
        32 | 40 | 56 | 64 | 96 | 128 => true,
        24 => false,
        7..=128 => is_mixed(),
        _ => false,
    }
}

/// `2026-11-21`, `2026-11` (also with `_` or `.`), `20261121`, each but the second with a time behind it.
pub(super) fn is_date(text: &str) -> bool {
    let Some((year, rest)) = text.split_at_checked(4) else {
        return false;
    };
    let is_year = is_digits(year) && (year.starts_with("19") || year.starts_with("20"));
    let undelimited = rest.strip_prefix(['-', '_', '.']);
    let Some((month, rest)) = two_digits(undelimited.unwrap_or(rest)) else {
        return false;
    };
    let day = match undelimited {
        Some(_) if rest.is_empty() => return is_year && (1..=12).contains(&month),
        Some(_) => rest.strip_prefix(['-', '_', '.']).and_then(two_digits),
        None => two_digits(rest),
    };
    is_year
        && (1..=12).contains(&month)
        && day.is_some_and(|(day, time)| (1..=31).contains(&day) && is_time(time))
}

/// Nothing, or what follows a date in RFC 3339: `T10:00:00.5+01:00`, `T100000Z`.
fn is_time(text: &str) -> bool {
    let is_time_char = |byte: u8| byte.is_ascii_digit() || b":.+-Zz".contains(&byte);
    match text.strip_prefix(['T', 't', '_']) {
        None => text.is_empty(),
        Some(time) => time.len() >= 2 && time.bytes().all(is_time_char),
    }
}

fn two_digits(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    is_digits(digits).then_some((digits.parse().ok()?, rest))
}

pub(super) fn is_ip(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok() || (text.contains(':') && text.parse::<Ipv6Addr>().is_ok())
}

/// `ann@example.com`, with the `@` as it is or percent-encoded.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@').or_else(|| text.rsplit_once("%40")) else {
        return false;
    };
    let is_domain_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let is_domain = domain.bytes().all(is_domain_char)
        && domain
            .rsplit_once('.')
            .is_some_and(|(name, top)| !name.is_empty() && top.len() > 1 && !is_digits(top));
    !local.is_empty() && local.is_ascii() && is_domain
}

/// A version that stays, since there are few of them: `v1`, `v2.1`, `v1beta1`, `v1p1beta1`, `1.1`.
pub(super) fn is_short_version(text: &str) -> bool {
    if let [major, b'.', minor] = text.as_bytes() {
        return major.is_ascii_digit() && minor.is_ascii_digit();
    }
    let Some((numbers, tag)) = split_version(text) else {
        return false;
    };
    let mut numbers = numbers.split('.');
    let is_short = |number: &str| matches!(number.len(), 1 | 2);
    numbers.next().is_some_and(is_short)
        && numbers.next().is_none_or(is_short)
        && numbers.next().is_none()
        && is_tag(tag)
}

/// `1.20.3`, `v1.20.3`, `v1.20.3-beta`, `v2026`.
pub(super) fn is_version(text: &str) -> bool {
    let are_numbers = |numbers: &str| numbers.split('.').all(is_digits);
    match split_version(text) {
        Some((numbers, tag)) => are_numbers(numbers) && is_tag(tag),
        None => text.split('.').count() > 2 && are_numbers(text),
    }
}

/// Splits `v1.2-beta` into `1.2` and `-beta`.
fn split_version(text: &str) -> Option<(&str, &str)> {
    let version = text.strip_prefix(['v', 'V'])?;
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let end = version.find(|c| !is_number(c)).unwrap_or(version.len());
    version
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| version.split_at(end))
}

/// Nothing, or what tells how ripe a version is.
fn is_tag(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    // Google numbers its previews: `v1p1beta1`.
    let text = match text.as_bytes() {
        [b'p', digit, ..] if digit.is_ascii_digit() => &text[2..],
        _ => text,
    };
    let tag = text
        .strip_suffix(|c: char| c.is_ascii_digit())
        .unwrap_or(text);
    matches!(tag, "" | "alpha" | "beta" | "dev" | "preview" | "rc")
}

/// A JSON web token: its header is an object, so in base 64 it begins with `eyJ`, and two or four dots follow.
pub(super) fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && matches!(text.matches('.').count(), 2 | 4)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
