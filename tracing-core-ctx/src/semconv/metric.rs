//! Names of metrics. The durations are histograms of seconds; those of HTTP, RPC and databases are stable.

/// How many messages of its partition are behind the one that came last. Ours, no name of the conventions.
pub const CTX_MESSAGING_CONSUMER_LAG: &str = "ctx.messaging.consumer.lag";

/// How long messages were on their way, from when they were sent to when they came. Ours, no name of the conventions.
pub const CTX_MESSAGING_QUEUE_DURATION: &str = "ctx.messaging.queue.duration";

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

/// How many messages have come to an application. In development.
pub const MESSAGING_CLIENT_CONSUMED_MESSAGES: &str = "messaging.client.consumed.messages";

/// How long it takes to send, receive and settle messages. In development.
pub const MESSAGING_CLIENT_OPERATION_DURATION: &str = "messaging.client.operation.duration";

/// How many messages an application has tried to send. In development.
pub const MESSAGING_CLIENT_SENT_MESSAGES: &str = "messaging.client.sent.messages";

/// How long it takes to process messages. In development.
pub const MESSAGING_PROCESS_DURATION: &str = "messaging.process.duration";

/// How long remote procedure calls take, as clients see it.
pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";

/// How long remote procedure calls take, as servers see it.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
