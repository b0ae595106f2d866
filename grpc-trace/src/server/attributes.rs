use std::cell::{Cell, OnceCell};
use std::net::SocketAddr;

use tower_trace::RequestHead;
use tower_trace::policy::{authority, hook};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv::{self, rpc_system_name};
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
    pub(super) fn describe(&self, span: &mut SpanWriter<'_>) {
        let method = self.method();
        span.update_name(self.name());
        method::describe(method, self.head.uri, span);
        if let Some((host, port)) = self.server() {
            span.set_new(semconv::SERVER_ADDRESS, host);
            if let Some(port) = port {
                span.set_new(semconv::SERVER_PORT, port);
            }
        }
        if let Some(peer) = self.peer() {
            peer::set(peer, |address, port| {
                span.set_new(semconv::NETWORK_PEER_ADDRESS, address);
                span.set_new(semconv::NETWORK_PEER_PORT, port);
            });
        }
        let call = &self.policy.call;
        let listed = &call.request_headers;
        listed.read_as(self.head.headers, metadata::text, |key, lines| {
            span.set(key, lines);
        });
        if call.legacy_names {
            method::describe_legacy(method, span);
        }
    }

    fn method(&self) -> &'a str {
        self.method.get().unwrap_or_else(|| {
            let method = self.policy.methods.name(self.head.uri.path());
            self.method.set(Some(method));
            method
        })
    }

    /// The host and port that the client called.
    fn server(&self) -> Option<(&'a str, Option<u16>)> {
        if let Some(authority) = self.head.uri.authority() {
            return authority::split(authority.as_str());
        }
        let host = self.head.headers.get(http::header::HOST)?;
        authority::split(host.to_str().ok()?)
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
