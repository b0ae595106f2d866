use amq_protocol::frame::{AMQPFrame, ProtocolVersion};
use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::connection::{self, AMQPMethod};
use amq_protocol::types::{AMQPValue, FieldTable};

use super::channel::{Place, Stage};
use super::fault::Fault;
use super::vhost::{Flow, Vhost};
use super::wire::{self, FRAME_MAX};

/// The highest number of a channel.
pub(super) const CHANNEL_MAX: u16 = 2047;

/// Seconds, as proposed to clients.
const HEARTBEAT: u16 = 60;

/// Name and password, in the form of the mechanism PLAIN.
const LOGIN: &[u8] = b"\0guest\0guest";

/// # From the first byte to the last
impl Vhost {
    pub(super) fn on_greeting(&mut self, id: u64) -> Result<(), Fault> {
        let connection = self.connection(id)?;
        connection.stage = Stage::LogIn;
        let start = AMQPMethod::Start(connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: server_properties(),
            mechanisms: "PLAIN".into(),
            locales: "en_US".into(),
        });
        connection.send(0, AMQPClass::Connection(start));
        Ok(())
    }

    /// Tells a stranger what is spoken here.
    pub(super) fn greet_and_hang_up(&mut self, id: u64) -> Flow {
        if let Some(connection) = self.connections.get_mut(&id) {
            let ours = AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1());
            wire::put_frame(&mut connection.outbox, &ours);
        }
        Flow::HangUp
    }

    pub(super) fn on_connection(&mut self, id: u64, method: AMQPMethod) -> Result<Flow, Fault> {
        let connection = self.connection(id)?;
        let answer = match (connection.stage, method) {
            (Stage::LogIn, AMQPMethod::StartOk(start)) => {
                if start.mechanism.as_str() != "PLAIN" || start.response.as_bytes() != LOGIN {
                    return Err(Fault::login_refused(
                        "only guest, with the password guest, by PLAIN",
                    ));
                }
                connection.hears_cancel = hears_cancel(&start.client_properties);
                connection.stage = Stage::Tuning;
                AMQPMethod::Tune(connection::Tune {
                    channel_max: CHANNEL_MAX,
                    frame_max: u32::try_from(FRAME_MAX).unwrap_or(u32::MAX),
                    heartbeat: HEARTBEAT,
                })
            }
            (Stage::Tuning, AMQPMethod::TuneOk(tune)) => {
                let frame_max = usize::try_from(tune.frame_max).unwrap_or(usize::MAX);
                connection.frame_max = match frame_max {
                    0 => FRAME_MAX,
                    4096..=FRAME_MAX => frame_max,
                    _ => return Err(Fault::not_allowed(format!("frame_max {frame_max}"))),
                };
                connection.heartbeat = tune.heartbeat;
                connection.stage = Stage::Opening;
                return Ok(Flow::Go);
            }
            (Stage::Opening, AMQPMethod::Open(open)) => {
                if open.virtual_host.as_str() != "/" {
                    let what = format!("vhost {} not found", open.virtual_host);
                    return Err(Fault::not_allowed(what));
                }
                connection.stage = Stage::Open;
                AMQPMethod::OpenOk(connection::OpenOk {})
            }
            (_, AMQPMethod::Close(_)) => {
                connection.send(
                    0,
                    AMQPClass::Connection(AMQPMethod::CloseOk(connection::CloseOk {})),
                );
                return Ok(Flow::HangUp);
            }
            (_, AMQPMethod::UpdateSecret(_)) => {
                return Err(Fault::not_implemented("connection.update-secret"));
            }
            (_, other) => return Err(Fault::command_invalid(format!("{other:?}"))),
        };
        connection.send(0, AMQPClass::Connection(answer));
        Ok(Flow::Go)
    }

    /// While we wait for the client to know that the connection is closed, nothing else counts.
    pub(super) fn on_closing(&mut self, id: u64, method: &AMQPMethod) -> Flow {
        match method {
            AMQPMethod::CloseOk(_) => Flow::HangUp,
            AMQPMethod::Close(_) => {
                let closed = AMQPClass::Connection(AMQPMethod::CloseOk(connection::CloseOk {}));
                self.send(
                    Place {
                        connection: id,
                        channel: 0,
                    },
                    closed,
                );
                Flow::HangUp
            }
            _ => Flow::Go,
        }
    }
}

fn server_properties() -> FieldTable {
    let mut capabilities = FieldTable::default();
    for name in [
        "basic.nack",
        "consumer_cancel_notify",
        "direct_reply_to",
        "per_consumer_qos",
        "publisher_confirms",
    ] {
        capabilities.insert(name.into(), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    for (name, value) in [
        ("product", "trace-testkit"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("platform", "Rust"),
    ] {
        properties.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    properties
}

fn hears_cancel(client: &FieldTable) -> bool {
    let Some(AMQPValue::FieldTable(capabilities)) = client.inner().get("capabilities") else {
        return false;
    };
    capabilities.inner().get("consumer_cancel_notify") == Some(&AMQPValue::Boolean(true))
}
