//! `server.*` and `client.*` are the two ends as they are named; `network.*` is what the socket knows.

use super::define::{attributes, values};

attributes! {
    /// The server as the client would name it: domain name, IP address, or path of a Unix socket.
    ///
    /// HTTP and RPC clients: required at span start; HTTP and RPC servers, messaging and databases: recommended.
    /// Never from a reverse DNS look-up. Example: `example.com`.
    const SERVER_ADDRESS: Key<str> = "server.address", Stable;

    /// The port that belongs to [`SERVER_ADDRESS`].
    ///
    /// HTTP clients: required at span start, default port included. HTTP servers and RPC: conditionally required, when
    /// known and the address is set. Databases: the same, but only if not the default port. Example: `8443`.
    const SERVER_PORT: Key<i64> = "server.port", Stable;

    /// The logical name of the service that is called, as in its own `service.name`.
    ///
    /// Client, when known. Takes the place of `peer.service`. Example: `payments`.
    const SERVER_SERVICE_NAME: Key<str> = "server.service.name", Development;

    /// The namespace of [`SERVER_SERVICE_NAME`].
    ///
    /// Client, when known. Example: `shop`.
    const SERVER_SERVICE_NAMESPACE: Key<str> = "server.service.namespace", Development;

    /// The client that started the request, behind all proxies.
    ///
    /// HTTP servers: recommended at span start. Example: `192.0.2.60`.
    const CLIENT_ADDRESS: Key<str> = "client.address", Stable;

    /// The port that belongs to [`CLIENT_ADDRESS`].
    ///
    /// HTTP servers: opt-in. Example: `65123`.
    const CLIENT_PORT: Key<i64> = "client.port", Stable;

    /// The logical name of the service that calls, as in its own `service.name`.
    ///
    /// Server, when known. Example: `gateway`.
    const CLIENT_SERVICE_NAME: Key<str> = "client.service.name", Development;

    /// The namespace of [`CLIENT_SERVICE_NAME`].
    ///
    /// Server, when known. Example: `shop`.
    const CLIENT_SERVICE_NAMESPACE: Key<str> = "client.service.namespace", Development;

    /// The other end of the socket: IP address, or path of a Unix socket.
    ///
    /// Recommended; of several, the last one contacted. Example: `10.1.2.80`.
    const NETWORK_PEER_ADDRESS: Key<str> = "network.peer.address", Stable;

    /// The port that belongs to [`NETWORK_PEER_ADDRESS`].
    ///
    /// Recommended, when the address is set. Example: `65123`.
    const NETWORK_PEER_PORT: Key<i64> = "network.peer.port", Stable;

    /// This end of the socket: IP address, or path of a Unix socket.
    ///
    /// HTTP servers: opt-in. Example: `10.1.2.81`.
    const NETWORK_LOCAL_ADDRESS: Key<str> = "network.local.address", Stable;

    /// The port that belongs to [`NETWORK_LOCAL_ADDRESS`].
    ///
    /// HTTP servers: opt-in. Example: `8080`.
    const NETWORK_LOCAL_PORT: Key<i64> = "network.local.port", Stable;

    /// The application protocol in lower case.
    ///
    /// HTTP: conditionally required, when it is not `http` and [`NETWORK_PROTOCOL_VERSION`] is set. Example: `amqp`.
    const NETWORK_PROTOCOL_NAME: Key<str> = "network.protocol.name", Stable;

    /// The negotiated version of the application protocol; HTTP has `1.0`, `1.1`, `2` and `3`.
    ///
    /// HTTP: recommended; absent when unknown. Example: `1.1`.
    const NETWORK_PROTOCOL_VERSION: Key<str> = "network.protocol.version", Stable;

    /// The transport: one of [`network_transport`].
    ///
    /// HTTP: opt-in; set for Unix sockets and pipes, since these have no port. Example: `tcp`.
    const NETWORK_TRANSPORT: Key<str> = "network.transport", Stable;

    /// The network layer: one of [`network_type`].
    ///
    /// When it helps. Example: `ipv6`.
    const NETWORK_TYPE: Key<str> = "network.type", Stable;
}

values! {
    /// The values of [`NETWORK_TRANSPORT`].
    pub mod network_transport {
        /// A named or anonymous pipe.
        const PIPE = "pipe";
        /// QUIC.
        const QUIC = "quic";
        /// TCP.
        const TCP = "tcp";
        /// UDP.
        const UDP = "udp";
        /// A Unix domain socket.
        const UNIX = "unix";
    }

    /// The values of [`NETWORK_TYPE`].
    pub mod network_type {
        /// IPv4.
        const IPV4 = "ipv4";
        /// IPv6.
        const IPV6 = "ipv6";
    }
}
