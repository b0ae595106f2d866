//! Names of this project, for facts that OpenTelemetry has no name for. They are not part of its conventions, and keep
//! out of its namespaces.

use super::define::{attributes, values};

attributes! {
    /// That an exchange ended in another way than by its response: one of [`ctx_outcome`]. Not an OpenTelemetry name.
    ///
    /// Only when one applies; the status stays unset, since neither is a failure. Example: `cancelled`.
    const CTX_OUTCOME: Key<str> = "ctx.outcome", Own;

    /// That the error of an `exception` event was handled, so that the operation did not fail. Not an OpenTelemetry name.
    ///
    /// On `exception` events, only when true.
    const CTX_HANDLED: Key<bool> = "ctx.handled", Own;

    /// How often a message was dead-lettered before it came here. Not an OpenTelemetry name.
    ///
    /// Only when it was. Example: `2`.
    const CTX_MESSAGE_DEATHS: Key<i64> = "ctx.message.deaths", Own;

    /// How many messages of its partition are behind one, as far as its consumer knew then. Not an OpenTelemetry name.
    ///
    /// Only when the consumer asks its client for statistics. Example: `120`.
    const CTX_MESSAGE_LAG: Key<i64> = "ctx.message.lag", Own;

    /// Milliseconds from when a message was sent to when it was handed to its consumer, by the clocks of both. Not an OpenTelemetry name.
    ///
    /// Only when the message says when it was sent. Example: `1250`.
    const CTX_MESSAGE_QUEUE_TIME: Key<i64> = "ctx.message.queue_time", Own;

    /// That a message was delivered before. Not an OpenTelemetry name.
    ///
    /// Only when true.
    const CTX_MESSAGE_REDELIVERED: Key<bool> = "ctx.message.redelivered", Own;

    /// What a consumer told the broker about a message: one of [`ctx_message_settlement`]. Not an OpenTelemetry name.
    ///
    /// Example: `requeue`.
    const CTX_MESSAGE_SETTLEMENT: Key<str> = "ctx.message.settlement", Own;

    /// The partitions that a rebalance gave to a consumer. Not an OpenTelemetry name.
    ///
    /// Example: `["orders/0", "orders/1"]`.
    const CTX_REBALANCE_ASSIGNED: Key<[String]> = "ctx.rebalance.assigned", Own;

    /// That a consumer lost its partitions before it could give them back: another one may have them already. Not an OpenTelemetry name.
    ///
    /// Only when true.
    const CTX_REBALANCE_LOST: Key<bool> = "ctx.rebalance.lost", Own;

    /// The partitions that a rebalance took from a consumer. Not an OpenTelemetry name.
    ///
    /// Example: `["orders/0", "orders/1"]`.
    const CTX_REBALANCE_REVOKED: Key<[String]> = "ctx.rebalance.revoked", Own;

    /// How many messages of a call were received in whole. Not an OpenTelemetry name.
    ///
    /// Opt-in.
    const CTX_RPC_MESSAGES_RECEIVED: Key<i64> = "ctx.rpc.messages.received", Own;

    /// How many messages of a call were sent in whole. Not an OpenTelemetry name.
    ///
    /// Opt-in.
    const CTX_RPC_MESSAGES_SENT: Key<i64> = "ctx.rpc.messages.sent", Own;

    /// Whether the message of a `ctx.rpc.message` event was compressed. Not an OpenTelemetry name.
    const CTX_RPC_MESSAGE_COMPRESSED: Key<bool> = "ctx.rpc.message.compressed", Own;

    /// Which way the message of a `ctx.rpc.message` event went: one of [`ctx_rpc_message_direction`]. Not an OpenTelemetry name.
    const CTX_RPC_MESSAGE_DIRECTION: Key<str> = "ctx.rpc.message.direction", Own;

    /// The number of a message among those that went the same way, from 1 on; on `ctx.rpc.message` events. Not an OpenTelemetry name.
    const CTX_RPC_MESSAGE_ID: Key<i64> = "ctx.rpc.message.id", Own;

    /// The size of the message of a `ctx.rpc.message` event as it is on the wire, without its prefix, in bytes. Not an OpenTelemetry name.
    const CTX_RPC_MESSAGE_SIZE: Key<i64> = "ctx.rpc.message.size", Own;

    /// That the service that was called has told that it keeps its part of the trace. Not an OpenTelemetry name.
    ///
    /// On client spans, only when true.
    const CTX_SAMPLING_CALLEE: Key<bool> = "ctx.sampling.callee", Own;

    /// That only this process has decided to keep its part of a trace: parts in other services may be missing. Not an OpenTelemetry name.
    ///
    /// On local roots that a tail decision kept, only when true.
    const CTX_SAMPLING_PARTIAL: Key<bool> = "ctx.sampling.partial", Own;

    /// Why a span was kept: the name of a rule, or what a tail decision saw. Not an OpenTelemetry name.
    ///
    /// Example: `error`.
    const CTX_SAMPLING_REASON: Key<str> = "ctx.sampling.reason", Own;
}

values! {
    /// The values of [`CTX_MESSAGE_SETTLEMENT`].
    pub mod ctx_message_settlement {
        /// It was processed.
        const ACK = "ack";
        /// It was not, and goes to the dead letters or nowhere.
        const NACK = "nack";
        /// Nothing: it was dropped, and the broker delivers it again when the channel closes.
        const NONE = "none";
        /// It is refused, and goes to the dead letters or nowhere.
        const REJECT = "reject";
        /// It goes back into its queue.
        const REQUEUE = "requeue";
    }

    /// The values of [`CTX_RPC_MESSAGE_DIRECTION`].
    pub mod ctx_rpc_message_direction {
        /// It came in.
        const RECEIVED = "received";
        /// It went out.
        const SENT = "sent";
    }

    /// The values of [`CTX_OUTCOME`].
    pub mod ctx_outcome {
        /// What was done is undone: a transaction that was aborted.
        const ABORTED = "aborted";
        /// The caller went away, or dropped the future or the body, before the end.
        const CANCELLED = "cancelled";
        /// The connection became something else (status 101, or `CONNECT`).
        const UPGRADED = "upgraded";
    }
}
