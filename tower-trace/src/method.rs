//! Which methods are known: the others are `_OTHER`, so that a scanner cannot make up names.

use http::Method;

/// The methods that are recorded as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownMethods {
    /// Replaces the conventions' list.
    replaced: Option<Box<[String]>>,
}

/// What stands in `http.request.method` for an unknown method.
pub(crate) const OTHER: &str = "_OTHER";

impl KnownMethods {
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, a comma-separated list in place of the conventions' own, if it is set.
    pub(crate) fn from_env() -> Self {
        std::env::var("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS")
            .map_or_else(|_| Self::default(), |list| Self::parse(&list))
    }

    fn parse(list: &str) -> Self {
        let methods: Box<[String]> = list
            .split(',')
            .map(str::trim)
            .filter(|method| !method.is_empty())
            .map(str::to_owned)
            .collect();
        Self {
            replaced: (!methods.is_empty()).then_some(methods),
        }
    }

    /// The method as it is recorded. Most requests are a `GET`, so it is told first.
    pub(crate) fn name<'a>(&self, method: &'a Method) -> &'a str {
        if self.replaced.is_none() && *method == Method::GET {
            return "GET";
        }
        self.look_up(method)
    }

    #[inline(never)]
    fn look_up<'a>(&self, method: &'a Method) -> &'a str {
        let name = method.as_str();
        let known = match &self.replaced {
            Some(methods) => methods.iter().any(|known| known == name),
            None => match *method {
                Method::CONNECT
                | Method::DELETE
                | Method::GET
                | Method::HEAD
                | Method::OPTIONS
                | Method::PATCH
                | Method::POST
                | Method::PUT
                | Method::TRACE => true,
                // Not yet one of the crate's constants.
                _ => name == "QUERY",
            },
        };
        if known { name } else { OTHER }
    }
}

/// The pieces of a span's name: the method, and the target if there is one of low cardinality.
pub(crate) fn name_of<'a>(method: &'a str, target: Option<&'a str>) -> [&'a str; 3] {
    let method = if method == OTHER { "HTTP" } else { method };
    match target {
        None => [method, "", ""],
        Some(target) => [method, " ", target],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_compared_with_case() {
        let known = KnownMethods::default();
        assert_eq!(known.name(&Method::from_bytes(b"QUERY").unwrap()), "QUERY");
        assert_eq!(known.name(&Method::from_bytes(b"get").unwrap()), OTHER);
    }

    #[test]
    fn an_unknown_method_is_called_http() {
        assert_eq!(name_of(OTHER, None).concat(), "HTTP");
        assert_eq!(name_of(OTHER, Some("/a")).concat(), "HTTP /a");
        assert_eq!(name_of("GET", Some("/a")).concat(), "GET /a");
    }

    #[test]
    fn a_list_of_methods_replaces_the_conventions_list() {
        let known = KnownMethods::parse("GET, PROPFIND,");
        assert_eq!(
            known.name(&Method::from_bytes(b"PROPFIND").unwrap()),
            "PROPFIND"
        );
        assert_eq!(known.name(&Method::POST), OTHER);
        assert_eq!(KnownMethods::parse(" , ").name(&Method::POST), "POST");
    }
}
