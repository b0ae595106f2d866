use std::collections::HashSet;
use std::io;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::{TestResult, program};

const LONG: Duration = Duration::from_secs(20);
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const LINK: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

/// What it printed.
#[derive(Debug)]
struct Printed {
    headers: Vec<Value>,
    spans: Vec<Value>,
    count: Option<Value>,
}

impl Printed {
    fn read(output: &Output) -> Result<Self, Box<dyn std::error::Error>> {
        let (mut headers, mut spans, mut count) = (Vec::new(), Vec::new(), None);
        for line in String::from_utf8(output.stdout.clone())?.lines() {
            let (word, json) = line.split_once(' ').ok_or("a line is one word")?;
            let json = serde_json::from_str(json)?;
            match word {
                "HEADER" => headers.push(json),
                "SPAN" => spans.push(json),
                "COUNT" => count = Some(json),
                _ => return Err(line.into()),
            }
        }
        Ok(Self {
            headers,
            spans,
            count,
        })
    }

    fn named(&self, name: &str) -> Vec<&Value> {
        let spans = self.spans.iter();
        spans.filter(|span| span["name"] == name).collect()
    }

    /// The values of the headers of this name.
    fn values(&self, key: &str) -> Vec<&str> {
        let headers = self.headers.iter().filter(|header| header["key"] == key);
        headers
            .filter_map(|header| header["value"].as_str())
            .collect()
    }
}

fn peer(arguments: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_queue-peer"));
    command.args(arguments);
    command
}

/// Runs it beside the runtime, where the mock cluster and the clients of a test go on.
async fn run(mut command: Command) -> Result<Output, Box<dyn std::error::Error>> {
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

async fn prints(arguments: &[&str]) -> Result<Printed, Box<dyn std::error::Error>> {
    let output = run(peer(arguments)).await?;
    assert!(output.status.success(), "{output:?}");
    Printed::read(&output)
}

/// `00-trace-span-flags` of a span that was printed.
fn context_of(span: &Value) -> (&str, String) {
    let (trace, id) = (&span["trace_id"], &span["span_id"]);
    let trace = trace.as_str().unwrap_or_default();
    (
        trace,
        format!("00-{trace}-{}-", id.as_str().unwrap_or_default()),
    )
}

// --- Kafka ---

fn cluster() -> Result<MockCluster<'static, DefaultProducerContext>, Box<dyn std::error::Error>> {
    Ok(MockCluster::new(1)?)
}

fn config(cluster: &MockCluster<'static, DefaultProducerContext>) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    config
}

#[tokio::test]
async fn a_record_takes_the_context_of_its_send_span_to_the_process_span() -> TestResult {
    let cluster = cluster()?;
    let broker = cluster.bootstrap_servers();
    let sent = prints(&["kafka-produce", &broker, "orders", "3"]).await?;
    let sends = sent.named("send orders");
    assert_eq!((sends.len(), sent.spans.len()), (3, 3), "{sent:?}");
    for (send, parent) in sends.iter().zip(sent.values("traceparent")) {
        assert_eq!(send["kind"], "PRODUCER");
        assert_eq!(send["parent"], Value::Null);
        assert!(parent.starts_with(&context_of(send).1), "{sent:?}");
    }
    assert!(sent.headers.iter().all(|header| header["type"] == "bytes"));

    let received = prints(&["kafka-consume", &broker, "orders", "3"]).await?;
    let mut headers = sent.values("traceparent");
    headers.sort_unstable();
    let mut arrived = received.values("traceparent");
    arrived.sort_unstable();
    assert_eq!(arrived, headers);
    assert_eq!(received.headers.len(), 3, "one header a message");
    for send in sends {
        let is_below = |span: &&&Value| span["parent"] == send["span_id"];
        let process = received.named("process orders");
        let process = process.iter().find(is_below).ok_or("not processed")?;
        assert_eq!(process["kind"], "CONSUMER");
        assert_eq!(process["trace_id"], send["trace_id"]);
        let link = context_of(send).1[3..52].to_owned();
        assert_eq!(process["links"], Value::from(vec![link.as_str()]));
        let commit = received.named("commit orders");
        let commit = commit
            .iter()
            .find(|span| span["parent"] == process["span_id"]);
        assert_eq!(commit.ok_or("no commit")?["kind"], "CLIENT");
        let poll = received.named("poll orders");
        let poll = poll.iter().find(|span| span["links"][0] == link.as_str());
        assert_eq!(poll.ok_or("no poll")?["parent"], Value::Null);
    }
    Ok(())
}

#[tokio::test]
async fn headers_of_strangers_do_no_harm() -> TestResult {
    let cluster = cluster()?;
    let producer: FutureProducer = config(&cluster).create()?;
    let doubled: [(&str, Option<&[u8]>); 4] = [
        ("traceparent", Some(b"00-0-0-00")),
        ("tenant", Some(&[0xff, 0])),
        ("tracestate", None),
        ("traceparent", Some(PARENT.as_bytes())),
    ];
    let broken: [(&str, Option<&[u8]>); 3] = [
        ("traceparent", Some(&[0xff])),
        ("baggage", None),
        ("schlüssel", Some(b"")),
    ];
    for headers in [Vec::new(), doubled.to_vec(), broken.to_vec()] {
        let mut all = OwnedHeaders::new();
        for (key, value) in headers {
            all = all.insert(Header { key, value });
        }
        let record = FutureRecord::<[u8], [u8]>::to("strange")
            .key(&[0xfe])
            .headers(all);
        let sent = producer.send(record.partition(0), LONG).await;
        sent.map_err(|(error, _)| error)?;
    }
    let broker = cluster.bootstrap_servers();
    let received = prints(&["kafka-consume", &broker, "strange", "3"]).await?;
    assert_eq!(
        received.values("traceparent"),
        ["00-0-0-00", PARENT, "\u{fffd}"]
    );
    let nulls = received
        .headers
        .iter()
        .filter(|header| header["type"] == "null");
    assert_eq!(nulls.count(), 2);
    assert_eq!(received.headers.len(), 5, "{received:?}");
    let process = received.named("process strange");
    assert_eq!(process.len(), 3);
    let parents: Vec<&Value> = process.iter().map(|span| &span["parent"]).collect();
    assert_eq!(parents[1], "00f067aa0ba902b7");
    assert_eq!(process[1]["trace_id"], TRACE);
    assert_eq!((parents[0], parents[2]), (&Value::Null, &Value::Null));
    Ok(())
}

#[tokio::test]
async fn unsampled_contexts_travel_and_make_no_span() -> TestResult {
    let cluster = cluster()?;
    let broker = cluster.bootstrap_servers();
    let mut produce = peer(&["kafka-produce", &broker, "quiet", "1"]);
    produce.env("OTEL_TRACES_SAMPLER", "always_off");
    let output = run(produce).await?;
    let sent = Printed::read(&output)?;
    assert!(sent.spans.is_empty());
    let header = sent.values("traceparent")[0];
    let flags = u8::from_str_radix(&header[53..], 16)?;
    assert_eq!(flags & 1, 0, "{header}");
    let received = prints(&["kafka-consume", &broker, "quiet", "1"]).await?;
    assert_eq!(received.values("traceparent"), [header]);
    // Pulling is the consumer's own call, and no part of the producer's trace.
    assert!(received.named("process quiet").is_empty(), "{received:?}");
    Ok(())
}

/// As an application in another language would read it.
#[tokio::test]
async fn what_it_says_was_sent_is_in_the_topic() -> TestResult {
    let cluster = cluster()?;
    let broker = cluster.bootstrap_servers();
    let sent = prints(&["kafka-produce", &broker, "read", "1"]).await?;
    let consumer: StreamConsumer = config(&cluster).set("group.id", "reader").create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..4 {
        partitions.add_partition_offset("read", partition, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    let message = tokio::time::timeout(LONG, consumer.recv()).await??;
    assert_eq!(message.payload(), Some(&b"message-0"[..]));
    let headers = message.headers().ok_or("no headers")?;
    assert_eq!(headers.count(), 1);
    let value = headers.get(0).value.map(<[u8]>::to_vec);
    let value = String::from_utf8(value.ok_or("null")?)?;
    assert_eq!(sent.values("traceparent"), [value]);
    Ok(())
}

#[tokio::test]
async fn what_does_not_come_in_time_is_a_failure_that_says_so() -> TestResult {
    let cluster = cluster()?;
    let broker = cluster.bootstrap_servers();
    let free = std::net::TcpListener::bind("127.0.0.1:0")?;
    let nobody = free.local_addr()?.to_string();
    drop(free);
    let nobody_url = format!("amqp://{nobody}");
    for (arguments, problem) in [
        (["kafka-consume", &broker, "empty"], "no message in empty"),
        (["kafka-consume", &nobody, "away"], "does not answer"),
        (["kafka-produce", &nobody, "away"], "does not answer"),
        (
            ["amqp-publish", &nobody_url, "away"],
            "cannot connect to 127.0.0.1",
        ),
        (
            ["amqp-consume", &nobody_url, "away"],
            "cannot connect to 127.0.0.1",
        ),
        (["amqp-publish", "amqps://localhost", "x"], "without TLS"),
        (["amqp-publish", "localhost", "x"], "is no URL"),
    ] {
        let mut command = peer(&arguments);
        command.args(["1", "--timeout", "1"]);
        let output = run(command).await?;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(problem), "{arguments:?}: {said}");
    }
    Ok(())
}

#[test]
fn wrong_arguments_get_the_usage_and_status_2() -> TestResult {
    let output = peer(&["kafka-produce", "127.0.0.1:9"]).output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: queue-peer"));
    let output = peer(&["--help"]).output()?;
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("amqp-publish|amqp-consume"));
    Ok(())
}

// --- AMQP ---

/// The URL of a broker, and a connection of our own; `None`, said aloud, if none answers, unless `AMQP_URL` names one, which then must.
async fn broker(test: &str) -> Option<(String, Connection)> {
    let named = std::env::var("AMQP_URL").ok();
    let url = named.clone();
    let url = url.unwrap_or_else(|| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    match Connection::connect(&url, ConnectionProperties::default()).await {
        Ok(connection) => Some((url, connection)),
        Err(error) => {
            assert!(named.is_none(), "{url} does not answer: {error}");
            eprintln!("{test}: SKIPPED, no AMQP broker answers at {url}: {error}");
            None
        }
    }
}

/// A queue that goes when its last consumer does, so that nothing is left of a test.
async fn declare(connection: &Connection, name: &str) -> lapin::Result<String> {
    let name = format!("{name}-{}", std::process::id());
    let options = QueueDeclareOptions {
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let channel = connection.create_channel().await?;
    channel
        .queue_declare(name.as_str().into(), options, FieldTable::default())
        .await?;
    Ok(name)
}

#[tokio::test]
async fn a_message_takes_the_context_of_its_publish_span_to_the_process_span() -> TestResult {
    let Some((url, connection)) = broker("publish_to_process").await else {
        return Ok(());
    };
    let queue = declare(&connection, "queue-peer-path").await?;
    let sent = prints(&["amqp-publish", &url, &queue, "2"]).await?;
    let publishes = sent.named(&format!("publish {queue}"));
    assert_eq!((publishes.len(), sent.spans.len()), (2, 2), "{sent:?}");
    let received = prints(&["amqp-consume", &url, &queue, "2"]).await?;
    assert_eq!(received.headers, sent.headers);
    assert_eq!(sent.headers.len(), 2, "one header a message");
    for (number, publish) in publishes.into_iter().enumerate() {
        let header = &sent.headers[number];
        assert_eq!(
            (&header["key"], &header["type"]),
            (&"traceparent".into(), &"LongString".into())
        );
        let context = context_of(publish).1;
        assert!(
            header["value"]
                .as_str()
                .is_some_and(|value| value.starts_with(&context))
        );
        let process = received.named(&format!("process {queue}"))[number];
        assert_eq!(process["kind"], "CONSUMER");
        assert_eq!(process["parent"], publish["span_id"]);
        assert_eq!(process["links"][0], context[3..52]);
        let ack = received.named(&format!("ack {queue}"))[number];
        assert_eq!(
            (&ack["parent"], &ack["kind"]),
            (&process["span_id"], &"CLIENT".into())
        );
    }
    Ok(())
}

#[tokio::test]
async fn values_of_strangers_are_shown_with_their_type_and_do_no_harm() -> TestResult {
    let Some((url, connection)) = broker("strange_values").await else {
        return Ok(());
    };
    let queue = declare(&connection, "queue-peer-strange").await?;
    let channel = connection.create_channel().await?;
    let cases = [
        (AMQPValue::LongString(PARENT.into()), "LongString", true),
        (
            AMQPValue::ByteArray(PARENT.as_bytes().into()),
            "ByteArray",
            true,
        ),
        (
            AMQPValue::LongString("\u{fffd}".into()),
            "LongString",
            false,
        ),
        (AMQPValue::LongLongInt(7), "LongLongInt", false),
        (AMQPValue::Void, "Void", false),
    ];
    for (value, _, _) in &cases {
        let mut table = FieldTable::default();
        table.insert("traceparent".into(), value.clone());
        let properties = BasicProperties::default().with_headers(table);
        let options = BasicPublishOptions::default();
        let to = queue.as_str().into();
        let publish = channel.basic_publish("".into(), to, options, b"x", properties);
        publish.await?.await?;
    }
    let received = prints(&["amqp-consume", &url, &queue, "5"]).await?;
    let process = received.named(&format!("process {queue}"));
    for (number, (_, wire_type, known)) in cases.iter().enumerate() {
        assert_eq!(received.headers[number]["type"], *wire_type);
        assert_eq!(process[number]["trace_id"] == TRACE, *known);
        assert_eq!(process[number]["links"][0] == LINK, *known);
    }
    Ok(())
}

/// A way to the broker that can be cut: one connection at a time, until `cut` says that it is over.
async fn relay(listener: TcpListener, broker: String, cut: Arc<Notify>) -> io::Result<()> {
    loop {
        let (mut client, _) = listener.accept().await?;
        let mut broker = TcpStream::connect(&broker).await?;
        tokio::select! {
            _ended = copy_bidirectional(&mut client, &mut broker) => {}
            () = cut.notified() => {}
        }
    }
}

#[tokio::test]
async fn a_lost_connection_costs_no_message_and_fails_one_span() -> TestResult {
    let Some((url, connection)) = broker("lost_connection").await else {
        return Ok(());
    };
    let queue = declare(&connection, "queue-peer-lost").await?;
    let uri: AMQPUri = url.parse()?;
    let there = format!("{}:{}", uri.authority.host, uri.authority.port);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let here = listener.local_addr()?.to_string();
    let cut = Arc::new(Notify::new());
    let relaying = tokio::spawn(relay(listener, there.clone(), Arc::clone(&cut)));
    let url = url.replace(&there, &here);
    let options = ["--gap", "20", "--persist", "--timeout", "10"];
    let mut publish = peer(&["amqp-publish", &url, &queue, "20"]);
    publish.args(options);
    let publishing =
        tokio::spawn(async move { run(publish).await.map_err(|error| error.to_string()) });

    let channel = connection.create_channel().await?;
    let options = BasicConsumeOptions::default();
    let arguments = FieldTable::default();
    let mut consumer = channel
        .basic_consume(queue.as_str().into(), "".into(), options, arguments)
        .await?;
    let mut different = HashSet::new();
    while different.len() < 20 {
        let next = tokio::time::timeout(LONG, consumer.next()).await?;
        let delivery = next.ok_or("the consumer ended")??;
        different.insert(delivery.data.clone());
        if different.len() == 5 {
            cut.notify_one();
        }
        delivery.ack(BasicAckOptions::default()).await?;
    }
    let output = publishing.await??;
    relaying.abort();
    assert!(output.status.success(), "{output:?}");
    let printed = Printed::read(&output)?;
    let count = printed.count.as_ref().ok_or("no count")?;
    assert_eq!(count["messages"], 20);
    let failures = count["failures"].as_u64().ok_or("no number")?;
    assert!(failures > 0, "{count}");
    let failed = printed.spans.iter().filter(|span| !span["error"].is_null());
    let failed = failed.count();
    // A connection may also be found to be lost between two messages.
    assert!(failed as u64 <= failures, "{printed:?}");
    assert_eq!(printed.spans.len(), 20 + failed);
    Ok(())
}
