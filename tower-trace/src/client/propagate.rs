//! To whom contexts are handed on, and what of them.

use http::{HeaderMap, HeaderName};
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::{Context, Tracer};

use crate::authority;
use crate::carrier::{BAGGAGE, HeaderInjector, remove_baggage};

/// To everyone everything, until told otherwise.
#[derive(Clone, Debug)]
pub struct Propagate {
    hosts: Option<Vec<Host>>,
    baggage: Option<Vec<String>>,
    /// Whether `baggage` is a header in which contexts may stand.
    takes_baggage: bool,
    /// All headers in which contexts may stand.
    fields: Vec<Field>,
    /// Those of them that are never written over, because they are only read.
    only_read: Vec<Field>,
}

/// Where a context, or a part of one, may stand.
#[derive(Clone, Debug)]
enum Field {
    Name(HeaderName),
    /// Every name that begins so.
    Prefix(&'static str),
}

/// A host that contexts may be handed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    /// In lower case, without brackets and without the dot at the end.
    name: String,
    /// Any port, unless one was given.
    port: Option<u16>,
    /// Whether everything below the name belongs to it.
    is_domain: bool,
}

impl Propagate {
    /// Hands the contexts of this tracer on.
    #[must_use]
    pub fn new(tracer: &Tracer) -> Self {
        let reads = tracer.propagator().reads();
        let written = tracer.propagator().fields();
        let only_read = reads.iter().filter(|name| !written.contains(name));
        Self {
            hosts: None,
            baggage: None,
            takes_baggage: reads.contains(&BAGGAGE.as_str()),
            only_read: only_read.filter_map(|name| Field::of(name)).collect(),
            fields: reads.iter().filter_map(|name| Field::of(name)).collect(),
        }
    }

    /// Hands contexts on to these hosts only. What is no host is reported and reaches nobody.
    pub fn reach(&mut self, hosts: impl IntoIterator<Item = impl AsRef<str>>) {
        let listed = self.hosts.get_or_insert_default();
        for text in hosts {
            let text = text.as_ref();
            match Host::parse(text) {
                Some(host) => listed.push(host),
                None => diagnostics::report(
                    Level::Warn,
                    format_args!("{text:?} is no host: contexts are not handed on to it"),
                ),
            }
        }
    }

    /// Hands on these entries of the baggage only.
    pub fn baggage(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.baggage
            .get_or_insert_default()
            .extend(names.into_iter().map(Into::into));
    }

    /// Whether this host may see contexts. It is asked for only where that matters.
    pub fn reaches<'a>(&self, called: impl FnOnce() -> (Option<&'a str>, Option<u16>)) -> bool {
        let Some(hosts) = &self.hosts else {
            return true;
        };
        let (host, port) = called();
        host.is_some_and(|host| hosts.iter().any(|listed| listed.is(host, port)))
    }

    /// Writes `context` into the headers, in place of what they held: a proxy may have copied it from its own caller.
    pub fn inject(&self, tracer: &Tracer, context: &Context, headers: &mut HeaderMap) {
        match &self.baggage {
            Some(names) if !context.baggage().is_empty() => {
                let allowed = context
                    .baggage()
                    .retain(|entry| names.iter().any(|name| name == entry.name()));
                let context = context.clone().with_baggage(allowed);
                self.replace(tracer, &context, headers);
            }
            _ => self.replace(tracer, context, headers),
        }
    }

    /// Propagators leave alone what they have nothing to say for.
    fn replace(&self, tracer: &Tracer, context: &Context, headers: &mut HeaderMap) {
        if context.span_context().is_none() {
            self.withhold(headers);
        } else {
            take_out(&self.only_read, headers);
        }
        if context.baggage().is_empty() && (self.takes_baggage || self.baggage.is_some()) {
            remove_baggage(headers);
        }
        tracer.inject(context, &mut HeaderInjector(headers));
    }

    /// Takes out of the headers what a host must not see, because a proxy copied it from its own caller.
    pub fn withhold(&self, headers: &mut HeaderMap) {
        take_out(&self.fields, headers);
    }
}

impl Field {
    /// What is no header name stands in no header.
    fn of(name: &'static str) -> Option<Self> {
        match name.strip_suffix('*') {
            Some(prefix) => Some(Self::Prefix(prefix)),
            None => HeaderName::from_bytes(name.as_bytes()).ok().map(Self::Name),
        }
    }
}

fn take_out(fields: &[Field], headers: &mut HeaderMap) {
    for field in fields {
        match field {
            Field::Name(name) => {
                headers.remove(name);
            }
            Field::Prefix(prefix) => {
                let names = headers.keys();
                let found: Vec<_> = names
                    .filter(|name| name.as_str().starts_with(prefix))
                    .cloned()
                    .collect();
                for name in found {
                    headers.remove(name);
                }
            }
        }
    }
}

impl Host {
    /// `name`, `*.domain`, either with a port behind it. What looks like one and is not must not be taken for more than was meant.
    fn parse(text: &str) -> Option<Self> {
        let (is_domain, host) = match text.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, text),
        };
        let (name, port) = authority::split(host)?;
        let is_ipv6 = name.contains(':');
        let after_name = match is_ipv6 {
            true => host.rsplit_once(']').map_or("", |(_, after)| after),
            false => host.strip_prefix(name)?,
        };
        if after_name.is_empty() != port.is_none() || (is_domain && is_ipv6) {
            return None;
        }
        Some(Self {
            name: without_final_dot(name).to_ascii_lowercase(),
            port,
            is_domain,
        })
    }

    fn is(&self, host: &str, port: Option<u16>) -> bool {
        let host = without_final_dot(host);
        let is_below = || {
            let (above, name) = host.split_at_checked(host.len().checked_sub(self.name.len())?)?;
            Some(above.ends_with('.') && name.eq_ignore_ascii_case(&self.name))
        };
        let is_name = host.eq_ignore_ascii_case(&self.name)
            || (self.is_domain && is_below().unwrap_or_default());
        is_name && (self.port.is_none() || self.port == port)
    }
}

/// `shop.example.` is `shop.example`, said so that no search list applies.
fn without_final_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed<const N: usize>(hosts: [&str; N]) -> Propagate {
        let mut propagate = Propagate::new(&Tracer::noop());
        propagate.reach(hosts);
        propagate
    }

    /// As for a request to this URL.
    fn reaches(propagate: &Propagate, url: &str) -> bool {
        let uri: http::Uri = url.parse().unwrap();
        let split = authority::split(uri.authority().unwrap().as_str());
        let port = split.and_then(|split| split.1).or(Some(80));
        propagate.reaches(|| (split.map(|split| split.0), port))
    }

    #[test]
    fn without_a_list_every_host_is_reached() {
        let propagate = Propagate::new(&Tracer::noop());
        assert!(reaches(&propagate, "http://anywhere.example"));
        assert!(propagate.reaches(|| (None, None)));
    }

    #[test]
    fn with_an_empty_list_no_host_is_reached() {
        assert!(!reaches(&listed([]), "http://anywhere.example"));
    }

    #[test]
    fn a_star_stands_for_the_domain_and_all_below_but_for_no_look_alike() {
        let propagate = listed(["*.Shop.internal", "psp.example"]);
        for (host, reached) in [
            ("orders.shop.internal", true),
            ("a.b.SHOP.internal", true),
            ("shop.internal", true),
            ("orders.shop.internal.", true),
            ("evilshop.internal", false),
            ("shop.internal.evil.example", false),
            ("PSP.example", true),
            ("x.psp.example", false),
            ("", false),
        ] {
            assert_eq!(propagate.reaches(|| (Some(host), None)), reached, "{host}");
        }
        assert!(!propagate.reaches(|| (None, None)));
    }

    #[test]
    fn a_port_that_is_listed_counts_and_user_information_never_does() {
        let propagate = listed([
            "shop.internal:8080",
            "*.eu.shop.internal:80",
            "[::1]:9090",
            "::2",
        ]);
        for (url, reached) in [
            ("http://shop.internal:8080/", true),
            ("http://shop.internal/", false),
            ("http://shop.internal:8081/", false),
            ("http://a.eu.shop.internal/", true),
            ("http://[::1]:9090/", true),
            ("http://[::1]/", false),
            ("http://[::2]:1/", true),
            ("http://shop.internal:8080@evil.example/", false),
            ("http://shop.internal@evil.example:8080/", false),
        ] {
            assert_eq!(reaches(&propagate, url), reached, "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_reported_and_reaches_nobody() {
        let before = diagnostics::count(Level::Warn);
        let wrong = [
            "*",
            "http://shop.internal",
            "shop.internal:99999",
            "shop.internal:",
            "ann@shop.internal",
            "*.::1",
            "",
        ];
        let propagate = listed(wrong);
        assert_eq!(propagate.hosts, Some(Vec::new()));
        assert!(diagnostics::count(Level::Warn) - before >= wrong.len() as u64);
    }
}
