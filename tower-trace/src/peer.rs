use std::net::SocketAddr;

/// The other end of the connection: a request extension that a server sets for each connection, and a client where it knows it.
///
/// It becomes `network.peer.address` and `network.peer.port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);
