use super::define::{attributes, values};

attributes! {
    /// The RPC system: one of [`rpc_system_name`].
    ///
    /// Required at span start. Example: `grpc`.
    const RPC_SYSTEM_NAME: Key<str> = "rpc.system.name", Stable;

    /// The method with its service, or [`rpc_method::OTHER`] when the server does not know it.
    ///
    /// gRPC clients: required at span start; servers: conditionally required, when available.
    /// Example: `helloworld.Greeter/SayHello`.
    const RPC_METHOD: Key<str> = "rpc.method", Stable;

    /// The method as the client asked for it.
    ///
    /// Conditionally required: when it differs from [`RPC_METHOD`]. Example: `helloworld.Greeter/NoSuch`.
    const RPC_METHOD_ORIGINAL: Key<str> = "rpc.method_original", Stable;

    /// The status of the call by its name: for gRPC one of [`rpc_grpc_status_code`].
    ///
    /// gRPC: required, also for a status made by the client itself. Example: `DEADLINE_EXCEEDED`.
    const RPC_STATUS_CODE: Key<str> = "rpc.status_code", Stable;

    /// Request metadata; a member is the key in lower case.
    ///
    /// Opt-in, by an explicit list; one item for each value, base64 for binary ones.
    /// Example: `rpc.request.header.x-tenant`.
    const RPC_REQUEST_HEADER: KeyPrefix<[String]> = "rpc.request.header.", Development;

    /// Response metadata sent before the payload; a member is the key in lower case.
    ///
    /// Opt-in, by an explicit list; one item for each value, base64 for binary ones.
    /// Example: `rpc.response.header.x-shard`.
    const RPC_RESPONSE_HEADER: KeyPrefix<[String]> = "rpc.response.header.", Development;

    /// Response metadata sent after the payload; a member is the key in lower case.
    ///
    /// Opt-in, by an explicit list; one item for each value, base64 for binary ones.
    /// Example: `rpc.response.trailer.x-cost`.
    const RPC_RESPONSE_TRAILER: KeyPrefix<[String]> = "rpc.response.trailer.", Development;
}

/// The one listed value of [`RPC_METHOD`].
pub mod rpc_method {
    /// A method that the server does not know.
    pub const OTHER: &str = "_OTHER";
}

values! {
    /// The values of [`RPC_SYSTEM_NAME`].
    pub mod rpc_system_name {
        /// Connect; in development.
        const CONNECTRPC = "connectrpc";
        /// Apache Dubbo.
        const DUBBO = "dubbo";
        /// gRPC.
        const GRPC = "grpc";
        /// JSON-RPC; in development.
        const JSONRPC = "jsonrpc";
    }

    /// The values that [`RPC_STATUS_CODE`] has for gRPC.
    ///
    /// `ALL` is in the order of the numbers, so that it can be indexed by `grpc-status`.
    pub mod rpc_grpc_status_code {
        /// 0: success.
        const OK = "OK";
        /// 1: given up, mostly by the caller.
        const CANCELLED = "CANCELLED";
        /// 2: no status, or one that fits no other name.
        const UNKNOWN = "UNKNOWN";
        /// 3: the request is wrong whatever the state of the system.
        const INVALID_ARGUMENT = "INVALID_ARGUMENT";
        /// 4: took longer than the caller allowed.
        const DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED";
        /// 5: there is no such thing.
        const NOT_FOUND = "NOT_FOUND";
        /// 6: the thing to create is there already.
        const ALREADY_EXISTS = "ALREADY_EXISTS";
        /// 7: the caller may not.
        const PERMISSION_DENIED = "PERMISSION_DENIED";
        /// 8: a quota or a resource is used up.
        const RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED";
        /// 9: the system is not in the state that the request needs.
        const FAILED_PRECONDITION = "FAILED_PRECONDITION";
        /// 10: lost a race, such as that of a transaction.
        const ABORTED = "ABORTED";
        /// 11: beyond the valid range.
        const OUT_OF_RANGE = "OUT_OF_RANGE";
        /// 12: the server has no such method.
        const UNIMPLEMENTED = "UNIMPLEMENTED";
        /// 13: an invariant is broken.
        const INTERNAL = "INTERNAL";
        /// 14: try again later.
        const UNAVAILABLE = "UNAVAILABLE";
        /// 15: data is lost for good.
        const DATA_LOSS = "DATA_LOSS";
        /// 16: the caller did not say who it is.
        const UNAUTHENTICATED = "UNAUTHENTICATED";
    }
}
