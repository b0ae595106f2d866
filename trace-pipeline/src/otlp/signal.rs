/// What is sent by OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Metrics,
    Traces,
}

impl Signal {
    /// Where it goes below a base URL
    /// ([endpoints](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp)).
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Logs => "v1/logs",
            Self::Metrics => "v1/metrics",
            Self::Traces => "v1/traces",
        }
    }

    /// The call by which it is sent over gRPC.
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        }
    }

    /// How its own variables begin, which win over those for all signals.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Logs => "OTEL_EXPORTER_OTLP_LOGS_",
            Self::Metrics => "OTEL_EXPORTER_OTLP_METRICS_",
            Self::Traces => "OTEL_EXPORTER_OTLP_TRACES_",
        }
    }
}
