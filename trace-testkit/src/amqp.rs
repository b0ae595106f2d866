//! A broker for AMQP 0-9-1 in this process, for tests and demonstrations. Feature `amqp-broker`.
//!
//! It speaks the dialect of RabbitMQ to any client:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use trace_testkit::amqp::Broker;
//!
//! let broker = Broker::start().await?;
//! println!("amqp://.. clients connect to {}", broker.url());
//!
//! // What a client does about a broker that goes away, and comes back:
//! broker.kill().await;
//! broker.restart().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | there is | with |
//! |---|---|
//! | queues | names of their own or `amq.gen-..`, exclusive, auto-delete, passive; `x-dead-letter-exchange`, `x-dead-letter-routing-key`, `x-message-ttl`, `x-max-length`, `x-overflow`; purge, delete |
//! | streams | `x-queue-type` = `stream`, read from `x-stream-offset` (`first`, `last`, `next`, a number) |
//! | exchanges | direct, fanout, topic, headers, the default one, and those that RabbitMQ has from the start |
//! | publishing | mandatory messages that come back, confirms and refusals (`multiple` where many are due), `expiration` |
//! | consuming | `basic.get`, consumers with prefetch (for each, or shared) or without acknowledgement, cancellation from both sides |
//! | settling | ack, nack, reject, recover; `multiple`, requeue, the mark of a redelivery |
//! | dead letters | `x-death` with its counts, `x-first-death-*`, no circles |
//! | requests | direct replies to `amq.rabbitmq.reply-to` |
//! | errors | the codes of RabbitMQ, on the channel or the connection |
//!
//! What it does not do it refuses with 540 `NOT_IMPLEMENTED`: transactions, priorities, `x-expires`, `x-max-length-bytes`, single active consumers, bindings
//! between exchanges, alternate exchanges. Whether something is durable is not looked at: all is in memory, and what is not exclusive survives
//! [`Broker::restart`].
//!
//! It listens on the loopback interface alone; user and password are `guest`, the virtual host is `/`. Memory is bounded: messages of more than
//! 16 MiB are refused with 406, and who publishes when all messages together take 256 MiB is thrown out with 506. So is the stack: a frame with tables
//! more than 64 deep in each other is refused with 502. A client that does not read gets no more messages, and is not read.

mod arguments;
mod burial;
mod channel;
mod channels;
mod confirms;
mod consume;
mod death;
mod declare;
mod exchange;
mod exchanges;
mod fault;
mod handshake;
mod message;
mod nesting;
mod publish;
mod queue;
mod settle;
mod socket;
mod stream;
mod topic;
mod vhost;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use socket::Shared;

/// A broker on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    shared: Shared,
    serving: Mutex<Option<Serving>>,
}

/// The task that accepts clients. It ends, with all of them, when its end is asked for or this is dropped.
#[derive(Debug)]
struct Serving {
    task: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

impl Broker {
    /// Starts on a free port of the loopback interface, in the tokio runtime that is current.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let broker = Self {
            address: listener.local_addr()?,
            shared: Shared::new(),
            serving: Mutex::new(None),
        };
        broker.serve(listener);
        Ok(broker)
    }

    /// Where it listens, also while it is [killed](Self::kill).
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same for clients, with user, password and virtual host.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.address)
    }

    /// Cuts all connections without a word, as if the machine were gone, and refuses new ones. What was delivered and not settled goes back to its queues.
    /// Once this is over, nothing more is read or answered.
    pub async fn kill(&self) {
        let serving = self.slot().take();
        if let Some(Serving { task, end }) = serving {
            drop(end);
            // It has ended, or has panicked: it is over.
            let _over = task.await;
        }
    }

    /// Listens on the same port again, with all queues and messages that are not exclusive. Kills itself first, if need be.
    ///
    /// # Errors
    ///
    /// If somebody else has the port now.
    pub async fn restart(&self) -> io::Result<()> {
        self.kill().await;
        self.serve(TcpListener::bind(self.address).await?);
        Ok(())
    }

    fn serve(&self, listener: TcpListener) {
        let (end, ends) = oneshot::channel();
        let task = tokio::spawn(serve(self.shared.clone(), listener, ends));
        *self.slot() = Some(Serving { task, end });
    }

    fn slot(&self) -> MutexGuard<'_, Option<Serving>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts clients, and lets messages expire. All clients go with it.
async fn serve(shared: Shared, listener: TcpListener, mut ends: oneshot::Receiver<()>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            _asked = &mut ends => break,
            accepted = listener.accept() => {
                // A client that is gone before it is here, or no file left for it: the next one may have more luck.
                if let Ok((stream, _)) = accepted {
                    let _unsupported = stream.set_nodelay(true);
                    clients.spawn(socket::serve(shared.clone(), stream));
                }
            }
            Some(_over) = clients.join_next() => {}
            () = expiry(&shared) => shared.lock().expire(),
        }
    }
    drop(listener);
    // One that is at work on another thread goes on until it waits for something.
    clients.shutdown().await;
}

/// Waits until a message expires.
async fn expiry(shared: &Shared) {
    let (next, moved) = {
        let vhost = shared.lock();
        (vhost.next_expiry(), vhost.expiry_moved.clone())
    };
    let Some(next) = next else {
        moved.notified().await;
        return;
    };
    tokio::select! {
        () = tokio::time::sleep_until(next) => {}
        () = moved.notified() => {}
    }
}
