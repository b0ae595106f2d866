use crate::semconv;

#[test]
fn listed_values_are_as_published() {
    assert_eq!(
        semconv::http_request_method::ALL.join(" "),
        "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE"
    );
    assert_eq!(semconv::http_connection_state::ALL, ["active", "idle"]);
    assert_eq!(
        semconv::network_transport::ALL,
        ["pipe", "quic", "tcp", "udp", "unix"]
    );
    assert_eq!(semconv::network_type::ALL, ["ipv4", "ipv6"]);
    assert_eq!(semconv::user_agent_synthetic_type::ALL, ["bot", "test"]);
    assert_eq!(
        semconv::rpc_system_name::ALL,
        ["connectrpc", "dubbo", "grpc", "jsonrpc"]
    );
    assert_eq!(
        semconv::messaging_operation_type::ALL,
        ["create", "process", "receive", "send", "settle"]
    );
    assert_eq!(
        semconv::messaging_system_name::ALL.join(" "),
        "activemq aws.sns aws.sqs azure.eventgrid azure.eventhubs azure.servicebus gcp.pubsub jms kafka pulsar \
         rabbitmq rocketmq"
    );
    assert_eq!(
        semconv::db_system_name::ALL.join(" "),
        "actian.ingres aws.dynamodb aws.redshift azure.cosmosdb cassandra clickhouse cockroachdb couchbase couchdb \
         derby elasticsearch firebirdsql gcp.spanner geode h2database hbase hive hsqldb ibm.db2 ibm.informix \
         ibm.netezza influxdb instantdb intersystems.cache mariadb memcached microsoft.sql_server mongodb mysql neo4j \
         opensearch oracle.db other_sql postgresql redis sap.hana sap.maxdb softwareag.adabas sqlite teradata trino"
    );
    assert_eq!(semconv::db_client_connection_state::ALL, ["idle", "used"]);
    assert_eq!(
        semconv::deployment_environment_name::ALL,
        ["development", "production", "staging", "test"]
    );
    assert_eq!(semconv::otel_status_code::ALL, ["ERROR", "OK"]);
    assert_eq!(
        semconv::otel_span_sampling_result::ALL,
        ["DROP", "RECORD_AND_SAMPLE", "RECORD_ONLY"]
    );
    assert_eq!(
        semconv::otel_span_parent_origin::ALL,
        ["local", "none", "remote"]
    );
    assert_eq!(
        semconv::otel_component_type::ALL.join(" "),
        "batching_span_processor otlp_grpc_span_exporter otlp_http_json_span_exporter otlp_http_span_exporter \
         simple_span_processor zipkin_http_span_exporter"
    );
    assert_eq!(
        semconv::ctx_message_settlement::ALL,
        ["ack", "nack", "none", "reject", "requeue"]
    );
    assert_eq!(
        semconv::ctx_outcome::ALL,
        ["aborted", "cancelled", "upgraded"]
    );
    assert_eq!(semconv::http_request_method::OTHER, "_OTHER");
    assert_eq!(semconv::rpc_method::OTHER, "_OTHER");
    assert_eq!(semconv::error_type::OTHER, "_OTHER");
    assert_eq!(semconv::error_type::ALL, ["connect", "panic", "timeout"]);
}

#[test]
fn stable_metrics_and_the_schema_are_as_published() {
    use semconv::metric;

    assert_eq!(
        metric::DB_CLIENT_OPERATION_DURATION,
        "db.client.operation.duration"
    );
    assert_eq!(
        metric::HTTP_CLIENT_REQUEST_DURATION,
        "http.client.request.duration"
    );
    assert_eq!(
        metric::HTTP_SERVER_REQUEST_DURATION,
        "http.server.request.duration"
    );
    assert_eq!(
        metric::HTTP_CLIENT_ACTIVE_REQUESTS,
        "http.client.active_requests"
    );
    assert_eq!(
        metric::HTTP_SERVER_ACTIVE_REQUESTS,
        "http.server.active_requests"
    );
    assert_eq!(metric::RPC_CLIENT_CALL_DURATION, "rpc.client.call.duration");
    assert_eq!(metric::RPC_SERVER_CALL_DURATION, "rpc.server.call.duration");
    assert_eq!(semconv::EXCEPTION_EVENT, "exception");
    assert_eq!(
        semconv::SCHEMA_URL,
        "https://opentelemetry.io/schemas/1.45.0"
    );
}

#[test]
fn grpc_codes_stand_at_their_numbers() {
    let numbered = [
        (0, "OK"),
        (1, "CANCELLED"),
        (2, "UNKNOWN"),
        (3, "INVALID_ARGUMENT"),
        (4, "DEADLINE_EXCEEDED"),
        (5, "NOT_FOUND"),
        (6, "ALREADY_EXISTS"),
        (7, "PERMISSION_DENIED"),
        (8, "RESOURCE_EXHAUSTED"),
        (9, "FAILED_PRECONDITION"),
        (10, "ABORTED"),
        (11, "OUT_OF_RANGE"),
        (12, "UNIMPLEMENTED"),
        (13, "INTERNAL"),
        (14, "UNAVAILABLE"),
        (15, "DATA_LOSS"),
        (16, "UNAUTHENTICATED"),
    ];
    assert_eq!(semconv::rpc_grpc_status_code::ALL.len(), numbered.len());
    for (number, name) in numbered {
        assert_eq!(semconv::rpc_grpc_status_code::ALL[number], name);
    }
}
