use super::define::{attributes, values};

attributes! {
    /// The database system as the client library sees it: one of [`db_system_name`], or another lower-case name.
    ///
    /// Required at span start. Example: `postgresql`.
    const DB_SYSTEM_NAME: Key<str> = "db.system.name", Stable;

    /// The database, with its components joined by `|`.
    ///
    /// Conditionally required at span start: when available. Example: `shop|public`.
    const DB_NAMESPACE: Key<str> = "db.namespace", Stable;

    /// The table, collection or container; never parsed out of the query.
    ///
    /// Conditionally required at span start: when readily available and only one. Example: `orders`.
    const DB_COLLECTION_NAME: Key<str> = "db.collection.name", Stable;

    /// The operation in the caller's spelling; never parsed out of the query.
    ///
    /// Conditionally required at span start: when readily available and only one. Example: `SELECT`.
    const DB_OPERATION_NAME: Key<str> = "db.operation.name", Stable;

    /// How many operations a batch holds.
    ///
    /// Recommended: from 2 on, or 0 for an empty batch; never 1. Example: `3`.
    const DB_OPERATION_BATCH_SIZE: Key<i64> = "db.operation.batch.size", Stable;

    /// The query: with its placeholders as it is, with literals only after these became `?`.
    ///
    /// Recommended at span start. Example: `SELECT * FROM orders WHERE id = $1`.
    const DB_QUERY_TEXT: Key<str> = "db.query.text", Stable;

    /// The query's operations and targets, with few distinct values. Becomes the span's name when set.
    ///
    /// Recommended at span start. Example: `INSERT shipping_details SELECT orders`.
    const DB_QUERY_SUMMARY: Key<str> = "db.query.summary", Stable;

    /// The code that the database answered with.
    ///
    /// Conditionally required: when the operation failed and there is one. Example: `23505`.
    const DB_RESPONSE_STATUS_CODE: Key<str> = "db.response.status_code", Stable;

    /// The stored procedure, in the caller's spelling.
    ///
    /// Recommended. Example: `close_month`.
    const DB_STORED_PROCEDURE_NAME: Key<str> = "db.stored_procedure.name", Stable;

    /// How many rows the operation returned.
    ///
    /// Opt-in. Example: `30`.
    const DB_RESPONSE_RETURNED_ROWS: Key<i64> = "db.response.returned_rows", Development;

    /// Parameters of the query; a member is the parameter's name, or its index from 0.
    ///
    /// Opt-in, never on batches. Example: `db.query.parameter.id`.
    const DB_QUERY_PARAMETER: KeyPrefix<str> = "db.query.parameter.", Development;

    /// The connection pool.
    ///
    /// Required on the metrics of pools. Example: `orders-primary`.
    const DB_CLIENT_CONNECTION_POOL_NAME: Key<str> = "db.client.connection.pool.name", Development;

    /// What a pooled connection does: one of [`db_client_connection_state`].
    ///
    /// Required on the metric `db.client.connection.count`. Example: `idle`.
    const DB_CLIENT_CONNECTION_STATE: Key<str> = "db.client.connection.state", Development;
}

values! {
    /// The values of [`DB_CLIENT_CONNECTION_STATE`].
    pub mod db_client_connection_state {
        /// Waits in the pool.
        const IDLE = "idle";
        /// Lent out.
        const USED = "used";
    }

    /// Values of [`DB_SYSTEM_NAME`]; those not called stable are in development.
    pub mod db_system_name {
        /// Actian Ingres.
        const ACTIAN_INGRES = "actian.ingres";
        /// Amazon DynamoDB.
        const AWS_DYNAMODB = "aws.dynamodb";
        /// Amazon Redshift.
        const AWS_REDSHIFT = "aws.redshift";
        /// Azure Cosmos DB.
        const AZURE_COSMOSDB = "azure.cosmosdb";
        /// Apache Cassandra.
        const CASSANDRA = "cassandra";
        /// ClickHouse.
        const CLICKHOUSE = "clickhouse";
        /// CockroachDB.
        const COCKROACHDB = "cockroachdb";
        /// Couchbase.
        const COUCHBASE = "couchbase";
        /// Apache CouchDB.
        const COUCHDB = "couchdb";
        /// Apache Derby.
        const DERBY = "derby";
        /// Elasticsearch.
        const ELASTICSEARCH = "elasticsearch";
        /// Firebird.
        const FIREBIRDSQL = "firebirdsql";
        /// Google Cloud Spanner.
        const GCP_SPANNER = "gcp.spanner";
        /// Apache Geode.
        const GEODE = "geode";
        /// H2.
        const H2DATABASE = "h2database";
        /// Apache HBase.
        const HBASE = "hbase";
        /// Apache Hive.
        const HIVE = "hive";
        /// HyperSQL.
        const HSQLDB = "hsqldb";
        /// IBM Db2.
        const IBM_DB2 = "ibm.db2";
        /// IBM Informix.
        const IBM_INFORMIX = "ibm.informix";
        /// IBM Netezza.
        const IBM_NETEZZA = "ibm.netezza";
        /// InfluxDB.
        const INFLUXDB = "influxdb";
        /// Instant.
        const INSTANTDB = "instantdb";
        /// InterSystems Caché.
        const INTERSYSTEMS_CACHE = "intersystems.cache";
        /// MariaDB; stable.
        const MARIADB = "mariadb";
        /// Memcached.
        const MEMCACHED = "memcached";
        /// Microsoft SQL Server; stable.
        const MICROSOFT_SQL_SERVER = "microsoft.sql_server";
        /// MongoDB.
        const MONGODB = "mongodb";
        /// MySQL; stable.
        const MYSQL = "mysql";
        /// Neo4j.
        const NEO4J = "neo4j";
        /// OpenSearch.
        const OPENSEARCH = "opensearch";
        /// Oracle Database.
        const ORACLE_DB = "oracle.db";
        /// Some other SQL database, when it cannot be told which.
        const OTHER_SQL = "other_sql";
        /// PostgreSQL; stable.
        const POSTGRESQL = "postgresql";
        /// Redis.
        const REDIS = "redis";
        /// SAP HANA.
        const SAP_HANA = "sap.hana";
        /// SAP MaxDB.
        const SAP_MAXDB = "sap.maxdb";
        /// Adabas.
        const SOFTWAREAG_ADABAS = "softwareag.adabas";
        /// SQLite.
        const SQLITE = "sqlite";
        /// Teradata.
        const TERADATA = "teradata";
        /// Trino.
        const TRINO = "trino";
    }
}
