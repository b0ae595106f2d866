//! Names of metrics. The durations are stable, and histograms of seconds.

/// How long calls to a database take, as its clients see it.
pub const DB_CLIENT_OPERATION_DURATION: &str = "db.client.operation.duration";

/// How many HTTP requests a client waits for. In development.
pub const HTTP_CLIENT_ACTIVE_REQUESTS: &str = "http.client.active_requests";

/// How long HTTP requests take, as clients see it.
pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";

/// How many HTTP requests a server is working on. In development.
pub const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";

/// How long HTTP requests take, as servers see it.
pub const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";

/// How long remote procedure calls take, as clients see it.
pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";

/// How long remote procedure calls take, as servers see it.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
