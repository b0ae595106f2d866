use std::cell::{Cell, OnceCell};
use std::net::IpAddr;

use tower_trace::RequestHead;
use tower_trace::client::ServerAddr;
use tower_trace::policy::{authority, with_ip};
use tower_trace::repeat::{Repeats, Said};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv::{self, rpc_method, rpc_system_name};
use tracing_core_ctx::span::SpanWriter;

use super::policy::ClientPolicy;
use crate::{metadata, method};

/// What a request to be sent says in the words of the conventions. Borrowed; nothing is built before it is asked for.
pub(super) struct Request<'a> {
    policy: &'a ClientPolicy,
    head: RequestHead<'a>,
    method: Cell<Option<&'a str>>,
    /// The name that the user's own rule gives, if a sampler asks for it.
    name: OnceCell<Option<String>>,
}

thread_local! {
    static REPEATS: Repeats<3> = const { Repeats::new() };
}

impl<'a> Request<'a> {
    pub(super) const fn new(policy: &'a ClientPolicy, head: RequestHead<'a>) -> Self {
        Self {
            policy,
            head,
            method: Cell::new(None),
            name: OnceCell::new(),
        }
    }

    /// Writes everything that is known at the start.
    #[inline]
    pub(super) fn describe(&self, span: &mut SpanWriter<'_>) {
        let told = self.head.extensions.get::<ServerAddr>();
        let target = self.policy.target.as_ref();
        let peer = told.map(|server| server.0).or_else(|| target?.peer);
        self.describe_common(peer.map(|peer| peer.ip()), span);
        if let Some(peer) = peer {
            span.set_new(semconv::NETWORK_PEER_PORT, peer.port());
        }
        let listed = &self.policy.call.request_headers;
        listed.read_as(self.head.headers, metadata::text, |key, lines| {
            span.set(key, lines);
        });
    }

    /// Writes what a call has in common with others; by one copy, if calls like this came before.
    #[inline]
    fn describe_common(&self, peer: Option<IpAddr>, span: &mut SpanWriter<'_>) {
        let write = |span: &mut SpanWriter<'_>| {
            self.write_common(peer, span);
            true
        };
        if self.policy.call.name.is_some() {
            // A rule may look at what it likes.
            write(span);
            return;
        }
        let uri = self.head.uri;
        let (authority, scheme) = match &self.policy.target {
            // It is among the settings.
            Some(_) => (None, None),
            None => (uri.authority(), uri.scheme_str()),
        };
        let said = Said {
            settings: self.policy.settings,
            number: 0,
            peer,
            texts: [
                uri.path().as_bytes(),
                authority.map_or(&[], |authority| authority.as_str().as_bytes()),
                scheme.map_or(&[], str::as_bytes),
            ],
        };
        Repeats::describe(&REPEATS, &said, span, write);
    }

    /// The same, each by itself.
    fn write_common(&self, peer: Option<IpAddr>, span: &mut SpanWriter<'_>) {
        let method = self.method();
        span.update_name(self.name());
        method::describe(method, self.head.uri, span);
        let (host, port) = self.host_and_port();
        if let Some(host) = host {
            span.set_new(semconv::SERVER_ADDRESS, host);
            if let Some(port) = port {
                span.set_new(semconv::SERVER_PORT, port);
            }
        }
        if let Some(peer) = peer {
            with_ip(peer, |address| {
                span.set_new(semconv::NETWORK_PEER_ADDRESS, address);
            });
        }
        if self.policy.call.legacy_names {
            method::describe_legacy(method, span);
        }
    }

    /// A program names what it calls itself, so all that looks like a method is one.
    fn method(&self) -> &'a str {
        self.method.get().unwrap_or_else(|| {
            let path = self.head.uri.path();
            let method = method::parse(path).map_or(rpc_method::OTHER, |(_, method)| method);
            self.method.set(Some(method));
            method
        })
    }

    /// Who is called: the channel's target, or what the request itself names.
    pub(super) fn host_and_port(&self) -> (Option<&'a str>, Option<u16>) {
        if let Some(target) = &self.policy.target {
            return (Some(&target.address), target.port);
        }
        let uri = self.head.uri;
        let server = uri
            .authority()
            .and_then(|authority| authority::split(authority.as_str()));
        let default = || uri.scheme_str().and_then(authority::default_port);
        match server {
            Some((host, port)) => (Some(host), port.or_else(default)),
            None => (None, None),
        }
    }
}

/// What samplers may ask for before the span exists.
impl AttributeSource for Request<'_> {
    fn name(&self) -> &str {
        // Few have a rule of their own, and only they have to keep what it gave.
        let call = &self.policy.call;
        let given = call.name.as_ref().and_then(|_| {
            let given = self.name.get_or_init(|| call.given_name(self.head));
            given.as_deref()
        });
        given.unwrap_or_else(|| method::span_name(self.method()))
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        match key {
            "rpc.system.name" => Some(ValueRef::Str(rpc_system_name::GRPC)),
            "rpc.method" => Some(ValueRef::Str(self.method())),
            "server.address" => self.host_and_port().0.map(ValueRef::Str),
            "server.port" => self
                .host_and_port()
                .1
                .map(|port| ValueRef::I64(i64::from(port))),
            _ => None,
        }
    }
}
