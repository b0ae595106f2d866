//! To whom contexts are handed on, and what of them.

use http::HeaderMap;
use tracing_core_ctx::{Context, Tracer};

use crate::carrier::HeaderInjector;

/// Default: everything to everyone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Propagate {
    hosts: Option<Vec<Host>>,
    baggage: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Exact(String),
    /// The name itself and everything below it.
    Below(String),
}

impl Propagate {
    pub(super) fn reach(&mut self, hosts: impl IntoIterator<Item = impl AsRef<str>>) {
        let listed = self.hosts.get_or_insert_default();
        listed.extend(hosts.into_iter().map(|host| {
            let host = host.as_ref().to_ascii_lowercase();
            match host.strip_prefix("*.") {
                Some(domain) => Host::Below(domain.to_owned()),
                None => Host::Exact(host),
            }
        }));
    }

    pub(super) fn baggage(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.baggage
            .get_or_insert_default()
            .extend(names.into_iter().map(Into::into));
    }

    /// Writes `context` into the headers, if `host` may see it.
    pub(super) fn inject(
        &self,
        tracer: &Tracer,
        context: &Context,
        host: Option<&str>,
        headers: &mut HeaderMap,
    ) {
        if !self.reaches(host) {
            return;
        }
        let mut injector = HeaderInjector(headers);
        match &self.baggage {
            Some(names) if !context.baggage().is_empty() => {
                let allowed = context
                    .baggage()
                    .retain(|entry| names.iter().any(|name| name == entry.name()));
                tracer.inject(&context.clone().with_baggage(allowed), &mut injector);
            }
            _ => tracer.inject(context, &mut injector),
        }
    }

    fn reaches(&self, host: Option<&str>) -> bool {
        let Some(hosts) = &self.hosts else {
            return true;
        };
        host.is_some_and(|host| hosts.iter().any(|listed| listed.is(host)))
    }
}

impl Host {
    fn is(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
            Self::Below(domain) => {
                host.eq_ignore_ascii_case(domain)
                    || host
                        .len()
                        .checked_sub(domain.len() + 1)
                        .and_then(|start| host.get(start..))
                        .and_then(|end| end.strip_prefix('.'))
                        .is_some_and(|end| end.eq_ignore_ascii_case(domain))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_every_host_is_reached() {
        assert!(Propagate::default().reaches(Some("anywhere.example")));
        assert!(Propagate::default().reaches(None));
    }

    #[test]
    fn a_star_stands_for_the_domain_and_all_below_but_for_no_look_alike() {
        let mut propagate = Propagate::default();
        propagate.reach(["*.Shop.internal", "psp.example"]);
        for (host, reached) in [
            ("orders.shop.internal", true),
            ("a.b.SHOP.internal", true),
            ("shop.internal", true),
            ("evilshop.internal", false),
            ("shop.internal.evil.example", false),
            ("PSP.example", true),
            ("x.psp.example", false),
            ("", false),
        ] {
            assert_eq!(propagate.reaches(Some(host)), reached, "{host}");
        }
        assert!(!propagate.reaches(None));
    }
}
