use log::kv::{Key, Source, Value, VisitSource};
use log::{Log, Metadata, Record};
use tracing_core_ctx::Context;

use super::LogIds;
use super::ids::Shown;

/// A logger of the `log` crate whose lines carry the ids, around any other.
///
/// ```
/// use trace_bridge::logs::{IdLogger, LogIds};
///
/// # struct Plain;
/// # impl log::Log for Plain {
/// #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
/// #     fn log(&self, record: &log::Record<'_>) { println!("{}", record.args()); }
/// #     fn flush(&self) {}
/// # }
/// # let logger = Plain; // Of env_logger, for example: `env_logger::Builder::from_default_env().build()`.
/// let logger = IdLogger::new(LogIds::otel(), logger);
/// log::set_boxed_logger(Box::new(logger)).map(|()| log::set_max_level(log::LevelFilter::Info))?;
/// # Ok::<(), log::SetLoggerError>(())
/// ```
///
/// The ids stand behind the message, ` trace_id=.. span_id=..`, which any logger writes; for those that write key-value pairs see
/// [`key_values`](Self::key_values).
#[derive(Debug)]
pub struct IdLogger<L> {
    ids: LogIds,
    inner: L,
    key_values: bool,
}

impl<L> IdLogger<L> {
    /// Puts the ids on what `inner` writes.
    pub const fn new(ids: LogIds, inner: L) -> Self {
        Self {
            ids,
            inner,
            key_values: false,
        }
    }

    /// Whether the ids are key-value pairs of the record, for loggers that write these (JSON), instead of standing behind the message.
    /// Default: no.
    #[must_use]
    pub const fn key_values(mut self, is_on: bool) -> Self {
        self.key_values = is_on;
        self
    }

    /// The logger inside.
    pub const fn get_ref(&self) -> &L {
        &self.inner
    }
}

impl<L: Log> Log for IdLogger<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.inner.enabled(record.metadata()) {
            return;
        }
        let context = Context::current();
        if self.key_values {
            let mut pairs = Pairs {
                ids: Vec::new(),
                of_record: record.key_values(),
            };
            self.ids.visit(&context, |name, value| {
                pairs.ids.push((name, value.into()));
            });
            self.inner
                .log(&record.to_builder().key_values(&pairs).build());
            return;
        }
        let mut ids = String::new();
        self.ids.write_text(&context, &mut ids);
        self.inner.log(
            &record
                .to_builder()
                .args(format_args!("{}{ids}", record.args()))
                .build(),
        );
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

/// The pairs of a record, and the ids.
struct Pairs<'a> {
    of_record: &'a dyn Source,
    ids: Vec<(&'static str, Owned)>,
}

/// Loggers may keep a value for as long as the record.
enum Owned {
    Flag(bool),
    Text(String),
}

impl From<Shown<'_>> for Owned {
    fn from(shown: Shown<'_>) -> Self {
        match shown {
            Shown::Flag(flag) => Self::Flag(flag),
            Shown::Plain(text) => Self::Text(text.to_string()),
            Shown::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

impl Source for Pairs<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), log::kv::Error> {
        self.of_record.visit(visitor)?;
        for (name, value) in &self.ids {
            let value = match value {
                Owned::Flag(flag) => Value::from(*flag),
                Owned::Text(text) => Value::from(text.as_str()),
            };
            visitor.visit_pair(Key::from_str(name), value)?;
        }
        Ok(())
    }
}
