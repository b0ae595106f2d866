//! Names of stable metrics. Each is a histogram of seconds.

/// How long calls to a database take, as its clients see it.
pub const DB_CLIENT_OPERATION_DURATION: &str = "db.client.operation.duration";

/// How long HTTP requests take, as clients see it.
pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";

/// How long HTTP requests take, as servers see it.
pub const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";

/// How long remote procedure calls take, as clients see it.
pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";

/// How long remote procedure calls take, as servers see it.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
