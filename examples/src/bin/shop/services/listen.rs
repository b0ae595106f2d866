//! Servers on free ports of the loopback interface, with axum, with tonic and with nothing but hyper.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt as _;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tonic::transport::Error as TransportError;
use tonic::transport::server::TcpIncoming;
use tower_trace::PeerAddr;

type BoxError = Box<dyn Error + Send + Sync>;

/// Serves a router for as long as the program runs.
pub(super) async fn axum(router: Router) -> io::Result<SocketAddr> {
    let (listener, address) = bind().await?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // The pieces of a stream leave when they are there, and not when the last one was acknowledged.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

/// Serves gRPC by what `serve` makes of the connections, for as long as the program runs.
pub(super) fn tonic<F>(serve: impl FnOnce(TcpIncoming) -> F) -> io::Result<SocketAddr>
where
    F: Future<Output = Result<(), TransportError>> + Send + 'static,
{
    let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = incoming.local_addr()?;
    tokio::spawn(serve(incoming));
    Ok(address)
}

/// Serves a hyper service for as long as the program runs.
pub(super) async fn hyper<S, B>(service: S) -> io::Result<SocketAddr>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let (listener, address) = bind().await?;
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let service = service.clone();
            // What axum calls `ConnectInfo`: with hyper alone, the server says who the peer is.
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddr(peer));
                service.call(request)
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Ok(address)
}

async fn bind() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
