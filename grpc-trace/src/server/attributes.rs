use std::cell::{Cell, OnceCell};
use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;
use tower_trace::RequestHead;
use tower_trace::policy::{authority, hook, with_ip};
use tower_trace::repeat::{Repeats, Said};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv::{self, rpc_method, rpc_system_name};
use tracing_core_ctx::span::SpanWriter;

use super::policy::ServerPolicy;
use crate::{metadata, method, peer};

/// What the head of a request says in the words of the conventions. Borrowed; nothing is built before it is asked for.
pub(super) struct Request<'a> {
    policy: &'a ServerPolicy,
    head: RequestHead<'a>,
    method: Cell<Option<&'a str>>,
    /// The name that the user's own rule gives, if a sampler asks for it.
    name: OnceCell<Option<String>>,
}

thread_local! {
    static REPEATS: Repeats<2> = const { Repeats::new() };
}

impl<'a> Request<'a> {
    pub(super) const fn new(policy: &'a ServerPolicy, head: RequestHead<'a>) -> Self {
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
        let peer = self.peer();
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
        let write = |span: &mut SpanWriter<'_>| self.write_common(peer, span);
        if self.policy.call.name.is_some() {
            // A rule may look at what it likes.
            write(span);
            return;
        }
        let said = Said {
            settings: self.policy.settings,
            number: 0,
            peer,
            texts: [self.head.uri.path().as_bytes(), self.host()],
        };
        Repeats::describe(&REPEATS, &said, span, write);
    }

    /// The same, each by itself. Says whether it may be kept: made-up methods are counted, one by one.
    fn write_common(&self, peer: Option<IpAddr>, span: &mut SpanWriter<'_>) -> bool {
        let method = self.method();
        span.update_name(self.name());
        method::describe(method, self.head.uri, span);
        if let Some((host, port)) = self.server() {
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
        method != rpc_method::OTHER
    }

    fn method(&self) -> &'a str {
        self.method.get().unwrap_or_else(|| {
            let method = self.policy.methods.name(self.head.uri.path());
            self.method.set(Some(method));
            method
        })
    }

    /// The host and port that the client called, not taken apart. Empty where nothing says it.
    fn host(&self) -> &'a [u8] {
        if let Some(authority) = self.head.uri.authority() {
            return authority.as_str().as_bytes();
        }
        let host = self.head.headers.get(http::header::HOST);
        host.map_or(&[], HeaderValue::as_bytes)
    }

    fn server(&self) -> Option<(&'a str, Option<u16>)> {
        authority::split(std::str::from_utf8(self.host()).ok()?)
    }

    fn peer(&self) -> Option<SocketAddr> {
        match &self.policy.peer {
            Some(peer) => hook::run(|| peer(self.head)).flatten(),
            None => peer::of_request(self.head.extensions),
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
            "server.address" => self.server().map(|server| ValueRef::Str(server.0)),
            "server.port" => self.server()?.1.map(|port| ValueRef::I64(i64::from(port))),
            _ => None,
        }
    }
}
