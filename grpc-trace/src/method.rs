//! Which methods are recorded by their names.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Uri;
use tower_trace::policy::{NameCap, cut};
use tracing_core_ctx::semconv::{self, rpc_method, rpc_system_name};
use tracing_core_ctx::span::SpanWriter;

/// How many different methods are let through that no list bounds. Default.
const MAX_NAMES: usize = 1000;

/// The methods that a server knows: those of listed services, or all that look like one, up to a number.
#[derive(Clone, Debug)]
pub(crate) struct KnownMethods {
    /// `package.Service` for all its methods, or `package.Service/Method`. Empty: all are known.
    listed: BTreeSet<String>,
    seen: Arc<NameCap>,
}

impl Default for KnownMethods {
    fn default() -> Self {
        Self {
            listed: BTreeSet::new(),
            seen: Arc::new(NameCap::new(MAX_NAMES)),
        }
    }
}

impl KnownMethods {
    pub(crate) fn list(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.listed.extend(names.into_iter().map(Into::into));
    }

    pub(crate) fn cap(&mut self, names: usize) {
        self.seen = Arc::new(NameCap::new(names));
    }

    pub(crate) fn overflowed(&self) -> u64 {
        self.seen.overflowed()
    }

    /// The method as it is recorded: what the path names, or `_OTHER`.
    pub(crate) fn name<'a>(&self, path: &'a str) -> &'a str {
        // What was let through before is a method, where there is no list that could say otherwise.
        if self.listed.is_empty()
            && let Some(method) = path.strip_prefix('/')
            && self.seen.knows(method)
        {
            return method;
        }
        match parse(path) {
            Some((service, method)) if self.knows(service, method) => method,
            _ => rpc_method::OTHER,
        }
    }

    fn knows(&self, service: &str, method: &str) -> bool {
        if self.listed.contains(method) {
            return true;
        }
        // A listed service bounds its methods as little as no list at all does.
        (self.listed.is_empty() || self.listed.contains(service)) && self.seen.admit(method)
    }
}

/// The name of the span of a call.
pub(crate) fn span_name(method: &str) -> &str {
    if method == rpc_method::OTHER {
        rpc_system_name::GRPC
    } else {
        method
    }
}

/// The names from before 1.39, but for `rpc.method`, which is the same key (`OTEL_SEMCONV_STABILITY_OPT_IN=rpc/dup`).
pub(crate) fn describe_legacy(method: &str, span: &mut SpanWriter<'_>) {
    span.set_new(semconv::legacy::RPC_SYSTEM, rpc_system_name::GRPC);
    if let Some((service, _)) = method.split_once('/') {
        span.set_new(semconv::legacy::RPC_SERVICE, service);
    }
}

/// Says which method it is and, where that is not told by its name, what was asked for.
#[inline]
pub(crate) fn describe(method: &str, uri: &Uri, span: &mut SpanWriter<'_>) {
    span.set_new(semconv::RPC_SYSTEM_NAME, rpc_system_name::GRPC);
    span.set_new(semconv::RPC_METHOD, method);
    if method == rpc_method::OTHER {
        describe_original(uri.path(), span);
    }
}

#[cold]
fn describe_original(path: &str, span: &mut SpanWriter<'_>) {
    let original = path.strip_prefix('/').unwrap_or(path);
    if !original.is_empty() {
        span.set_new(semconv::RPC_METHOD_ORIGINAL, cut(original));
    }
}

/// Splits `/package.Service/Method` into the service and both of them, behind a prefix too. `None` for what is no such path.
pub(crate) fn parse(path: &str) -> Option<(&str, &str)> {
    parse_bare(path).or_else(|| parse_behind_prefix(path))
}

fn parse_bare(path: &str) -> Option<(&str, &str)> {
    let full = path.strip_prefix('/')?;
    let bytes = full.as_bytes();
    // Part by part: none is empty, and behind the slash there is one.
    let mut service_end = None;
    let mut start = 0;
    loop {
        let end = start + part_len(bytes.get(start..)?);
        if end == start {
            return None;
        }
        match (bytes.get(end), service_end) {
            (None, Some(service_end)) => return Some((full.get(..service_end)?, full)),
            (Some(b'.'), None) => {}
            (Some(b'/'), None) => service_end = Some(end),
            _ => return None,
        }
        start = end + 1;
    }
}

/// The same behind a prefix: a client's origin may have a path, which comes before its methods, and a server hears all of it. Only a service of a package:
/// any other path of more than two parts looks like that too.
#[cold]
fn parse_behind_prefix(path: &str) -> Option<(&str, &str)> {
    let (prefixed, _) = path.rsplit_once('/')?;
    let (prefix, service) = prefixed.rsplit_once('/')?;
    if !service.contains('.') {
        return None;
    }
    parse_bare(path.get(prefix.len()..)?)
}

/// How many letters, digits and underscores there are at the start. One look-up for each byte, since every call has a path.
fn part_len(bytes: &[u8]) -> usize {
    let is_other = |byte: &u8| !OF_PARTS[usize::from(*byte)];
    bytes.iter().position(is_other).unwrap_or(bytes.len())
}

static OF_PARTS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "/accept.greeter.v1.Greeter/SayHello";

    #[test]
    fn a_method_behind_a_prefix_is_the_last_two_parts() {
        for prefix in ["/api", "/api/v1", "/a b", "//"] {
            let path = format!("{prefix}{HELLO}");
            assert_eq!(parse_bare(&path), None);
            assert_eq!(parse(&path), parse(HELLO), "{path}");
        }
        for path in [
            "",
            "/",
            "/a",
            "/a/",
            "/api//b",
            "/api/a b/c",
            "/api/Greeter/",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_of_two_parts_is_a_method() {
        assert_eq!(
            parse(HELLO),
            Some((
                "accept.greeter.v1.Greeter",
                "accept.greeter.v1.Greeter/SayHello"
            ))
        );
        assert_eq!(
            parse("/Greeter/SayHello"),
            Some(("Greeter", "Greeter/SayHello"))
        );
        for path in [
            "",
            "/",
            "//",
            "/Greeter",
            "/Greeter/",
            "//SayHello",
            "/a..b/C",
            "/a/b/c",
            "/wp-login.php",
            "/.env/x",
            "/a b/c",
            "Greeter/SayHello",
            "*",
            "/Grüße/Hallo",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn without_a_list_every_method_is_known_up_to_a_number() {
        let mut known = KnownMethods::default();
        known.cap(2);
        assert_eq!(known.name("/a.B/One"), "a.B/One");
        assert_eq!(known.name("/a.B/Two"), "a.B/Two");
        assert_eq!(known.name("/a.B/Three"), "_OTHER");
        assert_eq!(known.name("/a.B/One"), "a.B/One");
        assert_eq!(known.overflowed(), 1);
    }

    #[test]
    fn a_list_names_services_or_methods() {
        let mut known = KnownMethods::default();
        known.list(["accept.greeter.v1.Greeter", "shop.Orders/Place"]);
        assert_eq!(known.name(HELLO), &HELLO[1..]);
        assert_eq!(known.name("/shop.Orders/Place"), "shop.Orders/Place");
        assert_eq!(known.name("/shop.Orders/Cancel"), "_OTHER");
        assert_eq!(known.name("/shop.Admin/Drop"), "_OTHER");
        assert_eq!(known.name("/wp-login.php"), "_OTHER");
    }
}
