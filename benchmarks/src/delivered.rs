//! Delivery: spans from their start to OTLP bytes on one core, ours through a tail decision, beside the SDK's batch processor.
//!
//! ```text
//!   report()  ->  receiver, which counts spans                      a process of its own
//!             ->  run("ours", its address), run("sdk", its address) in turn, each a process of its own on one core
//! ```
//!
//! Bursts of traces are made and flushed, so that no queue overflows: all that was made arrives, or the run fails. The receiver is on whatever core it likes.

use std::path::Path;
use std::time::{Duration, Instant};

use opentelemetry::trace::{
    Span as _, SpanKind as SdkKind, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context as SdkContext, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::ClockId;
use trace_pipeline::Pipeline;
use trace_pipeline::otlp::OtlpConfig;
use trace_pipeline::sampling::{Keep, Tail};
use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::{SpanKind, Tracer, semconv};

use crate::Error;
use crate::instructions::valgrind;
use crate::load::{RECEIVE, Role, by_thread};
use crate::markdown;
use crate::run::{RUN, again, again_under};
use crate::time::{cpu, median};

/// Traces of a burst; with their five spans below the 2048 of either queue.
const TRACES: u64 = 400;
const CHILDREN: u64 = 4;
const BURSTS: u64 = 50;
const SPANS: u64 = spans(BURSTS);
const ROUNDS: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);

// Two runs for the instructions, whose difference is what the spans cost, without the start and the end.
const FEW: u64 = 3;
const MANY: u64 = 11;

/// The function with which their counting begins.
const COUNTED: &str = "--zero-before=*benchmarks::delivered::repeat*";

const fn spans(bursts: u64) -> u64 {
    TRACES * (1 + CHILDREN) * bursts
}

// By reference, as the SDK takes the names of its `KeyValue`s.
const SKU: Key<str> = Key::new("shop.item.sku");
const COUNT: Key<i64> = Key::new("shop.item.count");
const WAREHOUSE: Key<str> = Key::new("shop.warehouse");
const RESERVED: Key<bool> = Key::new("shop.reserved");

/// What one run has cost, in nanoseconds for each span that arrived.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// Processor time of all threads.
    all: f64,
    /// Of all but the one that makes the spans.
    delivery: f64,
    /// Spans in a second.
    rate: f64,
}

/// Makes and delivers spans, `ours` or those of the `sdk`, to a receiver; prints what it cost.
///
/// # Errors
///
/// When something can not be set up, or not all spans were delivered.
pub fn run(arguments: &[&str]) -> Result<String, Error> {
    let (whose, receiver, bursts) = match *arguments {
        [whose, receiver] => (whose, receiver, BURSTS),
        [whose, receiver, bursts] => (whose, receiver, bursts.parse()?),
        _ => return Err("whose, and to which address?".into()),
    };
    stay_on_one_core()?;
    let figures = match whose {
        "ours" => ours(receiver, bursts)?,
        "sdk" => sdk(receiver, bursts)?,
        _ => return Err(format!("`{whose}` is not known").into()),
    };
    Ok(format!(
        "{}\t{}\t{}",
        figures.all, figures.delivery, figures.rate
    ))
}

fn stay_on_one_core() -> Result<(), Error> {
    let mut one = CpuSet::new();
    one.set(0);
    sched_setaffinity(None, &one)?;
    Ok(())
}

fn measure(bursts: u64, mut burst: impl FnMut() -> Result<(), Error>) -> Result<Figures, Error> {
    // Connections, pools, queues.
    burst()?;
    repeat(bursts - 1, &mut burst)
}

#[inline(never)]
fn repeat(bursts: u64, burst: &mut dyn FnMut() -> Result<(), Error>) -> Result<Figures, Error> {
    let (start, all, own) = (
        Instant::now(),
        cpu(ClockId::ProcessCPUTime),
        cpu(ClockId::ThreadCPUTime),
    );
    for _ in 0..bursts {
        burst()?;
    }
    let all = cpu(ClockId::ProcessCPUTime).saturating_sub(all);
    let own = cpu(ClockId::ThreadCPUTime).saturating_sub(own);
    let spans = to_f64(spans(bursts));
    Ok(Figures {
        all: all.as_secs_f64() * 1e9 / spans,
        delivery: all.saturating_sub(own).as_secs_f64() * 1e9 / spans,
        rate: spans / start.elapsed().as_secs_f64(),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some hundred thousand spans, and what they cost"
)]
fn to_f64(number: u64) -> f64 {
    number as f64
}

/// The tail looks at every trace, for errors and for slow ones, and keeps all.
fn ours(receiver: &str, bursts: u64) -> Result<Figures, Error> {
    let tail = Tail::new()
        .keep(Keep::errors())
        .keep(Keep::slowest(0.01))
        .keep(Keep::probability(1.0));
    let pipeline = Pipeline::builder()
        .service("orders")
        .otlp(OtlpConfig::http().endpoint(format!("http://{receiver}")))
        .tail(tail)
        .build()?;
    let figures = measure(bursts, || {
        for number in 0..TRACES {
            trace(pipeline.tracer(), number);
        }
        Ok(pipeline.flush(LIMIT)?)
    })?;
    let (exported, made) = (pipeline.stats().exported, spans(bursts));
    if exported != made {
        return Err(format!("ours: {exported} of {made} spans were exported").into());
    }
    Ok(figures)
}

fn trace(tracer: &Tracer, number: u64) {
    let number = i64::try_from(number).unwrap_or_default();
    let root = tracer
        .span("GET /orders/{id}")
        .kind(SpanKind::Server)
        .start();
    root.set(semconv::HTTP_REQUEST_METHOD, "GET");
    root.set(semconv::URL_SCHEME, "http");
    root.set(semconv::URL_PATH, "/orders/17");
    root.set(semconv::HTTP_ROUTE, "/orders/{id}");
    root.set(semconv::SERVER_ADDRESS, "shop.example");
    root.set(semconv::SERVER_PORT, 8080);
    root.set(
        semconv::USER_AGENT_ORIGINAL,
        "Mozilla/5.0 (X11; Linux x86_64)",
    );
    root.set(semconv::HTTP_RESPONSE_STATUS_CODE, 200);
    let context = root.context();
    for _ in 0..CHILDREN {
        let child = tracer.span("reserve").parent(&context).start();
        child.set(SKU, "sofa-17");
        child.set(COUNT, number);
        child.set(WAREHOUSE, "north");
        child.set(RESERVED, true);
        child.end();
    }
    root.end();
}

fn sdk(receiver: &str, bursts: u64) -> Result<Figures, Error> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{receiver}/v1/traces"))
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("orders").build())
        .with_batch_exporter(exporter)
        .build();
    let tracer = provider.tracer("orders");
    let figures = measure(bursts, || {
        for number in 0..TRACES {
            sdk_trace(&tracer, number);
        }
        Ok(provider.force_flush()?)
    })?;
    provider.shutdown()?;
    Ok(figures)
}

fn sdk_trace(tracer: &opentelemetry_sdk::trace::SdkTracer, number: u64) {
    let number = i64::try_from(number).unwrap_or_default();
    let mut root = tracer
        .span_builder("GET /orders/{id}")
        .with_kind(SdkKind::Server)
        .start(tracer);
    root.set_attribute(KeyValue::new("http.request.method", "GET"));
    root.set_attribute(KeyValue::new("url.scheme", "http"));
    root.set_attribute(KeyValue::new("url.path", "/orders/17"));
    root.set_attribute(KeyValue::new("http.route", "/orders/{id}"));
    root.set_attribute(KeyValue::new("server.address", "shop.example"));
    root.set_attribute(KeyValue::new("server.port", 8080));
    root.set_attribute(KeyValue::new(
        "user_agent.original",
        "Mozilla/5.0 (X11; Linux x86_64)",
    ));
    root.set_attribute(KeyValue::new("http.response.status_code", 200));
    let context = SdkContext::new().with_span(root);
    for _ in 0..CHILDREN {
        let mut child = tracer.start_with_context("reserve", &context);
        child.set_attribute(KeyValue::new("shop.item.sku", "sofa-17"));
        child.set_attribute(KeyValue::new("shop.item.count", number));
        child.set_attribute(KeyValue::new("shop.warehouse", "north"));
        child.set_attribute(KeyValue::new("shop.reserved", true));
        child.end();
    }
    context.span().end();
}

/// Both, in turn, as a table.
///
/// # Errors
///
/// When a process fails, or spans are missing at the receiver.
pub fn report(program: &Path) -> Result<String, Error> {
    let mut receiver = Role::start(program, &[RECEIVE])?;
    let mut rounds: [Vec<Figures>; 2] = Default::default();
    let mut bytes = [0; 2];
    let mut arrived = (0, 0);
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let whose = (round + turn) % 2;
            let name = ["ours", "sdk"][whose];
            let figures = once(name, receiver.address())?;
            rounds[whose].push(figures);
            let (spans, total) = receiver.ask()?;
            let total: u64 = total.parse()?;
            if spans - arrived.0 != SPANS {
                return Err(
                    format!("{name}: {} of {SPANS} spans arrived", spans - arrived.0).into(),
                );
            }
            bytes[whose] = (total - arrived.1) / SPANS;
            arrived = (spans, total);
        }
    }
    let counted = ["ours", "sdk"].map(|whose| instructions(whose, receiver.address()));
    let [ours, sdk] = rounds.map(|rounds| medians(&rounds));
    let [of_ours, of_sdk] = counted;
    let (of_ours, of_sdk) = (of_ours?, of_sdk?);
    let row = |name: &str, figures: Figures, counted: (f64, f64), bytes: u64| {
        vec![
            name.to_owned(),
            format!("{:.0}", counted.0),
            format!("{:.0}", counted.1),
            format!("{:.0}", figures.rate),
            format!("{:.0}", figures.all),
            format!("{:.0}", figures.delivery),
            bytes.to_string(),
        ]
    };
    let rows = [
        row("trace-pipeline, through a tail", ours, of_ours, bytes[0]),
        row("opentelemetry_sdk, batch processor", sdk, of_sdk, bytes[1]),
        vec![
            "ours over theirs".to_owned(),
            format!("{:.2}", of_ours.0 / of_sdk.0),
            format!("{:.2}", of_ours.1 / of_sdk.1),
            format!("{:.2}", ours.rate / sdk.rate),
            format!("{:.2}", ours.all / sdk.all),
            format!("{:.2}", ours.delivery / sdk.delivery),
            String::new(),
        ],
    ];
    let heads = [
        "",
        "instructions a span",
        "of these for delivery",
        "spans/s on one core",
        "ns of CPU a span",
        "of these for delivery",
        "bytes a span",
    ];
    Ok(markdown::table(&heads, &rows))
}

/// For each span: of all threads, and of all but the one that makes the spans. Nothing where there is no valgrind.
fn instructions(whose: &str, receiver: &str) -> Result<(f64, f64), Error> {
    if valgrind().is_none() {
        return Ok((0.0, 0.0));
    }
    let count = |bursts: u64| {
        by_thread(|callgrind| {
            let work = [RUN, whose, receiver, &bursts.to_string()];
            again_under(callgrind.arg(COUNTED), &work).map(drop)
        })
    };
    let (few, many) = (count(FEW)?, count(MANY)?);
    let each = |few: u64, many: u64| to_f64(many.saturating_sub(few)) / to_f64(spans(MANY - FEW));
    let delivery = each(few.1, many.1);
    Ok((each(few.0, many.0) + delivery, delivery))
}

fn once(whose: &str, receiver: &str) -> Result<Figures, Error> {
    let text = String::from_utf8(again(&[RUN, whose, receiver])?.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.trim().split('\t').map(str::parse).collect();
    let [all, delivery, rate] = numbers?[..] else {
        return Err("three figures".into());
    };
    Ok(Figures {
        all,
        delivery,
        rate,
    })
}

/// Of each figure by itself.
fn medians(rounds: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure).collect());
    Figures {
        all: of(|figures| figures.all),
        delivery: of(|figures| figures.delivery),
        rate: of(|figures| figures.rate),
    }
}
