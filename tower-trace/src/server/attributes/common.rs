//! What a request has in common with others: described once for each thread.

use std::net::IpAddr;

use tracing_core_ctx::semconv;
use tracing_core_ctx::span::SpanWriter;

use crate::forwarded::Forwarded;
use crate::head::RequestHead;
use crate::limit::cut;
use crate::repeat::{Repeats, Said, Settings};
use crate::route::Target;
use crate::{authority, method, scratch, version};

/// What a request has in common with others.
pub(super) struct Common<'a> {
    /// That the user's own rule gives.
    pub(super) name: Option<String>,
    pub(super) method: &'a str,
    pub(super) target: Target<'a>,
    pub(super) scheme: &'a str,
    pub(super) host: &'a [u8],
    pub(super) user_agent: &'a [u8],
    pub(super) peer: Option<IpAddr>,
}

thread_local! {
    static REPEATS: Repeats<5> = const { Repeats::new() };
}

impl<'a> Common<'a> {
    /// Writes all of it on a span that has nothing yet; by one copy, if requests like this came before.
    pub(super) fn describe(
        &self,
        settings: Settings,
        head: RequestHead<'_>,
        forwarded: Option<&Forwarded<'_>>,
        span: &mut SpanWriter<'_>,
    ) {
        let write = |span: &mut SpanWriter<'_>| {
            self.write(head, forwarded, span);
            true
        };
        match self.said(settings, head) {
            Some(said) if forwarded.is_none() => Repeats::describe(&REPEATS, &said, span, write),
            Some(_) | None => {
                write(span);
            }
        }
    }

    /// Writes all of it.
    fn write(
        &self,
        head: RequestHead<'_>,
        forwarded: Option<&Forwarded<'_>>,
        span: &mut SpanWriter<'_>,
    ) {
        let method = self.method;
        match &self.name {
            Some(name) => span.update_name(name),
            None => span.update_name_of(&method::name_of(method, self.target.text())),
        }
        span.set_new(semconv::HTTP_REQUEST_METHOD, method);
        if method == method::OTHER {
            span.set_new(
                semconv::HTTP_REQUEST_METHOD_ORIGINAL,
                cut(head.method.as_str()),
            );
        }
        span.set_new(semconv::URL_SCHEME, self.scheme);
        match self.target {
            Target::Route(route) => span.set_new(semconv::HTTP_ROUTE, route),
            Target::Guess(template) => span.set_new(semconv::URL_TEMPLATE, template),
            Target::None => {}
        }
        if let Some((host, port)) = self.server() {
            span.set_new(semconv::SERVER_ADDRESS, host);
            if let Some(port) = port {
                span.set_new(semconv::SERVER_PORT, port);
            }
        }
        let client = forwarded.and_then(|said| said.client.as_ref());
        if let Some(client) = client {
            span.set_new(semconv::CLIENT_ADDRESS, &*client.address);
            if let Some(port) = client.port {
                span.set_new(semconv::CLIENT_PORT, port);
            }
        }
        if let Some(peer) = self.peer {
            scratch::with_ip(peer, |address| {
                if client.is_none() {
                    span.set_new(semconv::CLIENT_ADDRESS, address);
                }
                span.set_new(semconv::NETWORK_PEER_ADDRESS, address);
            });
        }
        if let Some(version) = version::name(head.version) {
            span.set_new(semconv::NETWORK_PROTOCOL_VERSION, version);
        }
        if let Some(agent) = user_agent(self.user_agent) {
            span.set_new(semconv::USER_AGENT_ORIGINAL, cut(agent));
        }
    }

    /// All of it; `None` where it is too rare to be kept.
    fn said(&self, settings: Settings, head: RequestHead<'_>) -> Option<Said<'a, 5>> {
        if self.name.is_some() || self.method == method::OTHER {
            return None;
        }
        let target = match self.target {
            Target::None => 0,
            Target::Route(_) => 1,
            Target::Guess(_) => 2,
        };
        let route = self.target.text().unwrap_or_default();
        Some(Said {
            settings,
            number: version::number(head.version) << 2 | target,
            peer: self.peer,
            texts: [
                self.method.as_bytes(),
                route.as_bytes(),
                self.host,
                self.user_agent,
                self.scheme.as_bytes(),
            ],
        })
    }

    pub(super) fn server(&self) -> Option<(&'a str, Option<u16>)> {
        server(self.host)
    }
}

/// The parts of an authority.
pub(super) fn server(host: &[u8]) -> Option<(&str, Option<u16>)> {
    authority::split(std::str::from_utf8(host).ok()?)
}

/// As a header's text: visible ASCII and spaces, nearly always; or another text without controls.
pub(super) fn user_agent(header: &[u8]) -> Option<&str> {
    // Judged once at the end: without a branch for each byte, many are looked at together.
    let is_text = header
        .iter()
        .fold(true, |all, byte| all & matches!(byte, b'\t' | b' '..=b'~'));
    if header.is_empty() {
        return None;
    }
    match is_text {
        true => std::str::from_utf8(header).ok(),
        false => foreign_text(header),
    }
}

#[cold]
fn foreign_text(header: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(header).ok()?;
    let is_text = |char: char| char == '\t' || !char.is_control();
    text.chars().all(is_text).then_some(text)
}
