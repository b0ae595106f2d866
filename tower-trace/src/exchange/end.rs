use std::ops::ControlFlow;

use bytes::Buf;
use http::HeaderMap;
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Context, SpanRef, Timestamp};

use super::Failure;
use crate::head::ResponseHead;

/// Says what a span says about the response and the end of an exchange. Made from the request.
///
/// Where an exchange is [watched](super::Watch) and not recorded, the span that it sees keeps nothing of what is set.
///
/// It never ends the span and cannot fail. It must not panic either: an exchange can end while a panic unwinds, where a second one
/// ends the process.
pub trait Describe {
    /// Whether a body of known length is complete with its last byte. Not so where trailers always follow.
    const LENGTH_IS_END: bool = true;

    /// **When:** the head of the response is there. **Sees:** the head and the running span. Break ends the exchange now, instead
    /// of with the body.
    fn on_response(&mut self, head: ResponseHead<'_>, span: &SpanRef) -> ControlFlow<()>;

    /// **When:** a data frame of the body passes on to its reader. **Sees:** its bytes, and the running span. Default: does nothing.
    fn on_data(&mut self, data: &dyn Buf, span: &SpanRef) {
        let _ = (data, span);
    }

    /// **When:** trailers pass on to their reader, right before the end. **Sees:** them, to add to, and the context of the exchange. Default:
    /// does nothing.
    fn on_trailers(&mut self, trailers: &mut HeaderMap, context: &Context) {
        let _ = (trailers, context);
    }

    /// **When:** right before [`on_end`](Self::on_end), also where no span records. **Sees:** how it ended, and the span, which is still
    /// running if it records. What it gives is when the exchange ended, if it has [told that](super::Watch::end) already. Default: nothing.
    fn on_ending(&mut self, end: &End<'_>, span: &SpanRef) -> Option<Timestamp> {
        let _ = (end, span);
        None
    }

    /// **When:** the exchange has ended; called once, if its span records. **Sees:** how, and the span, which ends right after.
    fn on_end(&mut self, end: &End<'_>, span: &mut SpanWriter<'_>);
}

/// How an exchange ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End<'a> {
    /// Whoever waited for it went away: the future or the body was dropped. Not an error.
    Cancelled,
    /// The response was read to its end.
    Complete(Complete<'a>),
    /// The service or the body gave an error.
    Failed(Failure<'a>),
    /// The service or the body panicked.
    Panicked,
    /// The connection went over to another protocol.
    Upgraded,
}

/// A response that was read to its end.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Complete<'a> {
    /// The trailers, if there were any.
    pub trailers: Option<&'a HeaderMap>,
    /// How many bytes of payload the body had; `None` when it was not read.
    pub body_size: Option<u64>,
}
