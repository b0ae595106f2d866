use std::net::SocketAddr;

use http::Extensions;

/// The other end of the connection. A server sets it for each connection, as an extension of requests: who sent them. A client where it knows it, as one of
/// responses; one that knows it before there is a response has [`ServerAddr`](crate::client::ServerAddr).
///
/// It becomes `network.peer.address` and `network.peer.port`. axum's `ConnectInfo` does as well, with
/// `TraceLayer::for_axum`, and so do the responses of hyper-util's and reqwest's clients, with the features of these names.
///
/// On plain hyper it is set around the traced service, for each connection:
///
/// ```no_run
/// use hyper::service::{Service as _, service_fn};
/// use hyper_util::rt::TokioIo;
/// use tower::Layer as _;
/// use tower_trace::{PeerAddr, TraceLayer};
///
/// # type Answer = Result<http::Response<http_body_util::Empty<bytes::Bytes>>, std::convert::Infallible>;
/// # async fn handle(_: http::Request<hyper::body::Incoming>) -> Answer { Ok(http::Response::default()) }
/// # async fn demo(tracer: tracing_core_ctx::Tracer) -> std::io::Result<()> {
/// let traced = TraceLayer::new(tracer).layer(service_fn(handle));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// loop {
///     let (stream, peer) = listener.accept().await?;
///     let traced = traced.clone();
///     let service = service_fn(move |mut request: http::Request<_>| {
///         request.extensions_mut().insert(PeerAddr(peer));
///         traced.call(request)
///     });
///     tokio::spawn(async move {
///         let http = hyper::server::conn::http1::Builder::new();
///         http.serve_connection(TokioIo::new(stream), service).await
///     });
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

impl PeerAddr {
    /// Who gave this response.
    #[must_use]
    pub fn of_response(extensions: &Extensions) -> Option<SocketAddr> {
        let peer = extensions.get::<Self>().map(|peer| peer.0);
        #[cfg(feature = "hyper-util")]
        let peer = peer.or_else(|| {
            let info = extensions.get::<hyper_util::client::legacy::connect::HttpInfo>();
            info.map(|info| info.remote_addr())
        });
        peer
    }
}
