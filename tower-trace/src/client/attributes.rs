use std::borrow::Cow;
use std::cell::OnceCell;

use http::header;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv;
use tracing_core_ctx::span::SpanWriter;

use super::policy::ClientPolicy;
use super::server_addr::ServerAddr;
use crate::head::{RequestHead, content_length};
use crate::limit::cut;
use crate::scratch::Text;
use crate::{authority, method, scratch};

/// The template of a request's URL, such as `/users/{id}`: a request extension. It becomes `url.template` and part of the span's
/// name.
///
/// ```
/// use tower_trace::client::UrlTemplate;
///
/// let mut request = http::Request::get("https://api.example/users/7").body(())?;
/// request.extensions_mut().insert(UrlTemplate::new("/users/{id}"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

impl UrlTemplate {
    /// The template as it is recorded.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }
}

/// What a request to be sent says in the words of the conventions. Borrowed; nothing is built before it is asked for.
pub(super) struct Request<'a> {
    policy: &'a ClientPolicy,
    head: RequestHead<'a>,
    method: &'a str,
    authority: OnceCell<&'a str>,
    server: OnceCell<Option<(&'a str, Option<u16>)>>,
    template: OnceCell<Option<&'a str>>,
    /// The span's name, put together only if a sampler asks for it.
    name: OnceCell<Text>,
    /// How often the request was sent before.
    resends: u32,
    /// The redacted URL, put together only if a sampler asks for it.
    url: OnceCell<String>,
}

impl<'a> Request<'a> {
    pub(super) fn new(policy: &'a ClientPolicy, head: RequestHead<'a>, resends: u32) -> Self {
        Self {
            policy,
            head,
            method: policy.methods.name(head.method),
            authority: OnceCell::new(),
            server: OnceCell::new(),
            template: OnceCell::new(),
            name: OnceCell::new(),
            resends,
            url: OnceCell::new(),
        }
    }

    fn authority(&self) -> &'a str {
        self.authority
            .get_or_init(|| match self.head.uri.authority() {
                Some(authority) => authority.as_str(),
                None => {
                    let host = self.head.headers.get(header::HOST);
                    host.and_then(|host| host.to_str().ok()).unwrap_or_default()
                }
            })
    }

    fn server(&self) -> Option<(&'a str, Option<u16>)> {
        *self
            .server
            .get_or_init(|| authority::split(self.authority()))
    }

    /// The host that is called.
    pub(super) fn host(&self) -> Option<&'a str> {
        self.server().map(|server| server.0)
    }

    fn path(&self) -> &'a str {
        match self.head.uri.path() {
            "" => "/",
            path => path,
        }
    }

    /// The template that the request carries, or that is listed for it.
    fn template(&self) -> Option<&'a str> {
        *self.template.get_or_init(|| {
            let given = self.head.extensions.get::<UrlTemplate>();
            self.policy.routes.template(
                given.map(|template| &*template.0),
                self.host().unwrap_or_default(),
                self.path(),
            )
        })
    }

    /// Writes everything that is known at the start.
    pub(super) fn describe(&self, span: &mut SpanWriter<'_>) {
        let head = self.head;
        let template = self.template();
        span.update_name_of(&method::name_of(self.method, template));
        span.set_new(semconv::HTTP_REQUEST_METHOD, self.method);
        if self.method == method::OTHER {
            span.set_new(
                semconv::HTTP_REQUEST_METHOD_ORIGINAL,
                cut(head.method.as_str()),
            );
        }
        if let Some((host, _)) = self.server() {
            span.set_new(semconv::SERVER_ADDRESS, host);
        }
        if let Some(port) = self.port() {
            span.set_new(semconv::SERVER_PORT, port);
        }
        self.with_url(|url| span.set_new(semconv::URL_FULL, cut(url)));
        if let Some(template) = template {
            span.set_new(semconv::URL_TEMPLATE, template);
        }
        if let Some(resend) = self.resend_count() {
            span.set_new(semconv::HTTP_REQUEST_RESEND_COUNT, resend);
        }
        if let Some(peer) = head.extensions.get::<ServerAddr>() {
            scratch::with_ip(peer.0.ip(), |address| {
                span.set_new(semconv::NETWORK_PEER_ADDRESS, address);
            });
            span.set_new(semconv::NETWORK_PEER_PORT, peer.0.port());
        }
        if self.policy.body_sizes
            && let Some(length) = content_length(head.headers)
        {
            span.set_new(semconv::HTTP_REQUEST_BODY_SIZE, length);
        }
        let listed = &self.policy.request_headers;
        listed.read(head.headers, &self.policy.sensitive, |key, lines| {
            span.set(key, lines);
        });
        if self.policy.legacy_names {
            self.describe_legacy(span);
        }
    }

    /// The names from before 2023 (`OTEL_SEMCONV_STABILITY_OPT_IN=http/dup`).
    fn describe_legacy(&self, span: &mut SpanWriter<'_>) {
        use semconv::legacy;

        span.set_new(legacy::HTTP_METHOD, self.method);
        self.with_url(|url| span.set_new(legacy::HTTP_URL, cut(url)));
        if let Some((host, _)) = self.server() {
            span.set_new(legacy::NET_PEER_NAME, host);
        }
        if let Some(port) = self.port() {
            span.set_new(legacy::NET_PEER_PORT, port);
        }
    }

    /// `http.request.resend_count`: there from the second attempt on.
    fn resend_count(&self) -> Option<u32> {
        (self.resends > 0).then_some(self.resends)
    }

    /// The port that is called; that of the scheme where none is given.
    pub(super) fn port(&self) -> Option<u16> {
        self.server()?
            .1
            .or_else(|| authority::default_port(self.scheme()))
    }

    fn scheme(&self) -> &'a str {
        self.head.uri.scheme_str().unwrap_or(self.policy.scheme)
    }

    fn with_url<R>(&self, use_it: impl FnOnce(&str) -> R) -> R {
        scratch::with(|url| {
            self.write_url(url);
            use_it(url)
        })
    }

    fn write_url(&self, url: &mut String) {
        let uri = self.head.uri;
        let target = match uri.path_and_query() {
            Some(target) if target.as_str().starts_with('/') => target.as_str(),
            // `http://host?query` has an empty path.
            Some(_) | None => {
                let query = uri.query().unwrap_or_default();
                let mark = if query.is_empty() { "" } else { "?" };
                return scratch::with(|target| {
                    target.extend(["/", mark, query]);
                    self.write(url, target);
                });
            }
        };
        self.write(url, target);
    }

    fn write(&self, url: &mut String, target: &str) {
        // Writing to a string does not fail.
        let _ = self
            .policy
            .sensitive
            .write_url(url, self.scheme(), self.authority(), target);
    }
}

/// What samplers may ask for before the span exists.
impl AttributeSource for Request<'_> {
    fn name(&self) -> &str {
        self.name.get_or_init(|| {
            let mut text = Text::new();
            text.extend(method::name_of(self.method, self.template()));
            text
        })
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        match key {
            "http.request.method" => Some(ValueRef::Str(self.method)),
            "server.address" => self.host().map(ValueRef::Str),
            "server.port" => self.port().map(|port| ValueRef::I64(i64::from(port))),
            "url.path" => Some(ValueRef::Str(self.path())),
            "url.scheme" => Some(ValueRef::Str(self.scheme())),
            "url.full" => Some(ValueRef::Str(self.url.get_or_init(|| {
                let mut url = String::new();
                self.write_url(&mut url);
                url
            }))),
            "url.template" => self.template().map(ValueRef::Str),
            "http.request.resend_count" => self
                .resend_count()
                .map(|resend| ValueRef::I64(i64::from(resend))),
            _ => None,
        }
    }
}
