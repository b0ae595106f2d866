use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use tower_trace::policy::cut;

/// Up to so many names it is cheaper to look at each, which mostly is one comparison, than to hash one.
const MAX_SCANNED: usize = 16;

/// The first value of `name`.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    if headers.keys_len() > MAX_SCANNED {
        return headers.get(name);
    }
    let found = headers.iter().find(|header| header.0 == name);
    found.map(|header| header.1)
}

/// A value as it is recorded. Binary ones are base64: under a key that ends with `-bin` they are already, on the wire.
pub(crate) fn text(_key: &HeaderName, value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => cut(text).to_owned(),
        Err(_) => cut(&STANDARD_NO_PAD.encode(value.as_bytes())).to_owned(),
    }
}
