mod session;
mod wire;

use std::borrow::Cow;
use std::collections::HashSet;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};
use queue_trace::QueueTracer;

use self::session::{Session, within};
use self::wire::Tap;
use crate::Result;
use crate::options::Options;
use crate::output::{Header, TraceHeaders};
use crate::patience::Patience;

/// How many messages the broker hands over before they are acknowledged.
const PREFETCH: u16 = 10;

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes the messages one after the other, each confirmed, through a tap that shows which headers go to the broker.
pub(crate) async fn publish(options: &Options, queue: QueueTracer) -> Result {
    let mut patience = Patience::new(options);
    let mut sent = 0;
    while let Err(error) = publish_from(&mut sent, options, &queue, &mut patience).await {
        patience.again(error).await?;
    }
    patience.conclude(sent);
    Ok(())
}

async fn publish_from(
    sent: &mut usize,
    options: &Options,
    queue: &QueueTracer,
    patience: &mut Patience,
) -> Result {
    let headers = TraceHeaders::of(queue);
    let uri = session::uri(options)?;
    let tap = Tap::open(&uri.authority.host, uri.authority.port, move |table| {
        print_headers(&headers, table);
    });
    let tap = within(options, "a connection", tap).await?;
    let session = Session::open(options, queue, Some(tap.port())).await?;
    let channel = &session.channel;
    let confirms = channel.confirm_select(ConfirmSelectOptions::default());
    within(options, "confirms", confirms).await?;
    while *sent < options.count {
        options.pause(*sent).await;
        let payload = Options::payload(*sent);
        let mut properties = BasicProperties::default().with_message_id(payload.as_str().into());
        if options.durable {
            properties = properties.with_delivery_mode(PERSISTENT);
        }
        let publish_options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let to = options.destination.as_str().into();
        let payload = payload.as_bytes();
        let answer = async {
            let publish =
                channel.basic_publish("".into(), to, publish_options, payload, properties);
            publish.await?.await
        };
        match within(options, "a confirm", answer).await? {
            Confirmation::Ack(None) | Confirmation::NotRequested => {}
            Confirmation::Ack(Some(returned)) => {
                return Err(format!("a message came back: {}", returned.reply_text).into());
            }
            Confirmation::Nack(_) => return Err("the broker refused a message".into()),
        }
        patience.delivered();
        *sent += 1;
    }
    session.close().await
}

/// Processes and acknowledges messages of the queue.
pub(crate) async fn consume(options: &Options, queue: QueueTracer) -> Result {
    let mut patience = Patience::new(options);
    let mut handled = Handled::default();
    while let Err(error) = consume_from(&mut handled, options, &queue, &mut patience).await {
        patience.again(error).await?;
    }
    patience.conclude(handled.different.len());
    Ok(())
}

#[derive(Debug, Default)]
struct Handled {
    count: usize,
    different: HashSet<Vec<u8>>,
}

impl Handled {
    fn is_enough(&self, options: &Options) -> bool {
        let count = match options.persist {
            true => self.different.len(),
            false => self.count,
        };
        count >= options.count
    }
}

async fn consume_from(
    handled: &mut Handled,
    options: &Options,
    queue: &QueueTracer,
    patience: &mut Patience,
) -> Result {
    let headers = TraceHeaders::of(queue);
    let session = Session::open(options, queue, None).await?;
    let channel = &session.channel;
    let qos = channel.basic_qos(PREFETCH, BasicQosOptions::default());
    within(options, "an answer", qos).await?;
    let consume = channel.basic_consume(
        options.destination.as_str().into(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let mut consumer = within(options, "an answer", consume).await?;
    while !handled.is_enough(options) {
        let next = async {
            match consumer.next().await {
                Some(next) => next.map_err(Into::into),
                None => Err("the broker ended the consumer".into()),
            }
        };
        let delivery = within::<_, Box<dyn std::error::Error>>(options, "a message", next).await?;
        patience.delivered();
        delivery
            .process(async {
                if let Some(table) = delivery.properties.headers() {
                    print_headers(&headers, table);
                }
                handled.count += 1;
                handled.different.insert(delivery.data.clone());
            })
            .await;
        let ack = delivery.ack(BasicAckOptions::default());
        if !within(options, "an acknowledgement", ack).await? {
            return Err("the channel was closed before a message was acknowledged".into());
        }
    }
    session.close().await
}

fn print_headers(headers: &TraceHeaders, table: &FieldTable) {
    for (key, value) in table {
        let wire_type = Cow::Owned(format!("{:?}", value.get_type()));
        let value = match value {
            AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes())),
            AMQPValue::ShortString(text) => Some(Cow::Borrowed(text.as_str())),
            AMQPValue::ByteArray(bytes) => Some(String::from_utf8_lossy(bytes.as_slice())),
            AMQPValue::Void => None,
            other => Some(Cow::Owned(format!("{other:?}"))),
        };
        headers.print(&Header {
            key: key.as_str(),
            value,
            wire_type,
        });
    }
}
