use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Error, Response};

use super::Client;
use crate::client::UrlTemplate;

/// A request that will be traced. Made by [`Client`].
///
/// What reqwest's builder can do beyond this (`json`, `query`, `form`, `bearer_auth`, by its features) is a [`map`](Self::map) away.
#[derive(Debug)]
#[must_use = "a request is sent when `send` is called"]
pub struct RequestBuilder {
    client: Client,
    inner: reqwest::RequestBuilder,
    template: Option<UrlTemplate>,
}

impl RequestBuilder {
    pub(super) const fn new(client: Client, inner: reqwest::RequestBuilder) -> Self {
        Self {
            client,
            inner,
            template: None,
        }
    }

    /// The template of the URL, such as `/users/{id}`: it becomes part of the span's name.
    pub fn template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.template = Some(UrlTemplate::new(template));
        self
    }

    /// Adds a header.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.map(|inner| inner.header(name, value))
    }

    /// Adds headers.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|inner| inner.headers(headers))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.map(|inner| inner.body(body))
    }

    /// Gives up after `timeout`.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|inner| inner.timeout(timeout))
    }

    /// Does anything else that reqwest's own builder can.
    ///
    /// ```no_run
    /// # async fn demo(client: tower_trace::reqwest::Client) -> Result<(), reqwest::Error> {
    /// client.post("https://api.example/orders").map(|request| request.bearer_auth("t0ken")).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn map(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.inner = change(self.inner);
        self
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::RequestBuilder::send`].
    pub async fn send(self) -> Result<Response, Error> {
        let mut request = http::Request::try_from(self.inner.build()?)?;
        if let Some(template) = self.template {
            request.extensions_mut().insert(template);
        }
        self.client.send(request).await
    }
}
