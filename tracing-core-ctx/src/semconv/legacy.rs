//! Names that the conventions have left behind, with the types that they had.
//!
//! They are here for `/dup`, which emits them beside the new ones ([`StabilityOptIn`](super::StabilityOptIn)), and for
//! reading what others send. Values differ too in places: [`HTTP_FLAVOR`] says `2.0` where
//! [`NETWORK_PROTOCOL_VERSION`](super::NETWORK_PROTOCOL_VERSION) says `2`.

use super::define::old_names;

old_names! {
    const HTTP_CLIENT_IP: Key<str> = "http.client_ip" => "`client.address`";
    const HTTP_FLAVOR: Key<str> = "http.flavor" => "`network.protocol.version`";
    const HTTP_HOST: Key<str> = "http.host" => "`server.address` and `server.port`";
    const HTTP_METHOD: Key<str> = "http.method" => "`http.request.method`";
    const HTTP_REQUEST_CONTENT_LENGTH: Key<i64> = "http.request_content_length" => "`http.request.body.size`";
    const HTTP_REQUEST_CONTENT_LENGTH_UNCOMPRESSED: Key<i64> = "http.request_content_length_uncompressed"
        => "`http.request.body.size`";
    const HTTP_RESPONSE_CONTENT_LENGTH: Key<i64> = "http.response_content_length" => "`http.response.body.size`";
    const HTTP_RESPONSE_CONTENT_LENGTH_UNCOMPRESSED: Key<i64> = "http.response_content_length_uncompressed"
        => "`http.response.body.size`";
    const HTTP_SCHEME: Key<str> = "http.scheme" => "`url.scheme`";
    const HTTP_SERVER_NAME: Key<str> = "http.server_name" => "`server.address`";
    const HTTP_STATUS_CODE: Key<i64> = "http.status_code" => "`http.response.status_code`";
    const HTTP_TARGET: Key<str> = "http.target" => "`url.path` and `url.query`";
    const HTTP_URL: Key<str> = "http.url" => "`url.full`";
    const HTTP_USER_AGENT: Key<str> = "http.user_agent" => "`user_agent.original`";

    const NET_HOST_IP: Key<str> = "net.host.ip" => "`network.local.address`";
    const NET_HOST_NAME: Key<str> = "net.host.name" => "`server.address`";
    const NET_HOST_PORT: Key<i64> = "net.host.port" => "`server.port`";
    const NET_PEER_IP: Key<str> = "net.peer.ip" => "`network.peer.address`";
    const NET_PEER_NAME: Key<str> = "net.peer.name"
        => "`server.address` on client spans, `client.address` on server spans";
    const NET_PEER_PORT: Key<i64> = "net.peer.port" => "`server.port` on client spans, `client.port` on server spans";
    const NET_PROTOCOL_NAME: Key<str> = "net.protocol.name" => "`network.protocol.name`";
    const NET_PROTOCOL_VERSION: Key<str> = "net.protocol.version" => "`network.protocol.version`";
    const NET_SOCK_FAMILY: Key<str> = "net.sock.family" => "`network.transport` and `network.type`";
    const NET_SOCK_HOST_ADDR: Key<str> = "net.sock.host.addr" => "`network.local.address`";
    const NET_SOCK_HOST_PORT: Key<i64> = "net.sock.host.port" => "`network.local.port`";
    const NET_SOCK_PEER_ADDR: Key<str> = "net.sock.peer.addr" => "`network.peer.address`";
    const NET_SOCK_PEER_NAME: Key<str> = "net.sock.peer.name";
    const NET_SOCK_PEER_PORT: Key<i64> = "net.sock.peer.port" => "`network.peer.port`";
    const NET_TRANSPORT: Key<str> = "net.transport" => "`network.transport`";

    const PEER_SERVICE: Key<str> = "peer.service"
        => "`server.service.name` on client spans, `client.service.name` on server spans";
    const SERVICE_PEER_NAME: Key<str> = "service.peer.name"
        => "`server.service.name` on client spans, `client.service.name` on server spans";
    const SERVICE_PEER_NAMESPACE: Key<str> = "service.peer.namespace"
        => "`server.service.namespace` on client spans, `client.service.namespace` on server spans";

    const MESSAGE_COMPRESSED_SIZE: Key<i64> = "message.compressed_size";
    const MESSAGE_ID: Key<i64> = "message.id";
    const MESSAGE_TYPE: Key<str> = "message.type";
    const MESSAGE_UNCOMPRESSED_SIZE: Key<i64> = "message.uncompressed_size";
    const RPC_GRPC_REQUEST_METADATA: KeyPrefix<[String]> = "rpc.grpc.request.metadata." => "`rpc.request.header.`";
    const RPC_GRPC_RESPONSE_METADATA: KeyPrefix<[String]> = "rpc.grpc.response.metadata."
        => "`rpc.response.header.` before the payload, `rpc.response.trailer.` after it";
    const RPC_GRPC_STATUS_CODE: Key<i64> = "rpc.grpc.status_code" => "the status by its name in `rpc.status_code`";
    const RPC_MESSAGE_COMPRESSED_SIZE: Key<i64> = "rpc.message.compressed_size";
    const RPC_MESSAGE_ID: Key<i64> = "rpc.message.id";
    const RPC_MESSAGE_TYPE: Key<str> = "rpc.message.type";
    const RPC_MESSAGE_UNCOMPRESSED_SIZE: Key<i64> = "rpc.message.uncompressed_size";
    const RPC_REQUEST_METADATA: KeyPrefix<[String]> = "rpc.request.metadata." => "`rpc.request.header.`";
    const RPC_RESPONSE_METADATA: KeyPrefix<[String]> = "rpc.response.metadata."
        => "`rpc.response.header.` before the payload, `rpc.response.trailer.` after it";
    const RPC_RESPONSE_STATUS_CODE: Key<str> = "rpc.response.status_code" => "`rpc.status_code`";
    const RPC_SERVICE: Key<str> = "rpc.service" => "the service and the method in `rpc.method`";
    const RPC_SYSTEM: Key<str> = "rpc.system" => "`rpc.system.name`";

    const DB_CASSANDRA_TABLE: Key<str> = "db.cassandra.table" => "`db.collection.name`";
    const DB_CLIENT_CONNECTIONS_POOL_NAME: Key<str> = "db.client.connections.pool.name"
        => "`db.client.connection.pool.name`";
    const DB_CLIENT_CONNECTIONS_STATE: Key<str> = "db.client.connections.state" => "`db.client.connection.state`";
    const DB_CONNECTION_STRING: Key<str> = "db.connection_string" => "`server.address` and `server.port`";
    const DB_MONGODB_COLLECTION: Key<str> = "db.mongodb.collection" => "`db.collection.name`";
    const DB_NAME: Key<str> = "db.name" => "`db.namespace`";
    const DB_OPERATION: Key<str> = "db.operation" => "`db.operation.name`";
    const DB_REDIS_DATABASE_INDEX: Key<i64> = "db.redis.database_index" => "the index as text in `db.namespace`";
    const DB_SQL_TABLE: Key<str> = "db.sql.table" => "`db.collection.name`";
    const DB_STATEMENT: Key<str> = "db.statement" => "`db.query.text`";
    const DB_SYSTEM: Key<str> = "db.system" => "`db.system.name`";
    const DB_USER: Key<str> = "db.user";

    const MESSAGING_CLIENT_ID: Key<str> = "messaging.client_id" => "`messaging.client.id`";
    const MESSAGING_DESTINATION_PUBLISH_ANONYMOUS: Key<bool> = "messaging.destination_publish.anonymous";
    const MESSAGING_DESTINATION_PUBLISH_NAME: Key<str> = "messaging.destination_publish.name";
    const MESSAGING_KAFKA_CLUSTER_ID: Key<str> = "messaging.kafka.cluster.id" => "`kafka.cluster.id`";
    const MESSAGING_KAFKA_CONSUMER_GROUP: Key<str> = "messaging.kafka.consumer.group"
        => "`messaging.consumer.group.name`";
    const MESSAGING_KAFKA_DESTINATION_PARTITION: Key<i64> = "messaging.kafka.destination.partition"
        => "the number as text in `messaging.destination.partition.id`";
    const MESSAGING_KAFKA_MESSAGE_KEY: Key<str> = "messaging.kafka.message.key" => "`kafka.message.key`";
    const MESSAGING_KAFKA_MESSAGE_OFFSET: Key<i64> = "messaging.kafka.message.offset" => "`kafka.offset`";
    const MESSAGING_KAFKA_MESSAGE_TOMBSTONE: Key<bool> = "messaging.kafka.message.tombstone"
        => "`kafka.message.tombstone`";
    const MESSAGING_KAFKA_OFFSET: Key<i64> = "messaging.kafka.offset" => "`kafka.offset`";
    const MESSAGING_OPERATION: Key<str> = "messaging.operation"
        => "`messaging.operation.type` and `messaging.operation.name`";
    const MESSAGING_RABBITMQ_DESTINATION_ROUTING_KEY: Key<str> = "messaging.rabbitmq.destination.routing_key"
        => "`rabbitmq.destination.routing_key`";
    const MESSAGING_RABBITMQ_MESSAGE_DELIVERY_TAG: Key<i64> = "messaging.rabbitmq.message.delivery_tag"
        => "`rabbitmq.message.delivery_tag`";
    const MESSAGING_SYSTEM: Key<str> = "messaging.system" => "`messaging.system.name`";

    const CODE_COLUMN: Key<i64> = "code.column" => "`code.column.number`";
    const CODE_FILEPATH: Key<str> = "code.filepath" => "`code.file.path`";
    const CODE_FUNCTION: Key<str> = "code.function" => "the full path in `code.function.name`";
    const CODE_LINENO: Key<i64> = "code.lineno" => "`code.line.number`";
    const CODE_NAMESPACE: Key<str> = "code.namespace" => "the full path in `code.function.name`";

    const DEPLOYMENT_ENVIRONMENT: Key<str> = "deployment.environment" => "`deployment.environment.name`";
    const ERROR_MESSAGE: Key<str> = "error.message";
    const EXCEPTION_ESCAPED: Key<bool> = "exception.escaped";
    const OPENTRACING_REF_TYPE: Key<str> = "opentracing.ref_type";
    const OTEL_LIBRARY_NAME: Key<str> = "otel.library.name" => "`otel.scope.name`";
    const OTEL_LIBRARY_VERSION: Key<str> = "otel.library.version" => "`otel.scope.version`";
}
