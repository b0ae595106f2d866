use std::time::Duration;

use amq_protocol::types::{AMQPValue, FieldTable};

use super::fault::Fault;

/// What the arguments of a queue ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct QueueArguments {
    pub(super) dead_letter_exchange: Option<String>,
    pub(super) dead_letter_routing_key: Option<String>,
    pub(super) message_ttl: Option<Duration>,
    pub(super) max_length: Option<usize>,
    /// A full queue refuses what comes, in place of dropping what came first.
    pub(super) rejects_publish: bool,
    pub(super) is_stream: bool,
}

/// Arguments that RabbitMQ obeys and this broker cannot.
const UNKNOWN_HERE: [&str; 5] = [
    "x-expires",
    "x-max-length-bytes",
    "x-max-priority",
    "x-message-deduplication",
    "x-single-active-consumer",
];

impl QueueArguments {
    pub(super) fn read(table: &FieldTable) -> Result<Self, Fault> {
        if let Some(name) = UNKNOWN_HERE.iter().find(|name| table.contains_key(name)) {
            return Err(Fault::not_implemented(format!("the argument {name}")));
        }
        let overflow = text(table, "x-overflow")?;
        let rejects_publish = match overflow.as_deref() {
            None | Some("drop-head") => false,
            Some("reject-publish") => true,
            Some(other) => return Err(Fault::not_implemented(format!("x-overflow {other}"))),
        };
        let is_stream = match text(table, "x-queue-type")?.as_deref() {
            None | Some("classic" | "quorum") => false,
            Some("stream") => true,
            Some(other) => {
                let what = format!("invalid arg 'x-queue-type' for queue: {other}");
                return Err(Fault::precondition_failed(what));
            }
        };
        Ok(Self {
            dead_letter_exchange: text(table, "x-dead-letter-exchange")?,
            dead_letter_routing_key: text(table, "x-dead-letter-routing-key")?,
            message_ttl: whole(table, "x-message-ttl")?.map(Duration::from_millis),
            max_length: whole(table, "x-max-length")?
                .map(|length| usize::try_from(length).unwrap_or(usize::MAX)),
            rejects_publish,
            is_stream,
        })
    }
}

fn text(table: &FieldTable, name: &str) -> Result<Option<String>, Fault> {
    match table.inner().get(name) {
        None => Ok(None),
        Some(AMQPValue::LongString(text)) => Ok(Some(text.to_string())),
        Some(other) => Err(unfit(name, other)),
    }
}

/// A number that is not negative.
fn whole(table: &FieldTable, name: &str) -> Result<Option<u64>, Fault> {
    let Some(value) = table.inner().get(name) else {
        return Ok(None);
    };
    let number = number(value).and_then(|number| u64::try_from(number).ok());
    number.map(Some).ok_or_else(|| unfit(name, value))
}

pub(super) fn number(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(number) => Some(number.into()),
        AMQPValue::ShortShortUInt(number) => Some(number.into()),
        AMQPValue::ShortInt(number) => Some(number.into()),
        AMQPValue::ShortUInt(number) => Some(number.into()),
        AMQPValue::LongInt(number) => Some(number.into()),
        AMQPValue::LongUInt(number) => Some(number.into()),
        AMQPValue::LongLongInt(number) => Some(number),
        _ => None,
    }
}

fn unfit(name: &str, value: &AMQPValue) -> Fault {
    let what = format!("invalid arg '{name}' for queue: {:?}", value.get_type());
    Fault::precondition_failed(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: AMQPValue) -> Result<QueueArguments, Fault> {
        let mut table = FieldTable::default();
        table.insert(name.into(), value);
        QueueArguments::read(&table)
    }

    #[test]
    fn numbers_are_read_in_every_width() {
        for value in [
            AMQPValue::ShortShortInt(5),
            AMQPValue::ShortUInt(5),
            AMQPValue::LongInt(5),
            AMQPValue::LongLongInt(5),
        ] {
            assert_eq!(read("x-max-length", value).unwrap().max_length, Some(5));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, value) in [
            ("x-max-length", AMQPValue::LongInt(-1)),
            ("x-message-ttl", AMQPValue::LongString("soon".into())),
            ("x-dead-letter-exchange", AMQPValue::LongInt(1)),
            ("x-queue-type", AMQPValue::LongString("heap".into())),
        ] {
            assert!(
                matches!(read(name, value), Err(Fault::Channel(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_done_here_is_said() {
        for name in UNKNOWN_HERE {
            assert!(matches!(
                read(name, AMQPValue::LongInt(1)),
                Err(Fault::Connection(_))
            ));
        }
    }
}
