//! What telemetry says of itself: `telemetry.*` on the resource, `otel.*` where OTLP has a field and others do not.

use super::define::{attributes, values};

attributes! {
    /// The SDK; `opentelemetry` is reserved for the official ones.
    ///
    /// Resource, required. Example: `tower-trace`.
    const TELEMETRY_SDK_NAME: Key<str> = "telemetry.sdk.name", Stable;

    /// The language of the SDK.
    ///
    /// Resource, required. Here always `rust`.
    const TELEMETRY_SDK_LANGUAGE: Key<str> = "telemetry.sdk.language", Stable;

    /// The version of the SDK.
    ///
    /// Resource, required. Example: `0.1.0`.
    const TELEMETRY_SDK_VERSION: Key<str> = "telemetry.sdk.version", Stable;

    /// The distribution that wraps the SDK.
    ///
    /// Resource, recommended: when there is one. Example: `shop-telemetry`.
    const TELEMETRY_DISTRO_NAME: Key<str> = "telemetry.distro.name", Stable;

    /// The version of [`TELEMETRY_DISTRO_NAME`].
    ///
    /// Resource, recommended: when there is one. Example: `1.2.3`.
    const TELEMETRY_DISTRO_VERSION: Key<str> = "telemetry.distro.version", Stable;

    /// The instrumentation scope that made a span.
    ///
    /// Only for formats that have no field for it. Example: `tower-trace`.
    const OTEL_SCOPE_NAME: Key<str> = "otel.scope.name", Stable;

    /// The version of [`OTEL_SCOPE_NAME`].
    ///
    /// Only for formats that have no field for it. Example: `0.1.0`.
    const OTEL_SCOPE_VERSION: Key<str> = "otel.scope.version", Stable;

    /// The status of a span: one of [`otel_status_code`], absent when unset.
    ///
    /// Only for formats that have no field for it. Example: `ERROR`.
    const OTEL_STATUS_CODE: Key<str> = "otel.status_code", Stable;

    /// The description of an error status.
    ///
    /// Only for formats that have no field for it. Example: `stock is empty`.
    const OTEL_STATUS_DESCRIPTION: Key<str> = "otel.status_description", Stable;

    /// The name of an event.
    ///
    /// Only for formats that have no field for it. Example: `exception`.
    const OTEL_EVENT_NAME: Key<str> = "otel.event.name", Stable;

    /// What kind of part of an SDK reports about itself: one of [`otel_component_type`], or the name of its type.
    ///
    /// On the SDK's own metrics. Example: `batching_span_processor`.
    const OTEL_COMPONENT_TYPE: Key<str> = "otel.component.type", Development;

    /// Which part of an SDK reports about itself: its type and a counter from 0, never anything random.
    ///
    /// On the SDK's own metrics. Example: `batching_span_processor/0`.
    const OTEL_COMPONENT_NAME: Key<str> = "otel.component.name", Development;

    /// What the sampler said: one of [`otel_span_sampling_result`].
    ///
    /// On the SDK's own metrics. Example: `RECORD_AND_SAMPLE`.
    const OTEL_SPAN_SAMPLING_RESULT: Key<str> = "otel.span.sampling_result", Development;

    /// Where the parent of a span is: one of [`otel_span_parent_origin`].
    ///
    /// On the SDK's own metrics. Example: `remote`.
    const OTEL_SPAN_PARENT_ORIGIN: Key<str> = "otel.span.parent.origin", Development;
}

values! {
    /// The values of [`OTEL_STATUS_CODE`].
    pub mod otel_status_code {
        /// The operation failed.
        const ERROR = "ERROR";
        /// The application says that the operation succeeded.
        const OK = "OK";
    }

    /// The values of [`OTEL_COMPONENT_TYPE`] that concern spans.
    pub mod otel_component_type {
        /// Collects spans and hands them on in batches.
        const BATCHING_SPAN_PROCESSOR = "batching_span_processor";
        /// OTLP over gRPC.
        const OTLP_GRPC_SPAN_EXPORTER = "otlp_grpc_span_exporter";
        /// OTLP over HTTP as JSON.
        const OTLP_HTTP_JSON_SPAN_EXPORTER = "otlp_http_json_span_exporter";
        /// OTLP over HTTP as protobuf.
        const OTLP_HTTP_SPAN_EXPORTER = "otlp_http_span_exporter";
        /// Hands each span on as it ends.
        const SIMPLE_SPAN_PROCESSOR = "simple_span_processor";
        /// Zipkin over HTTP.
        const ZIPKIN_HTTP_SPAN_EXPORTER = "zipkin_http_span_exporter";
    }

    /// The values of [`OTEL_SPAN_SAMPLING_RESULT`].
    pub mod otel_span_sampling_result {
        /// Neither recorded nor exported.
        const DROP = "DROP";
        /// Recorded and exported.
        const RECORD_AND_SAMPLE = "RECORD_AND_SAMPLE";
        /// Recorded, but not exported.
        const RECORD_ONLY = "RECORD_ONLY";
    }

    /// The values of [`OTEL_SPAN_PARENT_ORIGIN`].
    pub mod otel_span_parent_origin {
        /// In this process.
        const LOCAL = "local";
        /// A root span.
        const NONE = "none";
        /// In another process.
        const REMOTE = "remote";
    }
}
