use http::{
    Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
};

/// What a request says before its body: what closures and policies get to see.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target as the service got it; an outer router may have cut a prefix off.
    pub uri: &'a Uri,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What other layers attached.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    /// The head of `request`.
    pub fn new<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

/// What a response says before its body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What other layers attached.
    pub extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    /// The head of `response`.
    pub fn new<B>(response: &'a Response<B>) -> Self {
        Self {
            status: response.status(),
            version: response.version(),
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }
}

/// The headers that are read of every request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usual<'a> {
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) user_agent: Option<&'a HeaderValue>,
    content_length: Option<&'a HeaderValue>,
}

/// Up to so many names it is cheaper to look at each, which mostly is one comparison, than to hash three.
const MAX_SCANNED: usize = 24;

impl<'a> Usual<'a> {
    /// The first value of each.
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        if headers.keys_len() > MAX_SCANNED {
            return Self {
                host: headers.get(header::HOST),
                user_agent: headers.get(header::USER_AGENT),
                content_length: headers.get(header::CONTENT_LENGTH),
            };
        }
        let mut usual = Self::default();
        for (name, value) in headers {
            let place = match name {
                name if *name == header::HOST => &mut usual.host,
                name if *name == header::USER_AGENT => &mut usual.user_agent,
                name if *name == header::CONTENT_LENGTH => &mut usual.content_length,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        usual
    }

    /// How long the body is that the headers announce.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.content_length.and_then(length)
    }
}

/// How long the body is that the headers announce.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(length)
}

/// Digits and nothing else: a sign would pass for a number too.
fn length(value: &HeaderValue) -> Option<u64> {
    let length = value.to_str().ok()?;
    let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
    length.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn the_first_of_each_usual_header_is_found_among_few_and_many() {
        for others in [0, MAX_SCANNED] {
            let mut headers = HeaderMap::new();
            for other in 0..others {
                let name = HeaderName::try_from(format!("x-{other}")).unwrap();
                headers.insert(name, HeaderValue::from_static("x"));
            }
            assert!(Usual::of(&headers).host.is_none());
            for (name, values) in [
                (header::HOST, ["a", "b"]),
                (header::USER_AGENT, ["c", "d"]),
                (header::CONTENT_LENGTH, ["5", "6"]),
            ] {
                for value in values {
                    headers.append(&name, HeaderValue::from_static(value));
                }
            }
            let usual = Usual::of(&headers);
            assert_eq!(usual.host.unwrap(), "a");
            assert_eq!(usual.user_agent.unwrap(), "c");
            assert_eq!(usual.content_length(), Some(5));
        }
    }
}
