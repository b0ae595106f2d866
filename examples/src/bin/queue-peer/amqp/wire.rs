//! What a client writes to its broker, seen on the way there: a channel does not tell which headers it has sent.

use std::io;
use std::net::Ipv4Addr;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use lapin::types::FieldTable;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A port on this machine that one client may connect to, and behind it the broker.
#[derive(Debug)]
pub(super) struct Tap {
    port: u16,
    relay: JoinHandle<io::Result<()>>,
}

impl Tap {
    /// Shows the headers of every message that the client publishes to `see`.
    ///
    /// # Errors
    ///
    /// When the broker cannot be reached.
    pub(super) async fn open(
        host: &str,
        port: u16,
        see: impl FnMut(&FieldTable) + Send + 'static,
    ) -> io::Result<Self> {
        let broker = TcpStream::connect((host, port)).await.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot connect to {host}:{port}: {error}"),
            )
        })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            port: listener.local_addr()?.port(),
            relay: tokio::spawn(relay(listener, broker, see)),
        })
    }

    /// Where the client connects to.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// Ends, and hangs up on both, as soon as one of them does.
async fn relay(
    listener: TcpListener,
    mut broker: TcpStream,
    mut see: impl FnMut(&FieldTable),
) -> io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    // Small frames go to and fro.
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_broker, mut to_broker) = broker.split();
    let there = async {
        let mut frames = Frames::default();
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let count = from_client.read(&mut bytes).await?;
            if count == 0 {
                return Ok(());
            }
            frames.read(&bytes[..count], &mut see);
            to_broker.write_all(&bytes[..count]).await?;
        }
    };
    tokio::select! {
        ended = there => ended,
        ended = copy(&mut from_broker, &mut to_client) => ended.map(drop),
    }
}

/// The frames of a stream that comes in pieces.
#[derive(Debug, Default)]
struct Frames {
    /// The beginning of a frame.
    rest: Vec<u8>,
    /// Nothing can be told from what follows a frame that cannot be read.
    lost: bool,
}

impl Frames {
    fn read(&mut self, bytes: &[u8], see: &mut impl FnMut(&FieldTable)) {
        if self.lost {
            return;
        }
        self.rest.extend_from_slice(bytes);
        let mut begin = 0;
        loop {
            let left = &self.rest[begin..];
            match parse_frame(left) {
                Ok((behind, frame)) => {
                    begin += left.len() - behind.len();
                    if let AMQPFrame::Header(_, content) = frame
                        && let Some(table) = content.properties.headers()
                    {
                        see(table);
                    }
                }
                Err(error) => {
                    self.lost = !error.is_incomplete();
                    break;
                }
            }
        }
        self.rest.drain(..begin);
    }
}

#[cfg(test)]
mod tests;
