use std::net::SocketAddr;

use http::Extensions;

/// The other end of the connection. A server sets it for each connection, as an extension of requests; a client where it knows it, as one of
/// requests or of responses.
///
/// It becomes `network.peer.address` and `network.peer.port`. axum's `ConnectInfo` does as well, with
/// `TraceLayer::for_axum`, and so do the responses of hyper-util's and reqwest's clients, with the features of these names.
///
/// ```
/// use tower_trace::PeerAddr;
///
/// # fn demo(stream: std::net::TcpStream, mut request: http::Request<()>) -> std::io::Result<()> {
/// request.extensions_mut().insert(PeerAddr(stream.peer_addr()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

impl PeerAddr {
    /// Who gave this response.
    pub(crate) fn of_response(extensions: &Extensions) -> Option<SocketAddr> {
        let peer = extensions.get::<Self>().map(|peer| peer.0);
        #[cfg(feature = "hyper-util")]
        let peer = peer.or_else(|| {
            let info = extensions.get::<hyper_util::client::legacy::connect::HttpInfo>();
            info.map(|info| info.remote_addr())
        });
        peer
    }
}
