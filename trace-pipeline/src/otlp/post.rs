use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::sync::watch;

use super::client::Client;
use super::sender::{Limit, Sender};
use super::tls::Tls;
use crate::exporter::ExportError;

/// Sends one message after the other, and keeps the thread until each has its final answer.
pub(crate) struct Post {
    pub(super) sender: Sender,
    max_response: usize,
    tls: Tls,
    /// Made by the thread that sends.
    client: Option<Client>,
}

/// When a message has to be there.
pub(crate) trait Urgency {
    /// As things are now.
    fn deadline(&self) -> Instant;

    /// Has `waker` woken when the deadline moves.
    fn wake_when_moved(&self, waker: &Waker);

    /// The message is sent again.
    fn retrying(&self) {}
}

impl Post {
    pub(super) const fn new(sender: Sender, max_response: usize, tls: Tls) -> Self {
        Self {
            sender,
            max_response,
            tls,
            client: None,
        }
    }

    /// Sends the bytes of an OTLP request.
    pub(crate) fn send(
        &mut self,
        message: Vec<u8>,
        urgency: &impl Urgency,
    ) -> Result<(), ExportError> {
        let sender = &self.sender;
        let body = sender.body(message.into())?;
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(
                sender.protocol(),
                sender.uri(),
                &self.tls,
                self.max_response,
                sender.timeout(),
            )
            .map_err(ExportError::failed)?,
        };
        let (cut, cutoff) = watch::channel(None);
        let limit = Limit {
            until: sender.until().min(urgency.deadline()),
            cutoff,
        };
        let deliver = sender.deliver(client.http(), &body, limit, || urgency.retrying());
        // A shutdown moves the deadline while the request is under way.
        let follow = poll_fn(|cx| {
            urgency.wake_when_moved(cx.waker());
            cut.send_replace(Some(urgency.deadline()));
            Poll::<()>::Pending
        });
        let outcome = client.block_on(async {
            tokio::select! {
                biased;
                () = follow => Ok(()),
                outcome = deliver => outcome,
            }
        });
        // Not kept when this panics: the next message begins with a new one.
        self.client = Some(client);
        let outcome = outcome.map_err(ExportError::failed)?;
        outcome.map_err(|failure| failure.error)
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.client = None;
    }
}
