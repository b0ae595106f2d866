use amq_protocol::protocol::channel::{self, AMQPMethod};
use amq_protocol::protocol::{AMQPClass, confirm};

use super::channel::{Channel, Place};
use super::fault::Fault;
use super::handshake::CHANNEL_MAX;
use super::vhost::Vhost;

/// # Channels
impl Vhost {
    pub(super) fn on_channel(&mut self, at: Place, method: &AMQPMethod) -> Result<(), Fault> {
        let channels = &mut self.connection(at.connection)?.channels;
        let is_closing = channels.get(&at.channel).map(|channel| channel.is_closing);
        let answer = match (is_closing, method) {
            (None, AMQPMethod::Open(_)) if at.channel <= CHANNEL_MAX => {
                channels.insert(at.channel, Channel::default());
                AMQPMethod::OpenOk(channel::OpenOk {})
            }
            (None, AMQPMethod::Open(_)) => {
                return Err(Fault::not_allowed("the number of a channel"));
            }
            (Some(_), AMQPMethod::Open(_)) => {
                return Err(Fault::channel_error("second 'channel.open' seen"));
            }
            (Some(false), AMQPMethod::Close(_)) => {
                self.leave(at);
                AMQPMethod::CloseOk(channel::CloseOk {})
            }
            (Some(true), AMQPMethod::Close(_)) => {
                channels.remove(&at.channel);
                AMQPMethod::CloseOk(channel::CloseOk {})
            }
            (Some(true), AMQPMethod::CloseOk(_)) => {
                channels.remove(&at.channel);
                return Ok(());
            }
            (Some(true), _) => return Ok(()),
            (Some(false), AMQPMethod::Flow(flow)) if flow.active => {
                AMQPMethod::FlowOk(channel::FlowOk { active: true })
            }
            (Some(false), AMQPMethod::Flow(_)) => {
                return Err(Fault::not_implemented("active=false"));
            }
            (None, _) => return Err(Fault::channel_error("expected 'channel.open'")),
            (_, other) => return Err(Fault::command_invalid(format!("{other:?}"))),
        };
        self.send(at, AMQPClass::Channel(answer));
        Ok(())
    }

    pub(super) fn on_confirm(
        &mut self,
        at: Place,
        method: &confirm::AMQPMethod,
    ) -> Result<(), Fault> {
        let confirm::AMQPMethod::Select(select) = method else {
            return Err(Fault::command_invalid(format!("{method:?}")));
        };
        self.channel(at)?.confirms.get_or_insert_default();
        if !select.nowait {
            let ok = confirm::AMQPMethod::SelectOk(confirm::SelectOk {});
            self.send(at, AMQPClass::Confirm(ok));
        }
        Ok(())
    }

    /// Cleans up behind a channel: what it held goes back to its queues.
    pub(super) fn leave(&mut self, at: Place) {
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let Some(mut channel) = connection.channels.remove(&at.channel) else {
            return;
        };
        // What was published before counts, and its answer is still owed.
        for answer in channel
            .confirms
            .iter_mut()
            .flat_map(super::confirms::Confirms::take)
        {
            connection.send(at.channel, answer);
        }
        let consumers: Vec<_> = channel.consumers.into_iter().collect();
        for (tag, name) in &consumers {
            if let Some(queue) = self.queues.get_mut(name) {
                queue
                    .consumers
                    .retain(|each| each.at != at || each.tag != *tag);
            }
        }
        self.put_all_back(at, channel.unacked.into_values());
        for (_, name) in consumers {
            let unused = self
                .queues
                .get(&name)
                .is_some_and(|queue| queue.auto_delete && queue.consumers.is_empty());
            if unused {
                self.delete_queue(&name);
            }
        }
    }
}
