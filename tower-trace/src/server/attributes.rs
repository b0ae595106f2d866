mod common;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::SocketAddr;

use http::header::{self, HeaderValue};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv;
use tracing_core_ctx::span::SpanWriter;

use common::{Common, server, user_agent};

use super::policy::ServerPolicy;
use crate::forwarded::{Forwarded, scheme};
use crate::head::{RequestHead, Usual};
use crate::limit::cut;
use crate::method;
use crate::route::{Found, Target};
use crate::scratch::Text;
use crate::{PeerAddr, hook, scratch, version};

/// A request that is taken apart when somebody asks: a span that a sampler drops unseen costs nothing here.
pub(super) struct Asked<'a> {
    policy: &'a ServerPolicy,
    head: RequestHead<'a>,
    request: OnceCell<Request<'a>>,
}

impl<'a> Asked<'a> {
    pub(super) const fn new(policy: &'a ServerPolicy, head: RequestHead<'a>) -> Self {
        Self {
            policy,
            head,
            request: OnceCell::new(),
        }
    }

    /// Writes everything that is known at the start.
    pub(super) fn describe(&self, span: &mut SpanWriter<'_>) {
        match self.request.get() {
            // What a sampler has asked for is known.
            Some(request) => request.describe(span),
            None => {
                let facts = self.facts();
                facts.describe(&facts.find_target(), facts.forwarded().as_ref(), span);
            }
        }
    }

    fn request(&self) -> &Request<'a> {
        self.request.get_or_init(|| Request::new(self.facts()))
    }

    #[inline]
    fn facts(&self) -> Facts<'a> {
        Facts {
            policy: self.policy,
            head: self.head,
            uri: self.policy.target(self.head),
        }
    }
}

impl AttributeSource for Asked<'_> {
    fn name(&self) -> &str {
        self.request().name()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.request().get(key)
    }
}

/// What the head of a request says in the words of the conventions. Borrowed; nothing is kept of what is found.
#[derive(Clone, Copy)]
struct Facts<'a> {
    policy: &'a ServerPolicy,
    head: RequestHead<'a>,
    /// The target as the client sent it.
    uri: &'a http::Uri,
}

/// The same for samplers, which may ask for one thing often and for another never.
struct Request<'a> {
    facts: Facts<'a>,
    target: OnceCell<Found<'a>>,
    /// The span's name, put together only if a sampler asks for it.
    name: OnceCell<Text>,
    forwarded: OnceCell<Option<Forwarded<'a>>>,
    query: OnceCell<Option<Cow<'a, str>>>,
}

impl<'a> Facts<'a> {
    /// Writes everything that is known at the start.
    fn describe(
        &self,
        found: &Found<'_>,
        forwarded: Option<&Forwarded<'_>>,
        span: &mut SpanWriter<'_>,
    ) {
        let usual = Usual::of(self.head.headers);
        let peer = self.peer();
        let common = Common {
            name: self.given_name(),
            method: self.method(),
            target: found.target(),
            scheme: self.scheme(forwarded),
            host: self.host(forwarded, usual.host),
            user_agent: usual.user_agent.map_or(&[], HeaderValue::as_bytes),
            peer: peer.map(|peer| peer.ip()),
        };
        common.describe(self.policy.settings, self.head, forwarded, span);
        self.describe_own(&usual, peer, span);
        if self.policy.legacy_names {
            self.describe_legacy(&common, peer, span);
        }
    }

    /// Writes what each request has of its own.
    #[inline]
    fn describe_own(&self, usual: &Usual<'_>, peer: Option<SocketAddr>, span: &mut SpanWriter<'_>) {
        span.set_new(semconv::URL_PATH, cut(path(self.uri)));
        if let Some(query) = self.redacted_query() {
            span.set_new(semconv::URL_QUERY, cut(&query));
        }
        if let Some(peer) = peer {
            span.set_new(semconv::NETWORK_PEER_PORT, peer.port());
        }
        if self.policy.body_sizes
            && let Some(length) = usual.content_length()
        {
            span.set_new(semconv::HTTP_REQUEST_BODY_SIZE, length);
        }
        let listed = &self.policy.request_headers;
        listed.read(self.head.headers, &self.policy.sensitive, |key, lines| {
            span.set(key, lines);
        });
    }

    /// The method as it is recorded.
    #[inline]
    fn method(&self) -> &'a str {
        self.policy.methods.name(self.head.method)
    }

    #[inline]
    fn find_target(&self) -> Found<'a> {
        self.policy.routes.find(self.head, self.uri.path())
    }

    /// The name that the user's own rule gives.
    #[inline]
    fn given_name(&self) -> Option<String> {
        let name = self.policy.name.as_ref()?;
        hook::run(|| name(self.head))
            .flatten()
            .filter(|name| !name.is_empty())
    }

    /// The names from before 2023, for dashboards that still ask for them (`OTEL_SEMCONV_STABILITY_OPT_IN=http/dup`).
    #[cold]
    fn describe_legacy(
        &self,
        common: &Common<'_>,
        peer: Option<SocketAddr>,
        span: &mut SpanWriter<'_>,
    ) {
        use semconv::legacy;

        span.set_new(legacy::HTTP_METHOD, common.method);
        span.set_new(legacy::HTTP_SCHEME, common.scheme);
        scratch::with(|target| {
            target.push_str(path(self.uri));
            if let Some(query) = self.redacted_query() {
                target.push('?');
                target.push_str(&query);
            }
            span.set_new(legacy::HTTP_TARGET, cut(target));
        });
        if let Some((host, port)) = common.server() {
            span.set_new(legacy::NET_HOST_NAME, host);
            if let Some(port) = port {
                span.set_new(legacy::NET_HOST_PORT, port);
            }
        }
        if let Some(version) = version::flavor(self.head.version) {
            span.set_new(legacy::HTTP_FLAVOR, version);
        }
        if let Some(agent) = user_agent(common.user_agent) {
            span.set_new(legacy::HTTP_USER_AGENT, cut(agent));
        }
        let client = span.attributes().get(semconv::CLIENT_ADDRESS.name());
        if let Some(client) = client.and_then(ValueRef::as_str).map(str::to_owned) {
            span.set_new(legacy::HTTP_CLIENT_IP, client);
        }
        if let Some(peer) = peer {
            scratch::with_ip(peer.ip(), |address| {
                span.set_new(legacy::NET_SOCK_PEER_ADDR, address);
            });
            span.set_new(legacy::NET_SOCK_PEER_PORT, peer.port());
        }
    }

    /// What trusted proxies say; nothing where none are configured.
    #[inline]
    fn forwarded(&self) -> Option<Forwarded<'a>> {
        self.policy
            .forwarded
            .then(|| Forwarded::read(self.head.headers))
    }

    /// The client's scheme: what a trusted proxy says, else the target's own, else the layer's setting.
    #[inline]
    fn scheme(&self, forwarded: Option<&Forwarded<'_>>) -> &'static str {
        forwarded
            .and_then(|said| said.scheme)
            .or_else(|| scheme(self.uri.scheme_str()?))
            .or_else(|| scheme(self.head.uri.scheme_str()?))
            .unwrap_or(self.policy.scheme)
    }

    /// The redacted query, unless it is empty.
    #[inline]
    fn redacted_query(&self) -> Option<Cow<'a, str>> {
        let query = self.uri.query().filter(|query| !query.is_empty())?;
        Some(self.policy.sensitive.redact_query(query))
    }

    /// The host and port that the client called, not taken apart; `host` is what the header says. Empty where nothing says it.
    fn host<'b>(
        &'b self,
        forwarded: Option<&'b Forwarded<'_>>,
        host: Option<&'b HeaderValue>,
    ) -> &'b [u8] {
        if let Some(host) = forwarded.and_then(|said| said.host.as_ref()) {
            return host.as_bytes();
        }
        match self.uri.authority().or_else(|| self.head.uri.authority()) {
            Some(host) => host.as_str().as_bytes(),
            None => host.map_or(&[], HeaderValue::as_bytes),
        }
    }

    #[inline]
    fn peer(&self) -> Option<SocketAddr> {
        match &self.policy.peer {
            Some(peer) => hook::run(|| peer(self.head)).flatten(),
            None => self.head.extensions.get::<PeerAddr>().map(|peer| peer.0),
        }
    }
}

impl<'a> Request<'a> {
    const fn new(facts: Facts<'a>) -> Self {
        Self {
            facts,
            target: OnceCell::new(),
            name: OnceCell::new(),
            forwarded: OnceCell::new(),
            query: OnceCell::new(),
        }
    }

    fn describe(&self, span: &mut SpanWriter<'_>) {
        self.facts.describe(self.found(), self.forwarded(), span);
    }

    /// The route it goes to.
    fn found(&self) -> &Found<'a> {
        self.target.get_or_init(|| self.facts.find_target())
    }

    fn forwarded(&self) -> Option<&Forwarded<'a>> {
        let forwarded = self.forwarded.get_or_init(|| self.facts.forwarded());
        forwarded.as_ref()
    }

    fn server(&self) -> Option<(&str, Option<u16>)> {
        let host = self.facts.head.headers.get(header::HOST);
        server(self.facts.host(self.forwarded(), host))
    }
}

/// What samplers may ask for before the span exists.
impl AttributeSource for Request<'_> {
    fn name(&self) -> &str {
        self.name.get_or_init(|| {
            let mut text = Text::new();
            match self.facts.given_name() {
                Some(name) => text.push_str(&name),
                None => {
                    let target = self.found().target();
                    text.extend(method::name_of(self.facts.method(), target.text()));
                }
            }
            text
        })
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let facts = &self.facts;
        match key {
            "http.request.method" => Some(ValueRef::Str(facts.method())),
            "http.route" => match self.found().target() {
                Target::Route(route) => Some(ValueRef::Str(route)),
                Target::Guess(_) | Target::None => None,
            },
            "url.path" => Some(ValueRef::Str(path(facts.uri))),
            "url.scheme" => Some(ValueRef::Str(facts.scheme(self.forwarded()))),
            "network.protocol.version" => version::name(facts.head.version).map(ValueRef::Str),
            "url.query" => {
                let query = self.query.get_or_init(|| facts.redacted_query());
                query.as_deref().map(ValueRef::Str)
            }
            "server.address" => self.server().map(|server| ValueRef::Str(server.0)),
            "server.port" => self.server()?.1.map(|port| ValueRef::I64(i64::from(port))),
            "client.address" => {
                let client = self.forwarded()?.client.as_ref()?;
                Some(ValueRef::Str(&client.address))
            }
            "user_agent.original" => {
                let agent = facts.head.headers.get(header::USER_AGENT)?;
                user_agent(agent.as_bytes()).map(ValueRef::Str)
            }
            _ => None,
        }
    }
}

/// The path of a target. That of a `CONNECT`, which names a host and no more, is taken for the root; that of `OPTIONS *` is the asterisk.
fn path(uri: &http::Uri) -> &str {
    match uri.path() {
        "" => "/",
        path => path,
    }
}
