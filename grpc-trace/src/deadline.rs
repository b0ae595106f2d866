use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::metadata;

pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// How long the caller waits, by its `grpc-timeout`. `None` where it does not say so.
#[inline]
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let is_it = |name: &HeaderName| *name == GRPC_TIMEOUT;
    let timeout = metadata::has(headers, is_it).then(|| metadata::find(headers, is_it));
    timeout.flatten().and_then(read)
}

/// Reads a `grpc-timeout`: at most eight digits and a unit. `None` where it is in other words.
pub(crate) fn read(timeout: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = timeout.as_bytes().split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("", None),
            ("m", None),
            ("5", None),
            ("+5S", None),
            ("123456789S", None),
            ("5s", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
            assert_eq!(timeout(&headers), expected, "{text:?}");
        }
        assert_eq!(timeout(&HeaderMap::new()), None);
    }
}
