use std::sync::Arc;

use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::basic;
use amq_protocol::protocol::queue::{self, AMQPMethod};

use super::arguments::QueueArguments;
use super::channel::Place;
use super::consume::scrambled;
use super::fault::{Fault, short};
use super::publish::REPLY_TO;
use super::queue::Queue;
use super::vhost::Vhost;

/// How many queues there may be.
const MAX_QUEUES: usize = 16_384;

/// # Queues
impl Vhost {
    pub(super) fn on_queue(&mut self, at: Place, method: AMQPMethod) -> Result<(), Fault> {
        match method {
            AMQPMethod::Declare(declare) => self.declare_queue(at, declare),
            AMQPMethod::Bind(bind) => self.bind_queue(at, bind),
            AMQPMethod::Unbind(unbind) => self.unbind_queue(at, &unbind),
            AMQPMethod::Purge(purge) => self.purge_queue(at, &purge),
            AMQPMethod::Delete(delete) => self.on_delete_queue(at, &delete),
            other => Err(Fault::command_invalid(format!("{other:?}"))),
        }
    }

    /// What a client calls this queue: by an empty name, the one that it declared last.
    pub(super) fn queue_named(&mut self, at: Place, name: &str) -> Result<Arc<str>, Fault> {
        if !name.is_empty() {
            return Ok(name.into());
        }
        let last = self.channel(at)?.last_queue.clone();
        last.ok_or_else(|| Fault::not_found("no previously declared queue"))
    }

    /// The queue, if it is there and nobody else has it for himself.
    pub(super) fn usable(&mut self, at: Place, name: &str) -> Result<&mut Queue, Fault> {
        let Some(queue) = self.queues.get_mut(name) else {
            return Err(Fault::not_found(format!("no queue '{name}' in vhost '/'")));
        };
        if queue.owner.is_some_and(|owner| owner != at.connection) {
            let what =
                format!("cannot obtain exclusive access to locked queue '{name}' in vhost '/'");
            return Err(Fault::resource_locked(what));
        }
        Ok(queue)
    }

    fn declare_queue(&mut self, at: Place, declare: queue::Declare) -> Result<(), Fault> {
        let name: Arc<str> = match declare.queue.as_str() {
            "" if declare.passive => self.queue_named(at, "")?,
            "" => format!("amq.gen-{:016x}", scrambled(self.number())).into(),
            name => name.into(),
        };
        if declare.passive || self.queues.contains_key(&name) {
            let queue = self.usable(at, &name)?;
            if !declare.passive {
                assert_equal(queue, &declare)?;
            }
        } else {
            self.make_queue(at, name.clone(), &declare)?;
        }
        self.channel(at)?.last_queue = Some(name.clone());
        let Some(queue) = self.queues.get(&name) else {
            return Ok(());
        };
        let ok = AMQPMethod::DeclareOk(queue::DeclareOk {
            queue: short(&name),
            message_count: u32::try_from(queue.len()).unwrap_or(u32::MAX),
            consumer_count: u32::try_from(queue.consumers.len()).unwrap_or(u32::MAX),
        });
        self.answer_queue(at, declare.nowait, ok);
        Ok(())
    }

    fn make_queue(
        &mut self,
        at: Place,
        name: Arc<str>,
        declare: &queue::Declare,
    ) -> Result<(), Fault> {
        if name.starts_with("amq.") && !declare.queue.as_str().is_empty() {
            let what = format!("queue name '{name}' contains reserved prefix 'amq.*'");
            return Err(Fault::access_refused(what));
        }
        if self.queues.len() >= MAX_QUEUES {
            return Err(Fault::resource_error(format!("{MAX_QUEUES} queues")));
        }
        let arguments = QueueArguments::read(&declare.arguments)?;
        if arguments.is_stream && (declare.exclusive || declare.auto_delete || !declare.durable) {
            let what =
                format!("a stream is durable and belongs to nobody: queue '{name}' in vhost '/'");
            return Err(Fault::precondition_failed(what));
        }
        let number = self.number();
        let mut queue = Queue::new(name.clone(), number, declare.arguments.clone(), arguments);
        queue.owner = declare.exclusive.then_some(at.connection);
        queue.auto_delete = declare.auto_delete;
        self.queues.insert(name, queue);
        Ok(())
    }

    fn bind_queue(&mut self, at: Place, bind: queue::Bind) -> Result<(), Fault> {
        let name = self.queue_named(at, bind.queue.as_str())?;
        self.usable(at, &name)?;
        let exchange = self.bindable(bind.exchange.as_str())?;
        exchange.bind(name, bind.routing_key.into(), bind.arguments);
        self.answer_queue(at, bind.nowait, AMQPMethod::BindOk(queue::BindOk {}));
        Ok(())
    }

    fn unbind_queue(&mut self, at: Place, unbind: &queue::Unbind) -> Result<(), Fault> {
        let name = self.queue_named(at, unbind.queue.as_str())?;
        self.usable(at, &name)?;
        let exchange = self.bindable(unbind.exchange.as_str())?;
        exchange.unbind(&name, unbind.routing_key.as_str(), &unbind.arguments);
        self.delete_unused(unbind.exchange.as_str());
        self.answer_queue(at, false, AMQPMethod::UnbindOk(queue::UnbindOk {}));
        Ok(())
    }

    fn purge_queue(&mut self, at: Place, purge: &queue::Purge) -> Result<(), Fault> {
        let name = self.queue_named(at, purge.queue.as_str())?;
        let queue = self.usable(at, &name)?;
        if queue.arguments.is_stream {
            return Err(Fault::not_implemented("queue.purge of a stream"));
        }
        let message_count = u32::try_from(queue.purge()).unwrap_or(u32::MAX);
        let ok = AMQPMethod::PurgeOk(queue::PurgeOk { message_count });
        self.answer_queue(at, purge.nowait, ok);
        Ok(())
    }

    fn on_delete_queue(&mut self, at: Place, delete: &queue::Delete) -> Result<(), Fault> {
        let name = self.queue_named(at, delete.queue.as_str())?;
        let mut message_count = 0;
        // One that is not there is deleted already.
        if self.queues.contains_key(&name) {
            let queue = self.usable(at, &name)?;
            if delete.if_unused && !queue.consumers.is_empty() {
                return Err(Fault::precondition_failed(format!(
                    "queue '{name}' in vhost '/' in use"
                )));
            }
            if delete.if_empty && queue.len() > 0 {
                return Err(Fault::precondition_failed(format!(
                    "queue '{name}' in vhost '/' not empty"
                )));
            }
            message_count = u32::try_from(queue.len()).unwrap_or(u32::MAX);
            self.delete_queue(&name);
        }
        let ok = AMQPMethod::DeleteOk(queue::DeleteOk { message_count });
        self.answer_queue(at, delete.nowait, ok);
        Ok(())
    }

    /// Takes a queue away, with its bindings, and tells its consumers.
    pub(super) fn delete_queue(&mut self, name: &str) {
        let Some(queue) = self.queues.remove(name) else {
            return;
        };
        for consumer in queue.consumers {
            let Some(connection) = self.connections.get_mut(&consumer.at.connection) else {
                continue;
            };
            if let Some(channel) = connection.channels.get_mut(&consumer.at.channel) {
                channel.consumers.remove(&consumer.tag);
            }
            if connection.hears_cancel && !name.starts_with(REPLY_TO) {
                let cancel = basic::AMQPMethod::Cancel(basic::Cancel {
                    consumer_tag: consumer.tag,
                    nowait: true,
                });
                connection.send(consumer.at.channel, AMQPClass::Basic(cancel));
            }
        }
        let exchanges: Vec<String> = self.exchanges.keys().cloned().collect();
        for exchange in exchanges {
            let bound = self.exchanges.get_mut(&exchange);
            let had = bound.map(|bound| {
                let before = bound.bindings();
                bound.forget(name);
                before > bound.bindings()
            });
            if had == Some(true) {
                self.delete_unused(&exchange);
            }
        }
    }

    fn answer_queue(&mut self, at: Place, nowait: bool, answer: AMQPMethod) {
        if !nowait {
            self.send(at, AMQPClass::Queue(answer));
        }
    }
}

/// Declaring a queue again changes nothing; wanting another of its name is an error.
fn assert_equal(queue: &Queue, declare: &queue::Declare) -> Result<(), Fault> {
    let what = if queue.owner.is_some() != declare.exclusive {
        "exclusive"
    } else if queue.auto_delete != declare.auto_delete {
        "auto_delete"
    } else if queue.table != declare.arguments {
        "arguments"
    } else {
        return Ok(());
    };
    let name = &queue.name;
    Err(Fault::precondition_failed(format!(
        "inequivalent arg '{what}' for queue '{name}' in vhost '/'"
    )))
}
