use std::net::SocketAddr;

/// Where a request is sent to, for a client that knows it before: a request extension. It becomes `network.peer.address` and
/// `network.peer.port`, unless the response knows better by its [`PeerAddr`](crate::PeerAddr).
///
/// It is not that one on requests, which says where a request came from: a proxy hands it on with the request.
///
/// ```
/// use tower_trace::client::ServerAddr;
///
/// let mut request = http::Request::get("https://api.example/users/7").body(())?;
/// request.extensions_mut().insert(ServerAddr(([192, 0, 2, 7], 443).into()));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddr(pub SocketAddr);
