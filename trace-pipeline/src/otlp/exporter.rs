use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::watch;

use super::client::Client;
use super::encode;
use super::sender::{Limit, Sender};
use super::tls::Tls;
use crate::exporter::{Batch, ExportError, Exporter};

/// Sends spans by OTLP, one batch after the other: for exporters that are made of others. Made by
/// [`OtlpConfig::build`](super::OtlpConfig::build); see the [module](super) for what happens when.
pub struct OtlpExporter {
    sender: Sender,
    max_response: usize,
    tls: Tls,
    /// Made by the thread that exports.
    client: Option<Client>,
}

impl OtlpExporter {
    pub(super) const fn new(sender: Sender, max_response: usize, tls: Tls) -> Self {
        Self {
            sender,
            max_response,
            tls,
            client: None,
        }
    }
}

impl Exporter for OtlpExporter {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        let sender = &self.sender;
        let body = sender.body(encode(batch.resource(), batch.spans()).into())?;
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(
                sender.protocol(),
                sender.uri(),
                &self.tls,
                self.max_response,
            )
            .map_err(ExportError::failed)?,
        };
        let (cut, cutoff) = watch::channel(None);
        let limit = Limit {
            until: sender.until().min(batch.deadline()),
            cutoff,
        };
        let deliver = sender.deliver(client.http(), body, limit, || batch.count_retry());
        // A shutdown moves the deadline while the request is under way.
        let follow = poll_fn(|cx| {
            batch.wake_when_cut_off(cx.waker());
            cut.send_replace(Some(batch.deadline()));
            Poll::<()>::Pending
        });
        let outcome = client.block_on(async {
            tokio::select! {
                biased;
                () = follow => Ok(()),
                outcome = deliver => outcome,
            }
        });
        // Not kept when this panics: the next batch begins with a new one.
        self.client = Some(client);
        let outcome = outcome.map_err(ExportError::failed)?;
        outcome.map_err(|failure| failure.error)
    }

    fn shutdown(&mut self) {
        self.client = None;
    }
}

impl fmt::Debug for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpExporter")
            .field("protocol", &self.sender.protocol())
            .field("to", &format_args!("{}", self.sender))
            .finish_non_exhaustive()
    }
}
