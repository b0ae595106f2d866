use std::time::Duration;

use tracing_core_ctx::attribute::{Attributes, ValueRef};
use tracing_core_ctx::observer::{Arrived, Ended, ExchangeObserver as _, Started};
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::{SpanKind, Timestamp};

use super::super::ExchangeMetrics;

/// Attributes by their names.
struct Facts(Attributes);

impl Facts {
    fn of(facts: &[(&'static str, &str)]) -> Self {
        let mut all = Attributes::new();
        for (key, value) in facts {
            all.set(*key, *value);
        }
        Self(all)
    }
}

impl AttributeSource for Facts {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.0.get(key)
    }
}

fn of_partition(partition: &str) -> Facts {
    Facts::of(&[
        ("messaging.system.name", "kafka"),
        ("messaging.operation.name", "poll"),
        ("messaging.destination.name", "orders"),
        ("messaging.destination.partition.id", partition),
    ])
}

fn lines<'a>(page: &'a str, beginning: &str) -> Vec<&'a str> {
    page.lines()
        .filter(|line| line.starts_with(beginning))
        .collect()
}

#[test]
fn a_message_that_comes_is_counted_with_the_time_it_took_and_what_is_behind_it() {
    let metrics = ExchangeMetrics::new();
    let (first, second) = (of_partition("0"), of_partition("1"));
    for (lag, minutes) in [(7, 20), (3, 90)] {
        let arrived = Arrived::new(&first)
            .with_queue_time(Some(Duration::from_secs(60 * minutes)))
            .with_lag(Some(lag));
        metrics.arrived(&arrived);
    }
    metrics.arrived(&Arrived::new(&second));
    let page = metrics.openmetrics();
    let labels = |partition: u8| {
        format!(
            "messaging_destination_name=\"orders\",messaging_destination_partition_id=\"{partition}\",\
             messaging_operation_name=\"poll\",messaging_system_name=\"kafka\""
        )
    };
    let counts = [(0, 2), (1, 1)].map(|(partition, count)| {
        let labels = labels(partition);
        format!("messaging_client_consumed_messages_total{{{labels}}} {count}")
    });
    assert_eq!(
        lines(&page, "messaging_client_consumed_messages_total"),
        counts,
        "{page}"
    );
    // The last counts; of the other partition nobody knows.
    let lag = format!("ctx_messaging_consumer_lag{{{}}} 3", labels(0));
    assert_eq!(lines(&page, "ctx_messaging_consumer_lag"), [lag]);
    for (le, count) in [("900.0", 0), ("3600.0", 1), ("14400.0", 2)] {
        let labels = labels(0);
        let line =
            format!("ctx_messaging_queue_duration_seconds_bucket{{{labels},le=\"{le}\"}} {count}");
        assert_eq!(lines(&page, &line), [&*line], "{page}");
    }
    let counts = lines(&page, "ctx_messaging_queue_duration_seconds_count");
    assert_eq!(counts.len(), 1);
}

#[test]
fn messages_are_sent_as_often_as_sending_took_a_time() {
    let metrics = ExchangeMetrics::new();
    let send = |kind, operation_type, name, error: Option<&str>| {
        let facts = Facts::of(&[
            ("messaging.system.name", "kafka"),
            ("messaging.operation.name", name),
            ("messaging.operation.type", operation_type),
        ]);
        let end = match error {
            Some(error) => Facts::of(&[("error.type", error)]),
            None => Facts::of(&[]),
        };
        let exchange = metrics.started(&Started::new(kind, &facts)).unwrap();
        let time = Timestamp::from_unix_nanos(1);
        exchange.ended(&Ended::new(time, Duration::from_millis(7), &end));
    };
    send(SpanKind::Producer, "send", "send", None);
    send(SpanKind::Producer, "send", "send", None);
    send(SpanKind::Producer, "send", "send", Some("QUEUE_FULL"));
    send(SpanKind::Client, "settle", "commit", None);
    send(SpanKind::Consumer, "process", "process", None);
    let page = metrics.openmetrics();
    let sent = "messaging_operation_name=\"send\",messaging_system_name=\"kafka\"}";
    assert_eq!(
        lines(&page, "messaging_client_sent_messages_total"),
        [
            format!("messaging_client_sent_messages_total{{error_type=\"QUEUE_FULL\",{sent} 1"),
            format!("messaging_client_sent_messages_total{{{sent} 2"),
        ],
        "{page}"
    );
    let durations = "messaging_client_operation_duration_seconds_count";
    assert_eq!(lines(&page, durations).len(), 3);
    let processed = lines(&page, "messaging_process_duration_seconds_count");
    assert_eq!(processed.len(), 1);
    assert!(!processed[0].contains("operation_type"), "{processed:?}");
}

#[test]
fn places_that_are_too_many_are_counted_together_and_have_no_last_message() {
    let metrics = ExchangeMetrics::max_series(3);
    for partition in 0..10 {
        let facts = of_partition(&partition.to_string());
        metrics.arrived(&Arrived::new(&facts).with_lag(Some(5)));
    }
    let page = metrics.openmetrics();
    let counts = lines(&page, "messaging_client_consumed_messages_total");
    assert_eq!(counts.len(), 3);
    assert_eq!(
        counts[2],
        "messaging_client_consumed_messages_total{otel_metric_overflow=\"true\"} 8"
    );
    assert_eq!(lines(&page, "ctx_messaging_consumer_lag").len(), 2);
    assert_eq!(metrics.overflowed(), 8);
}
