use amq_protocol::protocol::BasicProperties;
use amq_protocol::types::{AMQPValue, FieldArray, FieldTable, ShortString};

use super::arguments::number;

/// Why a message is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Expired,
    MaxLength,
    Rejected,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
            Self::Rejected => "rejected",
        }
    }
}

/// The death of a message in a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death<'a> {
    pub(super) reason: Reason,
    pub(super) queue: &'a str,
    pub(super) exchange: &'a str,
    pub(super) routing_key: &'a str,
    /// Seconds since 1970.
    pub(super) time: u64,
}

impl Death<'_> {
    /// The properties of the dead: with this death in front of all others, and with no time to live.
    pub(super) fn written_into(&self, properties: &BasicProperties) -> BasicProperties {
        let mut headers = properties.headers().clone().unwrap_or_default();
        let mut deaths = deaths(&headers);
        let known = deaths.iter().position(|death| self.is_of(death));
        let before = known.map(|at| deaths.remove(at));
        let count = before.as_ref().and_then(|death| death.inner().get("count"));
        let count = count.and_then(number).unwrap_or(0).saturating_add(1);
        deaths.insert(0, self.entry(count, properties));
        let deaths = deaths.into_iter().map(AMQPValue::FieldTable).collect();
        headers.insert(
            "x-death".into(),
            AMQPValue::FieldArray(FieldArray::from(Vec::from_iter::<Vec<_>>(deaths))),
        );
        if !headers.contains_key("x-first-death-reason") {
            for (name, value) in [
                ("x-first-death-reason", self.reason.as_str()),
                ("x-first-death-queue", self.queue),
                ("x-first-death-exchange", self.exchange),
            ] {
                headers.insert(name.into(), text(value));
            }
        }
        without_expiration(properties).with_headers(headers)
    }

    /// Whether going to `queue` would lead a message round in a circle that no consumer has broken.
    pub(super) fn is_circle(properties: &BasicProperties, queue: &str) -> bool {
        let Some(headers) = properties.headers() else {
            return false;
        };
        let deaths = deaths(headers);
        let Some(end) = deaths.iter().position(|death| says(death, "queue", queue)) else {
            return false;
        };
        let rejected = Reason::Rejected.as_str();
        !deaths[..=end]
            .iter()
            .any(|death| says(death, "reason", rejected))
    }

    fn is_of(&self, death: &FieldTable) -> bool {
        says(death, "queue", self.queue) && says(death, "reason", self.reason.as_str())
    }

    fn entry(&self, count: i64, properties: &BasicProperties) -> FieldTable {
        let mut entry = FieldTable::default();
        let keys = FieldArray::from(vec![text(self.routing_key)]);
        entry.insert("count".into(), AMQPValue::LongLongInt(count));
        entry.insert("reason".into(), text(self.reason.as_str()));
        entry.insert("queue".into(), text(self.queue));
        entry.insert("time".into(), AMQPValue::Timestamp(self.time));
        entry.insert("exchange".into(), text(self.exchange));
        entry.insert("routing-keys".into(), AMQPValue::FieldArray(keys));
        if let Some(expiration) = properties.expiration() {
            entry.insert("original-expiration".into(), text(expiration.as_str()));
        }
        entry
    }
}

/// The deaths so far, as far as they can be read: a client may have written them.
fn deaths(headers: &FieldTable) -> Vec<FieldTable> {
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else {
        return Vec::new();
    };
    let deaths = deaths.as_slice().iter();
    let tables = deaths.filter_map(|death| match death {
        AMQPValue::FieldTable(death) => Some(death.clone()),
        _ => None,
    });
    tables.collect()
}

fn says(death: &FieldTable, name: &str, what: &str) -> bool {
    match death.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.as_bytes() == what.as_bytes(),
        _ => false,
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Properties can only be added to, so this makes new ones.
fn without_expiration(properties: &BasicProperties) -> BasicProperties {
    fn put<T: Clone>(
        to: BasicProperties,
        value: Option<&T>,
        with: fn(BasicProperties, T) -> BasicProperties,
    ) -> BasicProperties {
        match value {
            Some(value) => with(to, value.clone()),
            None => to,
        }
    }
    type Text = fn(BasicProperties, ShortString) -> BasicProperties;
    let texts: [(Option<&ShortString>, Text); 9] = [
        (
            properties.content_type().as_ref(),
            BasicProperties::with_content_type,
        ),
        (
            properties.content_encoding().as_ref(),
            BasicProperties::with_content_encoding,
        ),
        (
            properties.correlation_id().as_ref(),
            BasicProperties::with_correlation_id,
        ),
        (
            properties.reply_to().as_ref(),
            BasicProperties::with_reply_to,
        ),
        (
            properties.message_id().as_ref(),
            BasicProperties::with_message_id,
        ),
        (properties.kind().as_ref(), BasicProperties::with_type),
        (properties.user_id().as_ref(), BasicProperties::with_user_id),
        (properties.app_id().as_ref(), BasicProperties::with_app_id),
        (
            properties.cluster_id().as_ref(),
            BasicProperties::with_cluster_id,
        ),
    ];
    let mut kept = BasicProperties::default();
    for (value, with) in texts {
        kept = put(kept, value, with);
    }
    kept = put(
        kept,
        properties.headers().as_ref(),
        BasicProperties::with_headers,
    );
    kept = put(
        kept,
        properties.delivery_mode().as_ref(),
        BasicProperties::with_delivery_mode,
    );
    kept = put(
        kept,
        properties.priority().as_ref(),
        BasicProperties::with_priority,
    );
    put(
        kept,
        properties.timestamp().as_ref(),
        BasicProperties::with_timestamp,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEATH: Death<'_> = Death {
        reason: Reason::Rejected,
        queue: "orders",
        exchange: "shop",
        routing_key: "new",
        time: 7,
    };

    fn counts(properties: &BasicProperties) -> Vec<(String, i64)> {
        let deaths = deaths(properties.headers().as_ref().unwrap());
        let told = deaths.iter().map(|death| {
            let AMQPValue::LongString(queue) = &death.inner()["queue"] else {
                panic!("{death:?}");
            };
            (queue.to_string(), number(&death.inner()["count"]).unwrap())
        });
        told.collect()
    }

    #[test]
    fn the_same_death_again_is_counted_and_comes_first() {
        let once = DEATH.written_into(&BasicProperties::default());
        let other = Death {
            queue: "retry",
            reason: Reason::Expired,
            ..DEATH
        };
        let twice = DEATH.written_into(&other.written_into(&once));
        assert_eq!(counts(&twice), [("orders".into(), 2), ("retry".into(), 1)]);
        let headers = twice.headers().clone().unwrap();
        let first = &headers.inner()["x-first-death-queue"];
        assert_eq!(*first, text("orders"));
    }

    #[test]
    fn the_time_to_live_is_over_and_told() {
        let mortal = BasicProperties::default()
            .with_expiration("50".into())
            .with_message_id("m-7".into())
            .with_priority(3);
        let dead = DEATH.written_into(&mortal);
        assert_eq!(*dead.expiration(), None);
        assert_eq!(dead.message_id(), mortal.message_id());
        assert_eq!(dead.priority(), mortal.priority());
        let entry = &deaths(dead.headers().as_ref().unwrap())[0];
        assert_eq!(entry.inner()["original-expiration"], text("50"));
    }

    #[test]
    fn a_circle_is_one_that_nobody_has_broken_by_a_rejection() {
        let expired = Death {
            reason: Reason::Expired,
            ..DEATH
        };
        let once = expired.written_into(&BasicProperties::default());
        assert!(Death::is_circle(&once, "orders"));
        assert!(!Death::is_circle(&once, "retry"));
        let rejected = DEATH.written_into(&once);
        assert!(!Death::is_circle(&rejected, "orders"));
        assert!(!Death::is_circle(&BasicProperties::default(), "orders"));
    }

    #[test]
    fn deaths_that_a_client_made_up_are_no_obstacle() {
        let mut headers = FieldTable::default();
        headers.insert("x-death".into(), text("forged"));
        let forged = BasicProperties::default().with_headers(headers);
        assert_eq!(counts(&DEATH.written_into(&forged)), [("orders".into(), 1)]);
    }
}
