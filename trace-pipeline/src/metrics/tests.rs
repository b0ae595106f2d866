use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use tracing_core_ctx::attribute::{Attributes, ValueRef};
use tracing_core_ctx::sampler::{AlwaysOff, AttributeSource};
use tracing_core_ctx::{Sampler, SpanContext, Timestamp, Tracer};

use super::*;
use crate::Pipeline;
use crate::exporter::InMemory;
use crate::sampling::{Keep, Tail};

/// Attributes by their names.
struct Facts(Attributes);

impl Facts {
    fn of<'a>(facts: impl IntoIterator<Item = (&'static str, ValueRef<'a>)>) -> Self {
        let mut all = Attributes::new();
        for (key, value) in facts {
            all.set(key, &value.to_value());
        }
        Self(all)
    }
}

impl AttributeSource for Facts {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.0.get(key)
    }
}

fn request(route: &str) -> Facts {
    Facts::of([
        ("http.request.method", ValueRef::Str("GET")),
        ("http.route", ValueRef::Str(route)),
        ("url.scheme", ValueRef::Str("http")),
    ])
}

fn start(metrics: &ExchangeMetrics, facts: &Facts) -> Box<dyn ObservedExchange> {
    let started = Started::new(SpanKind::Server, facts);
    metrics.started(&started).unwrap()
}

fn end(exchange: Box<dyn ObservedExchange>, millis: u64, status: i64, span: Option<&SpanContext>) {
    let facts = Facts::of([("http.response.status_code", ValueRef::I64(status))]);
    let time = Timestamp::from_unix_nanos(1_700_000_000_250_000_000);
    let ended = Ended::new(time, Duration::from_millis(millis), &facts).with_span(span);
    exchange.ended(&ended);
}

fn lines<'a>(page: &'a str, beginning: &str) -> Vec<&'a str> {
    page.lines()
        .filter(|line| line.starts_with(beginning))
        .collect()
}

#[test]
fn a_route_that_is_known_only_at_the_end_is_a_label_as_any_other() {
    let metrics = ExchangeMetrics::new();
    let begun = Facts::of([("http.request.method", ValueRef::Str("GET"))]);
    let known = Facts::of([
        ("http.response.status_code", ValueRef::I64(200)),
        ("http.route", ValueRef::Str("/users/{id}")),
    ]);
    let ended = Ended::new(
        Timestamp::from_unix_nanos(1_700_000_000_250_000_000),
        Duration::from_millis(3),
        &known,
    );
    start(&metrics, &begun).ended(&ended);
    let page = metrics.openmetrics();
    let labels =
        "http_request_method=\"GET\",http_response_status_code=\"200\",http_route=\"/users/{id}\"";
    let count = format!("http_server_request_duration_seconds_count{{{labels}}} 1");
    assert_eq!(lines(&page, &count), [&*count], "{page}");
}

#[test]
fn each_request_is_in_one_bucket_of_its_series() {
    let metrics = ExchangeMetrics::new();
    for millis in [4, 5, 6, 20_000] {
        end(start(&metrics, &request("/users/{id}")), millis, 200, None);
    }
    end(start(&metrics, &request("/users/{id}")), 1, 404, None);
    let page = metrics.openmetrics();
    let labels = "http_request_method=\"GET\",http_response_status_code=\"200\",http_route=\"/users/{id}\",url_scheme=\"http\"";
    for (le, count) in [("0.005", 2), ("0.01", 3), ("10.0", 3), ("+Inf", 4)] {
        let line =
            format!("http_server_request_duration_seconds_bucket{{{labels},le=\"{le}\"}} {count}");
        assert_eq!(lines(&page, &line), [&*line], "{page}");
    }
    let sum = format!("http_server_request_duration_seconds_sum{{{labels}}} 20.015");
    assert_eq!(lines(&page, &sum), [&*sum]);
    let counts = lines(&page, "http_server_request_duration_seconds_count");
    assert_eq!(counts.len(), 2);
    assert!(counts[1].contains("\"404\"") && counts[1].ends_with(" 1"));
    assert!(page.ends_with("\n# EOF\n"));
}

#[test]
fn what_is_under_way_is_counted_until_it_has_ended_or_nobody_has_it_any_more() {
    let metrics = ExchangeMetrics::new();
    let active = |count: i64| {
        let page = metrics.openmetrics();
        let line = format!(
            "http_server_active_requests{{http_request_method=\"GET\",url_scheme=\"http\"}} {count}"
        );
        assert_eq!(lines(&page, "http_server_active_requests"), [&*line]);
    };
    let (one, other) = (
        start(&metrics, &request("/a")),
        start(&metrics, &request("/b")),
    );
    active(2);
    end(one, 1, 200, None);
    active(1);
    drop(other);
    active(0);
}

#[test]
fn series_are_bounded_and_what_is_too_much_is_counted_together() {
    let metrics = ExchangeMetrics::max_series(10);
    for number in 0..1000 {
        end(
            start(&metrics, &request(&format!("/{number}"))),
            1,
            200,
            None,
        );
    }
    let page = metrics.openmetrics();
    let counts = lines(&page, "http_server_request_duration_seconds_count");
    assert_eq!(counts.len(), 10);
    assert_eq!(
        counts[9],
        "http_server_request_duration_seconds_count{otel_metric_overflow=\"true\"} 991"
    );
    assert_eq!(metrics.overflowed(), 991);
    // Statuses make series too.
    for status in 0..1000 {
        end(start(&metrics, &request("/0")), 1, status, None);
    }
    let page = metrics.openmetrics();
    assert_eq!(
        lines(&page, "http_server_request_duration_seconds_count").len(),
        10
    );
}

#[test]
fn methods_that_strangers_make_up_do_not_make_counts_without_bound() {
    let metrics = ExchangeMetrics::max_series(3);
    let all: Vec<_> = (0..100)
        .map(|number| {
            let method = number.to_string();
            let facts = Facts::of([("http.request.method", ValueRef::Str(&method))]);
            start(&metrics, &facts)
        })
        .collect();
    let page = metrics.openmetrics();
    let active = lines(&page, "http_server_active_requests");
    assert_eq!(active.len(), 3);
    assert_eq!(
        active[2],
        "http_server_active_requests{otel_metric_overflow=\"true\"} 98"
    );
    drop(all);
    let page = metrics.openmetrics();
    assert!(
        lines(&page, "http_server_active_requests")
            .iter()
            .all(|line| line.ends_with(" 0"))
    );
}

#[test]
fn texts_of_strangers_are_escaped_and_cut() {
    let metrics = ExchangeMetrics::new();
    let route = format!("/\"\\\n{}", "ü".repeat(1000));
    end(start(&metrics, &request(&route)), 1, 200, None);
    let page = metrics.openmetrics();
    let count = lines(&page, "http_server_request_duration_seconds_count");
    assert!(count[0].contains(r#"http_route="/\"\\\nü"#), "{count:?}");
    assert!(count[0].len() < 500);
}

#[test]
fn threads_that_measure_at_once_lose_nothing() {
    const THREADS: usize = 4;
    const EACH: usize = 5000;
    let metrics = ExchangeMetrics::new();
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                for number in 0..EACH {
                    let route = format!("/{}", number % 7);
                    end(start(&metrics, &request(&route)), 1, 200, None);
                }
            });
        }
    });
    let page = metrics.openmetrics();
    let counts = lines(&page, "http_server_request_duration_seconds_count");
    let count = |line: &&str| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
    assert_eq!(counts.len(), 7);
    assert_eq!(counts.iter().map(count).sum::<usize>(), THREADS * EACH);
    assert_eq!(
        lines(&page, "http_server_active_requests"),
        ["http_server_active_requests{http_request_method=\"GET\",url_scheme=\"http\"} 0"]
    );
}

fn serve(metrics: &ExchangeMetrics, tracer: &Tracer, failed: bool) -> Option<SpanContext> {
    let exchange = start(metrics, &request("/a"));
    let span = tracer.span("GET /a").kind(SpanKind::Server).start();
    if failed {
        span.set_status(tracing_core_ctx::Status::error(""));
    }
    let context = span.is_recording().then(|| span.span_context().cloned());
    let context = context.flatten();
    end(exchange, 1, 200, context.as_ref());
    context
}

fn exemplars(metrics: &ExchangeMetrics) -> Vec<String> {
    let page = metrics.openmetrics();
    let trace_id = |line: &str| Some(line.split("trace_id=\"").nth(1)?[..32].to_owned());
    page.lines().filter_map(trace_id).collect()
}

#[test]
fn without_word_of_what_is_kept_the_sampled_flag_is_taken_for_it() {
    for (sampler, expected) in [
        (Box::new(AlwaysOff) as Box<dyn Sampler>, false),
        (
            Box::new(tracing_core_ctx::sampler::AlwaysOn) as Box<dyn Sampler>,
            true,
        ),
    ] {
        let metrics = ExchangeMetrics::new();
        let pipeline = Pipeline::builder().exporter(InMemory::default());
        let pipeline = pipeline
            .tracer(|tracer| tracer.map_sampler(|_| sampler))
            .build()
            .unwrap();
        let span = serve(&metrics, pipeline.tracer(), false);
        let expected: Vec<_> = span
            .filter(|_| expected)
            .map(|span| span.trace_id().to_string())
            .into_iter()
            .collect();
        assert_eq!(exemplars(&metrics), expected);
    }
}

#[test]
fn an_exemplar_points_to_a_trace_that_the_tail_kept() {
    let metrics = ExchangeMetrics::new();
    let exporter = InMemory::default();
    let pipeline = Pipeline::builder()
        .exporter(exporter.clone())
        .sampler(AlwaysOff)
        .tail(Tail::new().keep(Keep::errors()))
        .exemplars(&metrics)
        .build()
        .unwrap();
    // The last request of the bucket is one that is dropped.
    for failed in [false, true, false] {
        serve(&metrics, pipeline.tracer(), failed);
    }
    pipeline.flush(Duration::from_secs(10)).unwrap();
    let kept = exporter.take();
    let kept: Vec<_> = kept
        .iter()
        .map(|span| span.record.span_context().trace_id().to_string())
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(exemplars(&metrics), kept);
}
