use trace_pipeline::logs::LogSink;
#[cfg(any(feature = "log", feature = "tracing"))]
use trace_pipeline::logs::{LogRecord, Severity};

/// Events of `tracing` as log records of OpenTelemetry, with the ids of the span they are in. Features `otlp-logs` and `tracing`.
///
/// ```
/// use trace_bridge::logs::OtlpLayer;
/// use trace_pipeline::logs::LogPipeline;
/// # use trace_pipeline::logs::LogsConfig;
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::prelude::*;
///
/// # fn set_up(logs: &LogPipeline) {
/// let layer = OtlpLayer::new(logs.sink()).with_filter(LevelFilter::INFO);
/// let subscriber = tracing_subscriber::registry().with(layer);
/// # drop(subscriber);
/// # }
/// ```
///
/// The message is the body; fields are attributes with their types, and so are `target`, `code.file.path` and `code.line.number`. The ids are those of
/// the context that is current, whether its span is recorded or not, but for [events whose parent is given](Self::spans_of).
#[cfg(feature = "tracing")]
#[derive(Clone, Debug)]
pub struct OtlpLayer {
    sink: LogSink,
    spans: Option<crate::layer::SpansOf>,
}

#[cfg(feature = "tracing")]
impl OtlpLayer {
    /// Sends events to `sink`.
    #[must_use]
    pub const fn new(sink: LogSink) -> Self {
        Self { sink, spans: None }
    }

    /// Knows the spans of a layer too: an event whose parent is given (`info!(parent: &span, ..)`) has the ids of that span then. Default: it has
    /// those of the current one.
    #[must_use]
    pub fn spans_of(mut self, layer: &crate::TracingLayer) -> Self {
        self.spans = Some(layer.spans_of());
        self
    }
}

#[cfg(feature = "tracing")]
impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for OtlpLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        use tracing::Level;
        use tracing_core_ctx::attribute::KeyRef;
        use tracing_core_ctx::semconv;

        use crate::layer::{TARGET, each, is_of_log, key_of};

        if !self.sink.is_enabled() {
            return;
        }
        let metadata = event.metadata();
        let severity = match *metadata.level() {
            Level::TRACE => Severity::Trace,
            Level::DEBUG => Severity::Debug,
            Level::INFO => Severity::Info,
            Level::WARN => Severity::Warn,
            Level::ERROR => Severity::Error,
        };
        let mut record = LogRecord::new(severity, "");
        if let Some(parent) = event.parent()
            && let Some(spans) = &self.spans
            && let Some(context) = spans.context(parent)
        {
            record.span = context.span_context().cloned();
        }
        record.set(TARGET, metadata.target());
        if let Some(file) = metadata.file() {
            record.set(semconv::CODE_FILE_PATH, file);
        }
        if let Some(line) = metadata.line() {
            record.set(semconv::CODE_LINE_NUMBER, line);
        }
        let (mut message, is_of_log) = (None, is_of_log(metadata));
        event.record(&mut each(|name, value| match name {
            "message" => value.read_text(|text| message = Some(text.to_owned())),
            name => {
                if let Some(key) = key_of(name, is_of_log) {
                    value.read(|value| record.set(KeyRef::Static(key), value));
                }
            }
        }));
        record.body = message.unwrap_or_default();
        self.sink.submit(record);
    }
}

/// Lines of the `log` crate as log records of OpenTelemetry, beside any other logger. Features `log` and `otlp-logs`.
///
/// ```
/// use trace_bridge::logs::OtlpLogger;
/// use trace_pipeline::logs::LogPipeline;
///
/// # struct Plain;
/// # impl log::Log for Plain {
/// #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
/// #     fn log(&self, record: &log::Record<'_>) { println!("{}", record.args()); }
/// #     fn flush(&self) {}
/// # }
/// # fn set_up(logs: &LogPipeline) -> Result<(), log::SetLoggerError> {
/// # let logger = Plain; // Of env_logger, for example.
/// let logger = OtlpLogger::new(logs.sink(), logger);
/// log::set_boxed_logger(Box::new(logger)).map(|()| log::set_max_level(log::LevelFilter::Info))
/// # }
/// ```
///
/// What the logger inside is not enabled for is not sent either.
#[cfg(feature = "log")]
#[derive(Debug)]
pub struct OtlpLogger<L> {
    sink: LogSink,
    inner: L,
}

#[cfg(feature = "log")]
impl<L> OtlpLogger<L> {
    /// Sends to `sink` what `inner` writes.
    pub const fn new(sink: LogSink, inner: L) -> Self {
        Self { sink, inner }
    }

    /// The logger inside.
    pub const fn get_ref(&self) -> &L {
        &self.inner
    }
}

#[cfg(feature = "log")]
impl<L: log::Log> log::Log for OtlpLogger<L> {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, line: &log::Record<'_>) {
        if !self.inner.enabled(line.metadata()) {
            return;
        }
        if self.sink.is_enabled() {
            self.sink.submit(record_of(line));
        }
        self.inner.log(line);
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

#[cfg(feature = "log")]
fn record_of(line: &log::Record<'_>) -> LogRecord {
    use log::Level;
    use log::kv::{Error, Key, Value, VisitSource};
    use tracing_core_ctx::attribute::KeyRef;
    use tracing_core_ctx::semconv;

    struct Pairs<'a>(&'a mut LogRecord);

    impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            let key = KeyRef::Borrowed(key.as_str());
            if let Some(flag) = value.to_bool() {
                self.0.set(key, flag);
            } else if let Some(number) = value.to_i64() {
                self.0.set(key, number);
            } else if let Some(number) = value.to_f64() {
                self.0.set(key, number);
            } else {
                self.0.set(key, value.to_string());
            }
            Ok(())
        }
    }

    let severity = match line.level() {
        Level::Trace => Severity::Trace,
        Level::Debug => Severity::Debug,
        Level::Info => Severity::Info,
        Level::Warn => Severity::Warn,
        Level::Error => Severity::Error,
    };
    let mut record = LogRecord::new(severity, line.args().to_string());
    record.set("target", line.target());
    if let Some(file) = line.file() {
        record.set(semconv::CODE_FILE_PATH, file);
    }
    if let Some(number) = line.line() {
        record.set(semconv::CODE_LINE_NUMBER, number);
    }
    // The error would be ours, and is none.
    let _ = line.key_values().visit(&mut Pairs(&mut record));
    record
}
