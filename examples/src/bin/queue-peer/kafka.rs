mod client;
mod read_back;

use std::borrow::Cow;
use std::collections::HashSet;

use queue_trace::QueueTracer;
use queue_trace::carrier::Walk;
use queue_trace::kafka::{TracedConsumer, TracedMessage, TracedProducer};
use rdkafka::Message as _;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::{Instant, timeout_at};

use self::client::{Said, create_topic};
use crate::Result;
use crate::options::Options;
use crate::output::{Header, TraceHeaders, complain};
use crate::patience::Patience;

/// Sends the messages one after the other, then reads them from the topic to see which headers they have there.
pub(crate) async fn produce(options: &Options, queue: QueueTracer) -> Result {
    create_topic(options).await?;
    let headers = TraceHeaders::of(&queue);
    let said = Said::default();
    let limit = match options.persist {
        // So that messages fail while the broker is away.
        true => options.limit.min(std::time::Duration::from_secs(1)),
        false => options.limit,
    };
    let producer: FutureProducer<Said> = client::config(options)
        .set("linger.ms", "0")
        .set("message.timeout.ms", limit.as_millis().max(1).to_string())
        .create_with_context(said.clone())?;
    let producer = TracedProducer::new(producer, queue.keys(true));
    let mut patience = Patience::new(options);
    let mut places = Vec::new();
    for number in 0..options.count {
        options.pause(number).await;
        let (key, payload) = (format!("key-{number}"), Options::payload(number));
        loop {
            let record = FutureRecord::to(&options.destination)
                .key(&key)
                .payload(&payload);
            match producer.send(record, limit).await {
                Ok(delivery) => {
                    patience.delivered();
                    places.push((delivery.partition, delivery.offset));
                    break;
                }
                Err((error, _)) => patience.again(said.about(&error).into()).await?,
            }
        }
    }
    patience.conclude(options.count);
    if !options.persist {
        read_back::read(options, &headers, places).await?;
    }
    Ok(())
}

/// Processes messages of the topic from its beginning, or from where its group was.
pub(crate) async fn consume(options: &Options, queue: QueueTracer) -> Result {
    create_topic(options).await?;
    let headers = TraceHeaders::of(&queue);
    let said = Said::default();
    let group = match &options.group {
        Some(group) => group.clone(),
        None => format!("queue-peer-{}", queue.tracer().now().as_unix_nanos()),
    };
    let consumer: StreamConsumer<Said> = client::config(options)
        .set("group.id", &group)
        .set("auto.offset.reset", "earliest")
        .set("allow.auto.create.topics", "true")
        .set("enable.auto.commit", "false")
        // Some brokers hold a group back for half of it.
        .set("session.timeout.ms", "6000")
        .create_with_context(said.clone())?;
    consumer.subscribe(&[&options.destination])?;
    let consumer = TracedConsumer::new(consumer, queue.keys(true)).group(&group);
    let mut patience = Patience::new(options);
    let (mut handled, mut different) = (0, HashSet::new());
    while options.count
        > if options.persist {
            different.len()
        } else {
            handled
        }
    {
        let message = next(&consumer, options, &said).await?;
        patience.delivered();
        handled += 1;
        let process = message.process(async |message| {
            print_headers(&headers, message);
            if let Err(error) = consumer.commit_message(message, CommitMode::Async) {
                complain(&format!("queue-peer: the offset is not committed: {error}"));
            }
            message.payload().map(<[u8]>::to_vec)
        });
        different.insert(process.await);
    }
    patience.conclude(different.len());
    Ok(())
}

/// The next message. What the consumer gets over by itself, it may, until the time is over.
async fn next<'a>(
    consumer: &'a TracedConsumer<StreamConsumer<Said>>,
    options: &Options,
    said: &Said,
) -> Result<TracedMessage<'a>> {
    let end = Instant::now() + options.limit;
    loop {
        match timeout_at(end, consumer.recv()).await {
            Ok(Ok(message)) => return Ok(message),
            Ok(Err(error)) if is_passing(&error) => said.keep(error.to_string()),
            Ok(Err(error)) => return Err(said.about(&error).into()),
            Err(_) => {
                let seconds = options.limit.as_secs();
                let topic = &options.destination;
                let none = format!("no message in {topic} within {seconds} s");
                return Err(said.about(&none).into());
            }
        }
    }
}

/// Whether the consumer goes on. That it may not read is for people to mend.
fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;

    match error {
        KafkaError::MessageConsumption(code) => !matches!(
            code,
            Code::Authentication
                | Code::ClusterAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::SaslAuthenticationFailed
                | Code::TopicAuthorizationFailed
                | Code::InvalidTopic
        ),
        _ => false,
    }
}

fn print_headers(headers: &TraceHeaders, message: &TracedMessage<'_>) {
    if let Some(all) = message.headers() {
        print_all(headers, all);
    }
}

fn print_all<H: Walk + ?Sized>(headers: &TraceHeaders, all: &H) {
    all.walk(&mut |key, value| {
        headers.print(&Header {
            key,
            value: value.map(String::from_utf8_lossy),
            wire_type: Cow::Borrowed(match value {
                Some(_) => "bytes",
                None => "null",
            }),
        });
    });
}
