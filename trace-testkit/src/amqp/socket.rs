use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use amq_protocol::frame::AMQPFrame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::channel::{Signals, Stage};
use super::vhost::{Flow, Vhost};
use super::wire::{self, Decoded};

/// How long a client that sends no frames has to read why it is thrown out.
const PATIENCE: Duration = Duration::from_secs(1);

/// The broker's state, as all sockets share it.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Vhost>>);

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Vhost::new())))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vhost> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client, from the first byte to the last. Dropping it is as good as its end.
pub(super) async fn serve(shared: Shared, mut stream: TcpStream) {
    let (id, signals) = shared.lock().connect();
    let session = Session {
        shared,
        id,
        signals,
    };
    let (reading, writing) = stream.split();
    tokio::select! {
        _ = session.read(reading) => {}
        _ = session.write(writing) => {}
    }
}

struct Session {
    shared: Shared,
    id: u64,
    signals: Arc<Signals>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.lock().disconnect(self.id);
    }
}

impl Session {
    /// Obeys what comes, until the client is gone.
    async fn read(&self, mut stream: ReadHalf<'_>) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(64 * 1024);
        loop {
            let mut used = 0;
            loop {
                let flow = match wire::decode(&bytes[used..]) {
                    Ok(None) => break,
                    Ok(Some(Decoded { frame, length })) => {
                        used += length;
                        let mut vhost = self.shared.lock();
                        match frame {
                            Ok(frame) => vhost.handle(self.id, frame),
                            Err(fault) => vhost.refuse(self.id, &fault),
                        }
                    }
                    Err(fault) => {
                        self.shared.lock().refuse(self.id, &fault);
                        // Closing while there is something to read would take the answer away from the client.
                        let _late = tokio::time::timeout(PATIENCE, drain(&mut stream)).await;
                        Flow::HangUp
                    }
                };
                if flow == Flow::HangUp {
                    return self.hang_up().await;
                }
                self.wait_for_room().await;
            }
            bytes.drain(..used);
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Nothing more is read; what is still to be sent is the writer's.
    async fn hang_up(&self) -> io::Result<()> {
        if let Ok(connection) = self.shared.lock().connection(self.id) {
            connection.stage = Stage::Over;
        }
        self.signals.outgoing.notify_one();
        std::future::pending().await
    }

    /// A client that does not read is not read either.
    async fn wait_for_room(&self) {
        loop {
            let is_full = self
                .shared
                .lock()
                .connections
                .get(&self.id)
                .is_some_and(super::channel::Connection::is_full);
            if !is_full {
                return;
            }
            self.signals.sent.notified().await;
        }
    }

    /// Sends what is to be sent, until all is said.
    async fn write(&self, mut stream: WriteHalf<'_>) -> io::Result<()> {
        loop {
            let (bytes, stage, heartbeat) = self.shared.lock().outgoing(self.id);
            if !bytes.is_empty() {
                stream.write_all(&bytes).await?;
                self.signals.sent.notify_one();
                continue;
            }
            if stage == Stage::Over {
                return stream.shutdown().await;
            }
            let silence = match heartbeat {
                0 => Duration::from_secs(3600),
                seconds => Duration::from_millis(u64::from(seconds) * 500),
            };
            tokio::select! {
                () = self.signals.outgoing.notified() => {}
                () = tokio::time::sleep(silence) => {
                    let mut beat = Vec::new();
                    wire::put_frame(&mut beat, &AMQPFrame::Heartbeat);
                    stream.write_all(&beat).await?;
                }
            }
        }
    }
}

/// Reads to the end, and forgets.
async fn drain(stream: &mut ReadHalf<'_>) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

impl Vhost {
    /// What is to be sent to a client. It makes room for more.
    fn outgoing(&mut self, id: u64) -> (Vec<u8>, Stage, u16) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return (Vec::new(), Stage::Over, 0);
        };
        let was_full = connection.is_full();
        let bytes = connection.take_outbox();
        let (stage, heartbeat) = (connection.stage, connection.heartbeat);
        if was_full {
            for queue in connection.consumed() {
                self.hand_over(&queue);
            }
            self.bury();
        }
        (bytes, stage, heartbeat)
    }
}
