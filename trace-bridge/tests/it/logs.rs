//! Lines that carry the ids.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use log::kv::{Key, Value, VisitSource};
use log::{Log, Record};
use serde_json::Value as Json;
use trace_bridge::TracingLayer;
use trace_bridge::logs::{IdLogger, LogIds};
use trace_testkit::SpanRecorder;
use tracing::{info, info_span};
use tracing_core_ctx::{Context, TraceFlags};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::{MakeWriter, format};
use tracing_subscriber::prelude::*;

use crate::spans::caller;

/// What was written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).unwrap()
    }

    fn take_json(&self) -> Vec<Json> {
        let lines = self.take();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

const TRACE: &str = "00000000000000000000000000000007";
const SPAN: &str = "0000000000000abc";

#[test]
fn a_line_of_json_has_the_ids_as_members() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .map_event_format(|format| LogIds::otel().service("shop").json(format))
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        caller(TraceFlags::SAMPLED).scope(|| info!(items = 3, "inside"));
        caller(TraceFlags::NONE).scope(|| info!("not sampled"));
        info!("outside");
    });
    let [inside, unsampled, outside] = <[Json; 3]>::try_from(lines.take_json()).unwrap();
    assert_eq!(inside["trace_id"], TRACE);
    assert_eq!(inside["span_id"], SPAN);
    assert_eq!(inside["trace_flags"], "01");
    assert_eq!(inside["service.name"], "shop");
    assert_eq!(inside["fields"]["message"], "inside");
    assert_eq!(inside["fields"]["items"], 3);
    assert_eq!(unsampled["trace_flags"], "00");
    assert_eq!(unsampled["trace_id"], TRACE);
    assert_eq!(outside.get("trace_id"), None);
    assert_eq!(outside["service.name"], "shop");
}

#[test]
fn names_and_types_are_those_of_the_back_end() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .map_event_format(|format| LogIds::gcp("a\"c").json(format))
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        caller(TraceFlags::SAMPLED).scope(|| info!("inside"));
    });
    let line = &lines.take_json()[0];
    assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
    assert_eq!(line["logging.googleapis.com/spanId"], SPAN);
    let trace = format!("projects/a\"c/traces/{TRACE}");
    assert_eq!(line["logging.googleapis.com/trace"], trace);
    assert_eq!(line["message"], "inside");
}

#[test]
fn a_line_of_text_has_the_ids_at_its_end() {
    let lines = Lines::default();
    let layer = || {
        tracing_subscriber::fmt::layer()
            .with_writer(lines.clone())
            .without_time()
    };
    let ids = format!(" trace_id={TRACE} span_id={SPAN} trace_flags=01\n");
    let write = |subscriber: tracing::Dispatch| {
        tracing::dispatcher::with_default(&subscriber, || {
            caller(TraceFlags::SAMPLED).scope(|| info!(items = 3, "inside"));
        });
        let written = lines.take();
        assert!(written.contains(&ids), "{written:?}");
        written
    };
    let plain = layer()
        .with_ansi(false)
        .map_event_format(|format| LogIds::otel().text(format));
    assert_eq!(
        write(tracing_subscriber::registry().with(plain).into()),
        format!(" INFO {}: inside items=3{ids}", module_path!())
    );
    // Colours stay.
    let colored = layer()
        .with_ansi(true)
        .map_event_format(|format| LogIds::otel().text(format));
    assert!(write(tracing_subscriber::registry().with(colored).into()).contains("\u{1b}["));
    let pretty = layer().event_format(LogIds::otel().text(format().pretty().without_time()));
    assert!(write(tracing_subscriber::registry().with(pretty).into()).contains("inside"));
    let compact = layer().event_format(LogIds::otel().text(format().compact().without_time()));
    assert!(write(tracing_subscriber::registry().with(compact).into()).contains("inside"));
}

#[test]
fn a_line_has_the_ids_of_the_span_that_tracing_opened_and_of_its_service() {
    let recorder = SpanRecorder::new();
    let lines = Lines::default();
    let layer = TracingLayer::new(recorder.tracer("orders"));
    let ids = LogIds::otel().spans_of(&layer);
    let fmt = tracing_subscriber::fmt::layer()
        .json()
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .map_event_format(|format| ids.json(format))
        .with_writer(lines.clone());
    // The order of the layers matters for the line of the end alone: it is written before the span is over.
    let subscriber = tracing_subscriber::registry().with(fmt).with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let job = info_span!("job");
        job.in_scope(|| info!("inside"));
        info!(parent: &job, "for it");
    });
    let job = recorder.take_one();
    let lines = lines.take_json();
    for (line, message) in lines.iter().zip(["new", "inside", "for it", "close"]) {
        assert_eq!(line["fields"]["message"], message);
        if message != "new" {
            assert_eq!(line["span_id"], job.span_id().to_string(), "{message}");
            assert_eq!(line["service.name"], "orders", "{message}");
        }
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_debug_that_logs_while_it_is_written_harms_no_line() {
    struct Chatty;

    impl std::fmt::Debug for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("from within");
            f.write_str("chatty")
        }
    }

    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .map_event_format(|format| LogIds::otel().json(format))
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        caller(TraceFlags::SAMPLED).scope(|| info!(what = ?Chatty, "outer"));
    });
    for line in lines.take_json() {
        assert_eq!(line["trace_id"], TRACE);
    }
}

/// Keeps what it is given: message and pairs.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        struct Pairs(String);

        impl<'kvs> VisitSource<'kvs> for Pairs {
            fn visit_pair(
                &mut self,
                key: Key<'kvs>,
                value: Value<'kvs>,
            ) -> Result<(), log::kv::Error> {
                write!(self.0, " [{key}: {value}]").map_err(Into::into)
            }
        }

        let mut pairs = Pairs(String::new());
        record.key_values().visit(&mut pairs).unwrap();
        let line = format!("{} {}{}", record.target(), record.args(), pairs.0);
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

fn log_one(logger: &IdLogger<Kept>, context: Context) -> String {
    let pairs = [("items", 3)];
    context.scope(|| {
        let record = Record::builder()
            .level(log::Level::Info)
            .target("shop")
            .key_values(&pairs)
            .args(format_args!("priced"))
            .build();
        logger.log(&record);
    });
    logger.get_ref().0.lock().unwrap().pop().unwrap()
}

#[test]
fn lines_of_the_log_crate_have_the_ids_behind_the_message_or_as_pairs() {
    let inside = caller(TraceFlags::SAMPLED);
    let logger = IdLogger::new(LogIds::otel().service("shop"), Kept::default());
    assert_eq!(
        log_one(&logger, inside.clone()),
        format!(
            "shop priced trace_id={TRACE} span_id={SPAN} trace_flags=01 service.name=shop [items: 3]"
        )
    );
    assert_eq!(
        log_one(&logger, Context::new()),
        "shop priced service.name=shop [items: 3]"
    );

    let logger = IdLogger::new(LogIds::ecs(), Kept::default()).key_values(true);
    assert_eq!(
        log_one(&logger, inside),
        format!("shop priced [items: 3] [trace.id: {TRACE}] [span.id: {SPAN}]")
    );
    assert_eq!(log_one(&logger, Context::new()), "shop priced [items: 3]");
}

#[test]
fn what_the_logger_does_not_want_is_not_put_together() {
    let logger = IdLogger::new(LogIds::otel(), Kept::default());
    logger.log(&Record::builder().level(log::Level::Debug).build());
    assert!(logger.get_ref().0.lock().unwrap().is_empty());
}
