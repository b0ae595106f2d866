use std::error::Error;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use tokio::time::timeout;

use crate::Result;
use crate::options::Options;

/// A connection, and a traced channel on which the queue is known.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    pub(super) channel: TracedChannel,
}

impl Session {
    /// Connects to the broker, or to it through `port` on this machine.
    pub(super) async fn open(
        options: &Options,
        queue: &QueueTracer,
        port: Option<u16>,
    ) -> Result<Self> {
        let mut uri = uri(options)?;
        let broker = uri.authority.clone();
        let queue = queue.clone().server(broker.host.as_str(), broker.port);
        if let Some(port) = port {
            uri.authority.host = "127.0.0.1".to_owned();
            uri.authority.port = port;
        }
        let (host, port) = (broker.host, broker.port);
        let connect = async {
            let connect = Connection::connect_uri(uri, ConnectionProperties::default());
            let failed = |error| format!("cannot connect to {host}:{port}: {error}");
            connect.await.map_err(failed)
        };
        let connection = within(options, "a connection", connect).await?;
        within(options, "the queue", declare(&connection, options)).await?;
        let channel = within(options, "a channel", connection.create_channel()).await?;
        Ok(Self {
            connection,
            channel: TracedChannel::new(channel, queue),
        })
    }

    /// Closes the connection; what is handed over but not acknowledged goes back to the queue.
    pub(super) async fn close(self) -> Result {
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

pub(super) fn uri(options: &Options) -> Result<AMQPUri> {
    let url = &options.broker;
    let uri: AMQPUri = url.parse().map_err(|problem| {
        format!("{url} is no URL such as amqp://127.0.0.1:5672/%2f: {problem}")
    })?;
    if uri.scheme == AMQPScheme::AMQPS {
        return Err("this program is built without TLS: it speaks amqp, not amqps".into());
    }
    Ok(uri)
}

/// Takes the queue as it is if it is there, since others may want it otherwise.
async fn declare(connection: &Connection, options: &Options) -> lapin::Result<()> {
    let name = options.destination.as_str();
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    // The broker closes a channel on which somebody asks for what is not there.
    let channel = connection.create_channel().await?;
    let known = channel.queue_declare(name.into(), passive, FieldTable::default());
    if known.await.is_ok() {
        return channel.close(200, "done".into()).await;
    }
    let channel = connection.create_channel().await?;
    let new = QueueDeclareOptions {
        durable: options.durable,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(name.into(), new, FieldTable::default())
        .await?;
    channel.close(200, "done".into()).await
}

/// What comes of `work`, if that is in time.
pub(super) async fn within<T, E: Into<Box<dyn Error>>>(
    options: &Options,
    what: &str,
    work: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    match timeout(options.limit, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => {
            let seconds = options.limit.as_secs();
            Err(format!("{what} did not come within {seconds} s").into())
        }
    }
}
