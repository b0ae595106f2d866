use std::future::{Ready, ready};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::retry::{Policy, Retry};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_trace::client::{AttemptsLayer, CountAttempts};
use tower_trace::route::InvalidTemplate;
use tower_trace::{ClientTrace, ClientTraceLayer, Templates};
use tracing_core_ctx::{SpanRef, Tracer, semconv};

/// Nothing was answered: no connection, or it broke.
pub(super) type Unavailable = Box<dyn std::error::Error + Send + Sync>;

type Pool = legacy::Client<HttpConnector, Empty<Bytes>>;

/// Posts to other services. Each attempt is a span of its own, since the tracing layer is inside of the one that retries.
#[derive(Clone)]
pub(super) struct Client {
    inner: CountAttempts<Retry<Once, ClientTrace<Pool>>>,
}

impl Client {
    pub(super) fn new(tracer: Tracer) -> Result<Self, InvalidTemplate> {
        let urls = Templates::new(["/stock/{item}", "/charges/{customer}"])?;
        let pool = legacy::Client::builder(TokioExecutor::new()).build_http();
        let inner = ServiceBuilder::new()
            .layer(AttemptsLayer::default())
            .retry(Once { is_left: true })
            .layer(ClientTraceLayer::new(tracer).templates(urls))
            .service(pool);
        Ok(Self { inner })
    }

    /// Posts nothing to `url`, and reads the answer to its end.
    pub(super) async fn post(&self, url: String) -> Result<StatusCode, Unavailable> {
        let request = Request::post(url).body(Empty::new())?;
        let response = self.inner.clone().oneshot(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }
}

/// Sends a request again, once, if the service says that it is not available.
#[derive(Clone, Copy, Debug)]
struct Once {
    is_left: bool,
}

impl<B, E> Policy<Request<Empty<Bytes>>, Response<B>, E> for Once {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Empty<Bytes>>,
        result: &mut Result<Response<B>, E>,
    ) -> Option<Ready<()>> {
        let is_busy =
            matches!(result, Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE);
        if !is_busy || !self.is_left {
            return None;
        }
        self.is_left = false;
        SpanRef::current().event("retry", |event| {
            event.set(semconv::HTTP_RESPONSE_STATUS_CODE, 503);
        });
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<Empty<Bytes>>) -> Option<Request<Empty<Bytes>>> {
        Some(request.clone())
    }
}
