use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::exchange::{self, AMQPMethod};

use super::channel::Place;
use super::exchange::{Exchange, Kind};
use super::fault::Fault;
use super::vhost::Vhost;

/// How many exchanges there may be.
const MAX_EXCHANGES: usize = 4096;

/// How many bindings an exchange may have.
const MAX_BINDINGS: usize = 65_536;

/// # Exchanges
impl Vhost {
    pub(super) fn on_exchange(&mut self, at: Place, method: AMQPMethod) -> Result<(), Fault> {
        match method {
            AMQPMethod::Declare(declare) => self.declare_exchange(at, &declare),
            AMQPMethod::Delete(delete) => self.delete_exchange(at, &delete),
            AMQPMethod::Bind(_) | AMQPMethod::Unbind(_) => {
                Err(Fault::not_implemented("bindings between exchanges"))
            }
            other => Err(Fault::command_invalid(format!("{other:?}"))),
        }
    }

    /// An exchange whose bindings a client may change.
    pub(super) fn bindable(&mut self, name: &str) -> Result<&mut Exchange, Fault> {
        if name.is_empty() {
            return Err(Fault::access_refused(
                "operation not permitted on the default exchange",
            ));
        }
        let Some(exchange) = self.exchanges.get_mut(name) else {
            return Err(Fault::not_found(format!(
                "no exchange '{name}' in vhost '/'"
            )));
        };
        if exchange.bindings() >= MAX_BINDINGS {
            return Err(Fault::resource_error(format!(
                "{MAX_BINDINGS} bindings of an exchange"
            )));
        }
        Ok(exchange)
    }

    /// An exchange that is to go with its last binding goes.
    pub(super) fn delete_unused(&mut self, name: &str) {
        let exchange = self.exchanges.get(name);
        if exchange.is_some_and(|exchange| exchange.auto_delete && exchange.bindings() == 0) {
            self.exchanges.remove(name);
        }
    }

    fn declare_exchange(&mut self, at: Place, declare: &exchange::Declare) -> Result<(), Fault> {
        let name = declare.exchange.as_str();
        match self.exchanges.get(name) {
            Some(_) if declare.passive => {}
            Some(there) => {
                if Kind::named(declare.kind.as_str()) != Some(there.kind)
                    || there.auto_delete != declare.auto_delete
                {
                    let what = format!("inequivalent arg for exchange '{name}' in vhost '/'");
                    return Err(Fault::precondition_failed(what));
                }
            }
            None if name.is_empty() => {
                if !declare.passive {
                    return Err(Fault::access_refused(
                        "operation not permitted on the default exchange",
                    ));
                }
            }
            None if declare.passive => {
                return Err(Fault::not_found(format!(
                    "no exchange '{name}' in vhost '/'"
                )));
            }
            None => self.make_exchange(declare)?,
        }
        self.answer_exchange(
            at,
            declare.nowait,
            AMQPMethod::DeclareOk(exchange::DeclareOk {}),
        );
        Ok(())
    }

    fn make_exchange(&mut self, declare: &exchange::Declare) -> Result<(), Fault> {
        let name = declare.exchange.as_str();
        let Some(kind) = Kind::named(declare.kind.as_str()) else {
            return Err(Fault::command_invalid(format!(
                "unknown exchange type '{}'",
                declare.kind
            )));
        };
        if name.starts_with("amq.") {
            let what = format!("exchange name '{name}' contains reserved prefix 'amq.*'");
            return Err(Fault::access_refused(what));
        }
        if declare.arguments.contains_key("alternate-exchange") {
            return Err(Fault::not_implemented("the argument alternate-exchange"));
        }
        if self.exchanges.len() >= MAX_EXCHANGES {
            return Err(Fault::resource_error(format!("{MAX_EXCHANGES} exchanges")));
        }
        let exchange = Exchange::new(kind, declare.auto_delete, declare.internal);
        self.exchanges.insert(name.to_owned(), exchange);
        Ok(())
    }

    fn delete_exchange(&mut self, at: Place, delete: &exchange::Delete) -> Result<(), Fault> {
        let name = delete.exchange.as_str();
        if name.is_empty() || name.starts_with("amq.") {
            return Err(Fault::access_refused(format!(
                "exchange '{name}' is predefined"
            )));
        }
        let used = self
            .exchanges
            .get(name)
            .is_some_and(|exchange| exchange.bindings() > 0);
        if delete.if_unused && used {
            return Err(Fault::precondition_failed(format!(
                "exchange '{name}' in vhost '/' in use"
            )));
        }
        self.exchanges.remove(name);
        self.answer_exchange(
            at,
            delete.nowait,
            AMQPMethod::DeleteOk(exchange::DeleteOk {}),
        );
        Ok(())
    }

    fn answer_exchange(&mut self, at: Place, nowait: bool, answer: AMQPMethod) {
        if !nowait {
            self.send(at, AMQPClass::Exchange(answer));
        }
    }
}
