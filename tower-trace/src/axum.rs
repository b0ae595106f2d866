//! axum: routes, the full target, the peer.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_trace::TraceLayer;
//! # use tracing_core_ctx::Tracer;
//! # let tracer = Tracer::noop();
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "hello" }))
//!     .layer(TraceLayer::for_axum(tracer));
//! ```
//!
//! A layer on the router (`Router::layer`) sees the matched route before the handler runs, also the full one of nested routers. Add
//! it after the routes, and after the layers that should run in its span: axum puts what is added later further outside.
//! `Router::route_layer` leaves out what matches no route.
//!
//! Whom to believe can depend on who is connected, where the server tells
//! (`into_make_service_with_connect_info::<SocketAddr>()`); that also gives spans `client.address`:
//!
//! ```
//! use tower_trace::{TraceLayer, Trust, axum::connect_info};
//! # use tracing_core_ctx::Tracer;
//! # let tracer = Tracer::noop();
//!
//! let layer = TraceLayer::for_axum(tracer).trust_by(|request| match connect_info(request) {
//!     Some(peer) if peer.ip().is_loopback() => Trust::Continue,
//!     _ => Trust::NewRootWithLink,
//! });
//! ```
//!
//! A layer around the finished router (a tower `ServiceBuilder` in front of it, say) runs before routing; put [`RouteLayer`] on the
//! router then, and the name is corrected as soon as the route is known.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use http::{Request, Uri};
use tower_layer::Layer;
use tower_service::Service;
use tracing_core_ctx::{Tracer, semconv};

use crate::head::RequestHead;
use crate::method::{self, KnownMethods};
use crate::route::LateRoute;
use crate::{PeerAddr, TraceLayer, scratch};

impl TraceLayer {
    /// A layer for axum: names requests by [`matched_path`], takes the target from [`original_uri`] and the peer from
    /// `ConnectInfo<SocketAddr>`.
    pub fn for_axum(tracer: Tracer) -> Self {
        Self::new(tracer)
            .route(matched_path)
            .original_uri(original_uri)
            .peer_address(connect_info)
    }
}

/// The route that axum matched, for [`TraceLayer::route`]. Below a nested service (`nest_service`) there is none.
#[must_use]
pub fn matched_path(head: RequestHead<'_>) -> Option<Cow<'_, str>> {
    head.extensions
        .get::<MatchedPath>()
        .map(|path| Cow::Borrowed(path.as_str()))
}

/// The target before nested routers shortened it, for [`TraceLayer::original_uri`].
#[must_use]
pub fn original_uri(head: RequestHead<'_>) -> Option<&Uri> {
    head.extensions.get::<OriginalUri>().map(|uri| &uri.0)
}

/// The peer of the connection, for [`TraceLayer::peer_address`]: what `into_make_service_with_connect_info` found, or a [`PeerAddr`].
#[must_use]
pub fn connect_info(head: RequestHead<'_>) -> Option<SocketAddr> {
    let info = head
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0);
    info.or_else(|| head.extensions.get::<PeerAddr>().map(|peer| peer.0))
}

/// Tells the current span the route that axum matched, and names it by that: for a [`TraceLayer`] that is around the finished router. Who
/// [observes](TraceLayer::observe) requests hears of the route when they end, recorded or not.
///
/// That is the server's span, unless a layer between the two runs its requests in a span of its own. A
/// name that [`TraceLayer::name`] gave is replaced.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower::{Layer as _, ServiceBuilder};
/// use tower_trace::{TraceLayer, axum::RouteLayer};
/// # use tracing_core_ctx::Tracer;
/// # let tracer = Tracer::noop();
///
/// let app: Router = Router::new()
///     .route("/users/{id}", get(|| async { "hello" }))
///     .layer(RouteLayer::new());
/// let traced = TraceLayer::for_axum(tracer).layer(app);
/// ```
#[derive(Clone, Debug)]
pub struct RouteLayer {
    methods: KnownMethods,
}

impl RouteLayer {
    /// Names spans by the conventions.
    #[must_use]
    pub fn new() -> Self {
        LateRoute::want();
        Self {
            methods: KnownMethods::from_env(),
        }
    }
}

impl Default for RouteLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = TellRoute<S>;

    fn layer(&self, inner: S) -> TellRoute<S> {
        TellRoute {
            inner,
            methods: self.methods.clone(),
        }
    }
}

/// A service that tells the current span its route. Made by [`RouteLayer`].
#[derive(Clone, Debug)]
pub struct TellRoute<S> {
    inner: S,
    methods: KnownMethods,
}

impl<S, B> Service<Request<B>> for TellRoute<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let context = tracing_core_ctx::Context::current();
        let (span, late) = (context.span_ref(), context.value::<LateRoute>());
        if (span.is_recording() || late.is_some())
            && let Some(route) = matched_path(RequestHead::new(&request))
        {
            if let Some(late) = late {
                late.tell(&route);
            }
            if span.is_recording() {
                span.set(semconv::HTTP_ROUTE, &*route);
                let method = self.methods.name(request.method());
                scratch::with(|name| {
                    name.extend(method::name_of(method, Some(&route)));
                    span.update_name(name);
                });
            }
        }
        self.inner.call(request)
    }
}
