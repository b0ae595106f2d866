use super::define::{attributes, values};

attributes! {
    /// The messaging system as the client library sees it: one of [`messaging_system_name`].
    ///
    /// Required at span start. Example: `kafka`.
    const MESSAGING_SYSTEM_NAME: Key<str> = "messaging.system.name", Development;

    /// What is done, in the words of the client library.
    ///
    /// Required at span start. Examples: `poll`, `ack`, `publish`.
    const MESSAGING_OPERATION_NAME: Key<str> = "messaging.operation.name", Development;

    /// What kind of operation this is: one of [`messaging_operation_type`].
    ///
    /// Conditionally required at span start: when one applies. Example: `send`.
    const MESSAGING_OPERATION_TYPE: Key<str> = "messaging.operation.type", Development;

    /// The client that sends or receives.
    ///
    /// Recommended, but not when a message is created. Example: `orders-5f6b`.
    const MESSAGING_CLIENT_ID: Key<str> = "messaging.client.id", Development;

    /// The destination: the topic of Kafka, `{exchange}:{routing key}:{queue}` of RabbitMQ.
    ///
    /// Conditionally required at span start: for one message, or when all of a batch have the same. Example: `orders`.
    const MESSAGING_DESTINATION_NAME: Key<str> = "messaging.destination.name", Development;

    /// The pattern of a destination with parameters.
    ///
    /// Conditionally required at span start: when available; never a copy of a name. Example: `/customers/{id}`.
    const MESSAGING_DESTINATION_TEMPLATE: Key<str> = "messaging.destination.template", Development;

    /// The partition, as text also where it is a number.
    ///
    /// Recommended at span start where there are partitions. Example: `3`.
    const MESSAGING_DESTINATION_PARTITION_ID: Key<str> = "messaging.destination.partition.id", Development;

    /// That the destination has no name of its own, or a made-up one.
    ///
    /// Conditionally required: only when true.
    const MESSAGING_DESTINATION_ANONYMOUS: Key<bool> = "messaging.destination.anonymous", Development;

    /// That the destination may vanish with its last user.
    ///
    /// Conditionally required: only when true.
    const MESSAGING_DESTINATION_TEMPORARY: Key<bool> = "messaging.destination.temporary", Development;

    /// The subscription through which messages are consumed.
    ///
    /// Metrics, conditionally required: where the system has subscriptions. Example: `billing`.
    const MESSAGING_DESTINATION_SUBSCRIPTION_NAME: Key<str> = "messaging.destination.subscription.name", Development;

    /// The group to which the consumer belongs.
    ///
    /// Kafka, conditionally required at span start: on receive, process and settle. Example: `billing`.
    const MESSAGING_CONSUMER_GROUP_NAME: Key<str> = "messaging.consumer.group.name", Development;

    /// How many messages the operation covers.
    ///
    /// Conditionally required: for operations on batches, also when there are 0 or 1; never for others. Example: `2`.
    const MESSAGING_BATCH_MESSAGE_COUNT: Key<i64> = "messaging.batch.message_count", Development;

    /// The id of a message, as the system knows it.
    ///
    /// Recommended for one message; of a batch it goes on the links. Example: `452a7c7c`.
    const MESSAGING_MESSAGE_ID: Key<str> = "messaging.message.id", Development;

    /// What ties a message to a conversation: its correlation id.
    ///
    /// Recommended for one message. Example: `order-7`.
    const MESSAGING_MESSAGE_CONVERSATION_ID: Key<str> = "messaging.message.conversation_id", Development;

    /// Bytes of the message's body, uncompressed if both are known.
    ///
    /// Opt-in. Example: `1439`.
    const MESSAGING_MESSAGE_BODY_SIZE: Key<i64> = "messaging.message.body.size", Development;

    /// Bytes of the message's body and metadata.
    ///
    /// Opt-in. Example: `2738`.
    const MESSAGING_MESSAGE_ENVELOPE_SIZE: Key<i64> = "messaging.message.envelope.size", Development;

    /// The key of a record, when it has a text form.
    ///
    /// Kafka, recommended for one message; absent when null. Example: `customer-7`.
    const KAFKA_MESSAGE_KEY: Key<str> = "kafka.message.key", Development;

    /// That the record has a null payload.
    ///
    /// Kafka, conditionally required: only when true.
    const KAFKA_MESSAGE_TOMBSTONE: Key<bool> = "kafka.message.tombstone", Development;

    /// The offset of a record in its partition.
    ///
    /// Kafka, recommended for one message; a producer learns it from the delivery report. Example: `42`.
    const KAFKA_OFFSET: Key<i64> = "kafka.offset", Development;

    /// The id of the cluster, which outlives its brokers' addresses.
    ///
    /// Kafka, recommended. Example: `MkU3OEVBNTcwNTJENDM2Qk`.
    const KAFKA_CLUSTER_ID: Key<str> = "kafka.cluster.id", Development;

    /// The routing key of a message.
    ///
    /// RabbitMQ, conditionally required on send, receive and process: when not empty. Example: `eu.orders`.
    const RABBITMQ_DESTINATION_ROUTING_KEY: Key<str> = "rabbitmq.destination.routing_key", Development;

    /// The delivery tag of a message.
    ///
    /// RabbitMQ, conditionally required on receive, process and settle: when available. Example: `123`.
    const RABBITMQ_MESSAGE_DELIVERY_TAG: Key<i64> = "rabbitmq.message.delivery_tag", Development;
}

values! {
    /// The values of [`MESSAGING_OPERATION_TYPE`].
    pub mod messaging_operation_type {
        /// Makes one message, to be sent later. Span kind: producer.
        const CREATE = "create";
        /// Handles messages. Span kind: consumer.
        const PROCESS = "process";
        /// Pulls messages. Span kind: client.
        const RECEIVE = "receive";
        /// Hands messages to the broker. Span kind: producer if its context travels with them, else client.
        const SEND = "send";
        /// Acknowledges or rejects messages. Span kind: client.
        const SETTLE = "settle";
    }

    /// The values of [`MESSAGING_SYSTEM_NAME`].
    pub mod messaging_system_name {
        /// Apache ActiveMQ.
        const ACTIVEMQ = "activemq";
        /// Amazon Simple Notification Service.
        const AWS_SNS = "aws.sns";
        /// Amazon Simple Queue Service.
        const AWS_SQS = "aws.sqs";
        /// Azure Event Grid.
        const AZURE_EVENTGRID = "azure.eventgrid";
        /// Azure Event Hubs.
        const AZURE_EVENTHUBS = "azure.eventhubs";
        /// Azure Service Bus.
        const AZURE_SERVICEBUS = "azure.servicebus";
        /// Google Cloud Pub/Sub.
        const GCP_PUBSUB = "gcp.pubsub";
        /// Jakarta Messaging.
        const JMS = "jms";
        /// Apache Kafka.
        const KAFKA = "kafka";
        /// Apache Pulsar.
        const PULSAR = "pulsar";
        /// RabbitMQ.
        const RABBITMQ = "rabbitmq";
        /// Apache RocketMQ.
        const ROCKETMQ = "rocketmq";
    }
}
