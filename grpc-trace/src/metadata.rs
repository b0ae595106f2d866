use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use tower_trace::policy::cut;

/// The first value of the name that `is_it`. To look at each name, which mostly is one comparison, costs less than to hash one; metadata
/// are few.
#[inline]
pub(crate) fn find(
    headers: &HeaderMap,
    is_it: impl Fn(&HeaderName) -> bool,
) -> Option<&HeaderValue> {
    let found = headers.iter().find(|header| is_it(header.0));
    found.map(|header| header.1)
}

/// Whether there is a name that `is_it`: half the price of looking for its value, where mostly there is none.
#[inline]
pub(crate) fn has(headers: &HeaderMap, is_it: impl Fn(&HeaderName) -> bool) -> bool {
    headers.keys().any(is_it)
}

/// A value as it is recorded. Binary ones are base64: under a key that ends with `-bin` they are already, on the wire.
pub(crate) fn text(_key: &HeaderName, value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => cut(text).to_owned(),
        Err(_) => cut(&STANDARD_NO_PAD.encode(value.as_bytes())).to_owned(),
    }
}
