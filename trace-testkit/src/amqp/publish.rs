use std::collections::BTreeSet;
use std::sync::Arc;

use amq_protocol::frame::AMQPContentHeader;
use amq_protocol::protocol::basic::{self, Publish};
use amq_protocol::protocol::{AMQPClass, BasicProperties};

use super::channel::{Content, Place};
use super::fault::{Fault, short};
use super::message::{Body, MAX_BODY, Message};
use super::vhost::Vhost;
use super::wire;

/// The queue of direct replies, as clients name their own.
pub(super) const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// # Messages coming in
impl Vhost {
    pub(super) fn publish(&mut self, at: Place, publish: Publish) -> Result<(), Fault> {
        if publish.immediate {
            return Err(Fault::not_implemented("immediate=true"));
        }
        self.channel(at)?.content = Some(Content {
            publish,
            announced: None,
        });
        Ok(())
    }

    pub(super) fn on_header(&mut self, at: Place, header: AMQPContentHeader) -> Result<(), Fault> {
        let store = self.store.clone();
        let Some(channel) = self
            .connection(at.connection)?
            .channels
            .get_mut(&at.channel)
        else {
            return Err(Fault::channel_error("expected 'channel.open'"));
        };
        if channel.is_closing {
            return Ok(());
        }
        let Some(content) = channel
            .content
            .as_mut()
            .filter(|content| content.announced.is_none())
        else {
            return Err(Fault::unexpected_frame(
                "a header that no message announced",
            ));
        };
        let size = usize::try_from(header.body_size).unwrap_or(usize::MAX);
        if header.class_id != wire::BASIC {
            return Err(Fault::frame_error(format!(
                "a header of class {}",
                header.class_id
            )));
        }
        if size > MAX_BODY {
            channel.content = None;
            let what = format!("message size {size} larger than max size {MAX_BODY}");
            return Err(Fault::precondition_failed(what));
        }
        let header_size = wire::header_payload(&header.properties, size).len();
        let body = Body::announced(size, header_size, &store)?;
        content.announced = Some((header.properties, body));
        self.complete(at)
    }

    pub(super) fn on_body(&mut self, at: Place, part: &[u8]) -> Result<(), Fault> {
        let Some(channel) = self
            .connection(at.connection)?
            .channels
            .get_mut(&at.channel)
        else {
            return Err(Fault::channel_error("expected 'channel.open'"));
        };
        if channel.is_closing {
            return Ok(());
        }
        let content = channel.content.as_mut();
        let Some((_, body)) = content.and_then(|content| content.announced.as_mut()) else {
            return Err(Fault::unexpected_frame("a body without its header"));
        };
        body.add(part)?;
        self.complete(at)
    }

    /// Once the last part has come, the message goes to its queues.
    fn complete(&mut self, at: Place) -> Result<(), Fault> {
        let slot = &mut self.channel(at)?.content;
        let is_whole = |content: &mut Content| {
            let announced = content.announced.as_ref();
            announced.is_some_and(|(_, body)| body.is_whole())
        };
        let Some(Content {
            publish,
            announced: Some((properties, body)),
        }) = slot.take_if(is_whole)
        else {
            return Ok(());
        };
        let exchange = publish.exchange.as_str();
        let properties = self.checked(at, properties)?;
        if self
            .exchanges
            .get(exchange)
            .is_some_and(|exchange| exchange.internal)
        {
            let what = format!("cannot publish to internal exchange '{exchange}' in vhost '/'");
            return Err(Fault::access_refused(what));
        }
        let Some(queues) = self.route(exchange, publish.routing_key.as_str(), &properties) else {
            return Err(Fault::not_found(format!(
                "no exchange '{exchange}' in vhost '/'"
            )));
        };
        let (exchange, key) = (publish.exchange, publish.routing_key);
        let message = Message::new(exchange, key, properties, body.into(), &self.store);
        if queues.is_empty() && publish.mandatory {
            self.give_back(at, &message)?;
        }
        let accepted = self.enqueue(&queues, Arc::new(message));
        if let Some(confirms) = &mut self.channel(at)?.confirms {
            confirms.answer(accepted);
            self.connection(at.connection)?
                .signals
                .outgoing
                .notify_one();
        }
        Ok(())
    }

    /// Properties that make sense, and whose replies find their way.
    fn checked(
        &mut self,
        at: Place,
        properties: BasicProperties,
    ) -> Result<BasicProperties, Fault> {
        if let Some(user) = properties
            .user_id()
            .as_ref()
            .filter(|user| user.as_str() != "guest")
        {
            let what =
                format!("user_id property set to '{user}' but authenticated user was 'guest'");
            return Err(Fault::precondition_failed(what));
        }
        if let Some(expiration) = properties.expiration()
            && expiration.as_str().parse::<u32>().is_err()
        {
            return Err(Fault::precondition_failed(format!(
                "invalid expiration '{expiration}'"
            )));
        }
        if properties
            .reply_to()
            .as_ref()
            .is_none_or(|to| to.as_str() != REPLY_TO)
        {
            return Ok(properties);
        }
        match &self.channel(at)?.replies {
            Some(replies) => Ok(properties.with_reply_to(short(replies))),
            None => Err(Fault::precondition_failed(
                "fast reply consumer does not exist",
            )),
        }
    }

    /// The queues that a message goes to. None if there is no such exchange.
    pub(super) fn route(
        &self,
        exchange: &str,
        key: &str,
        properties: &BasicProperties,
    ) -> Option<BTreeSet<Arc<str>>> {
        if exchange.is_empty() {
            let queue = self.queues.get_key_value(key);
            return Some(queue.map(|(name, _)| name.clone()).into_iter().collect());
        }
        let exchange = self.exchanges.get(exchange)?;
        Some(exchange.route(key, properties))
    }

    /// Sends a message that no queue takes back to where it came from.
    fn give_back(&mut self, at: Place, message: &Message) -> Result<(), Fault> {
        let connection = self.connection(at.connection)?;
        let returned = basic::AMQPMethod::Return(basic::Return {
            reply_code: 312,
            reply_text: "NO_ROUTE".into(),
            exchange: message.exchange.clone(),
            routing_key: message.routing_key.clone(),
        });
        connection.send(at.channel, AMQPClass::Basic(returned));
        let max = connection.frame_max;
        message.put(&mut connection.outbox, at.channel, max);
        Ok(())
    }
}
