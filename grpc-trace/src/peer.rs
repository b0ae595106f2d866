use std::net::SocketAddr;

use http::Extensions;
use tonic::transport::server::TcpConnectInfo;
use tower_trace::PeerAddr;
use tower_trace::policy::with_ip;

/// The other end of a connection that a server took: what tonic's transport says, with TLS or without, or whoever else serves.
pub(crate) fn of_request(extensions: &Extensions) -> Option<SocketAddr> {
    if let Some(info) = extensions.get::<TcpConnectInfo>() {
        return info.remote_addr();
    }
    #[cfg(feature = "axum")]
    if let Some(info) = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>() {
        return Some(info.0);
    }
    extensions.get::<PeerAddr>().map(|peer| peer.0)
}

/// Shows the address as text and the port.
pub(crate) fn set(peer: SocketAddr, set: impl FnOnce(&str, u16)) {
    with_ip(peer.ip(), |address| set(address, peer.port()));
}
