//! reqwest: a client that traces what it sends.
//!
//! ```no_run
//! use tower_trace::{ClientTraceLayer, reqwest::Client};
//!
//! # async fn demo(tracer: tracing_core_ctx::Tracer) -> Result<(), reqwest::Error> {
//! let client = Client::new(reqwest::Client::new(), ClientTraceLayer::new(tracer));
//! let user = client
//!     .get("https://api.example/users/7")
//!     .template("/users/{id}")
//!     .send()
//!     .await?
//!     .text()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! The span ends when the response's body has been read, or is dropped. Redirects that reqwest follows by itself are inside of one
//! span, which has the URL that was asked for.
//!
//! They take the context along, wherever they lead: reqwest takes only headers like `authorization` out for a foreign host. Where contexts must
//! not leave ([`propagate_to`](ClientTraceLayer::propagate_to)), give the client the [`redirect_policy`](ClientTraceLayer::redirect_policy) of the layer, which
//! stops there.

mod builder;
mod redirect;

use crate::{ClientTraceLayer, PeerAddr};
pub use builder::RequestBuilder;
use reqwest::{Body, Error, IntoUrl, Method, Request, Response, ResponseBuilderExt as _};

/// A [`reqwest::Client`] whose requests are traced. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    layer: ClientTraceLayer,
}

impl Client {
    /// Traces what `inner` sends.
    #[must_use]
    pub const fn new(inner: reqwest::Client, layer: ClientTraceLayer) -> Self {
        Self { inner, layer }
    }

    /// The client without tracing.
    #[must_use]
    pub const fn get_ref(&self) -> &reqwest::Client {
        &self.inner
    }

    /// A `GET` request.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A `POST` request.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// A `PUT` request.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// A `PATCH` request.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// A `DELETE` request.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// A `HEAD` request.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), self.inner.request(method, url))
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::Client::execute`].
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.send(http::Request::try_from(request)?).await
    }

    async fn send(&self, request: http::Request<Body>) -> Result<Response, Error> {
        let send = |request: http::Request<Body>| async {
            let response = self.inner.execute(Request::try_from(request)?).await?;
            let peer = response.remote_addr().map(PeerAddr);
            let url = response.url().clone();
            let mut response = http::Response::<Body>::from(response);
            // The conversion forgets the URL; it comes back through an extension that only this builder can make.
            if let Ok(marked) = http::Response::builder().url(url).body(()) {
                response
                    .extensions_mut()
                    .extend(marked.into_parts().0.extensions);
            }
            if let Some(peer) = peer {
                response.extensions_mut().insert(peer);
            }
            Ok(response)
        };
        let response = self.layer.send(request, send).await?;
        Ok(response.map(Body::wrap).into())
    }
}
