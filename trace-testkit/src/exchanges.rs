use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing_core_ctx::attribute::{Value, ValueRef};
use tracing_core_ctx::observer::{Ended, ExchangeObserver, ObservedExchange, Started};
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::{SpanContext, SpanKind};

/// What observers may ask for at the start and at the end.
const KEYS: [&str; 14] = [
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "network.protocol.version",
    "rpc.method",
    "rpc.status_code",
    "rpc.system.name",
    "server.address",
    "server.port",
    "url.full",
    "url.path",
    "url.scheme",
    "url.template",
];

/// Is told of exchanges and remembers them: an [`ExchangeObserver`] for tests of instrumentation.
///
/// ```
/// use tracing_core_ctx::SpanKind;
/// use tracing_core_ctx::observer::{ExchangeObserver as _, Started};
/// use trace_testkit::ExchangeRecorder;
///
/// let exchanges = ExchangeRecorder::default();
/// let _under_way = exchanges.started(&Started::new(SpanKind::Server, &()));
/// assert_eq!((exchanges.open(), exchanges.take().len()), (1, 0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExchangeRecorder(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    open: usize,
    ended: Vec<RecordedExchange>,
}

/// One exchange as it was told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedExchange {
    /// Which side it was.
    pub kind: SpanKind,
    /// What was known when it started.
    pub start: BTreeMap<&'static str, Value>,
    /// What was known when it had ended.
    pub end: BTreeMap<&'static str, Value>,
    /// How long it took.
    pub duration: Duration,
    /// Its span, if that was recorded.
    pub span: Option<SpanContext>,
}

impl ExchangeRecorder {
    /// How many exchanges have started and not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        self.told(|told| told.open)
    }

    /// Those that have ended, in that order, and forgets them.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedExchange> {
        self.told(|told| std::mem::take(&mut told.ended))
    }

    /// The one that has ended.
    ///
    /// # Panics
    ///
    /// When it is not one, or when one is still open.
    #[must_use]
    pub fn take_one(&self) -> RecordedExchange {
        assert_eq!(self.open(), 0, "an exchange is still open");
        let mut ended = self.take();
        assert_eq!(ended.len(), 1, "{ended:?}");
        ended.remove(0)
    }

    fn told<R>(&self, look: impl FnOnce(&mut Told) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ExchangeObserver for ExchangeRecorder {
    fn started(&self, exchange: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
        self.told(|told| told.open += 1);
        Some(Box::new(Open {
            recorder: self.clone(),
            kind: exchange.kind,
            start: known(exchange.attributes),
        }))
    }
}

struct Open {
    recorder: ExchangeRecorder,
    kind: SpanKind,
    start: BTreeMap<&'static str, Value>,
}

impl ObservedExchange for Open {
    fn ended(self: Box<Self>, end: &Ended<'_>) {
        let Self {
            recorder,
            kind,
            start,
        } = *self;
        let exchange = RecordedExchange {
            kind,
            start,
            end: known(end.attributes),
            duration: end.duration,
            span: end.span.cloned(),
        };
        recorder.told(|told| {
            told.open -= 1;
            told.ended.push(exchange);
        });
    }
}

fn known(attributes: &dyn AttributeSource) -> BTreeMap<&'static str, Value> {
    let value = |key| Some((key, attributes.get(key).map(ValueRef::to_value)?));
    KEYS.into_iter().filter_map(value).collect()
}
