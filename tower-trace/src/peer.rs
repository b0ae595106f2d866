use std::net::SocketAddr;

use http::Extensions;

/// The other end of the connection. A server sets it for each connection, as an extension of requests; a client where it knows it, as one of
/// requests or of responses.
///
/// It becomes `network.peer.address` and `network.peer.port`. Responses of hyper-util's client need none with the feature `hyper-util`,
/// nor do those of [`reqwest`](mod@crate::reqwest).
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
