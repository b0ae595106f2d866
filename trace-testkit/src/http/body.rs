use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use super::{BoxError, Place, Probe};

/// A body that does exactly what a test wants: frames, pauses, trailers, an error, a panic.
///
/// Whether it knows its own length and its own end is said apart, since servers stop polling by either.
///
/// ```
/// use http_body::Body as _;
/// use trace_testkit::http::TestBody;
///
/// let hello = TestBody::full("hello");
/// assert_eq!(hello.size_hint().exact(), Some(5));
///
/// // Like an event stream: nobody knows how long it is or when it ends.
/// let events = TestBody::new().data("one").data("two");
/// assert_eq!(events.size_hint().exact(), None);
/// assert!(!events.is_end_stream());
/// ```
pub struct TestBody {
    source: Source,
    knows_length: bool,
    knows_end: bool,
    probe: Option<Probe>,
}

enum Source {
    /// Whatever an instrumentation made of a body.
    Foreign(UnsyncBoxBody<Bytes, BoxError>),
    Steps(Arc<Mutex<Steps>>),
}

#[derive(Default)]
struct Steps {
    queue: VecDeque<Step>,
    closed: bool,
    waker: Option<Waker>,
}

enum Step {
    Data(Bytes),
    Error,
    Panic,
    Trailers(HeaderMap),
}

impl TestBody {
    /// A body without frames that knows neither its length nor its end.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Steps {
            closed: true,
            ..Steps::default()
        })
    }

    /// A body that knows to be empty.
    #[must_use]
    pub fn empty() -> Self {
        Self::new().knows_length().knows_end()
    }

    /// A body of one frame that knows its length and its end.
    #[must_use]
    pub fn full(data: impl Into<Bytes>) -> Self {
        Self::new().data(data).knows_length().knows_end()
    }

    /// A body whose frames are sent while it is being read. It ends when the sender is dropped.
    #[must_use]
    pub fn channel() -> (BodySender, Self) {
        let body = Self::of(Steps::default());
        let Source::Steps(steps) = &body.source else {
            unreachable!("made of steps a line above");
        };
        let sender = BodySender {
            steps: Arc::clone(steps),
        };
        (sender, body)
    }

    /// Another body in the clothes of this type. It is passed through as it is.
    pub(crate) fn foreign<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            source: Source::Foreign(UnsyncBoxBody::new(body.map_err(Into::into))),
            knows_length: false,
            knows_end: false,
            probe: None,
        }
    }

    fn of(steps: Steps) -> Self {
        Self {
            source: Source::Steps(Arc::new(Mutex::new(steps))),
            knows_length: false,
            knows_end: false,
            probe: None,
        }
    }

    /// The same with one more data frame.
    #[must_use]
    pub fn data(self, data: impl Into<Bytes>) -> Self {
        self.then(Step::Data(data.into()))
    }

    /// The same with trailers.
    #[must_use]
    pub fn trailers(self, trailers: HeaderMap) -> Self {
        self.then(Step::Trailers(trailers))
    }

    /// The same, breaking with a [`TestError`] at this point.
    #[must_use]
    pub fn error(self) -> Self {
        self.then(Step::Error)
    }

    /// The same, panicking at this point.
    #[must_use]
    pub fn panic(self) -> Self {
        self.then(Step::Panic)
    }

    /// The same with an exact size hint.
    #[must_use]
    pub const fn knows_length(mut self) -> Self {
        self.knows_length = true;
        self
    }

    /// The same, answering `is_end_stream` truthfully. Others say `false` until the end, as the default of [`Body`] does.
    #[must_use]
    pub const fn knows_end(mut self) -> Self {
        self.knows_end = true;
        self
    }

    /// The same, reporting every poll and its drop to `probe`.
    pub(super) fn watched(mut self, probe: &Probe) -> Self {
        self.probe = Some(probe.clone());
        self
    }

    fn then(self, step: Step) -> Self {
        if let Source::Steps(steps) = &self.source {
            lock(steps).queue.push_back(step);
        }
        self
    }
}

impl Default for TestBody {
    fn default() -> Self {
        Self::new()
    }
}

impl Body for TestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(probe) = &self.probe {
            probe.see(Place::BodyPoll);
        }
        let step = match &mut self.source {
            Source::Foreign(body) => return Pin::new(body).poll_frame(cx),
            Source::Steps(steps) => {
                let mut steps = lock(steps);
                match steps.queue.pop_front() {
                    Some(step) => step,
                    None if steps.closed => return Poll::Ready(None),
                    None => {
                        steps.waker = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                }
            }
        };
        Poll::Ready(Some(match step {
            Step::Data(data) => Ok(Frame::data(data)),
            Step::Error => Err(TestError.into()),
            Step::Panic => panic!("the body panics, as the test wants"),
            Step::Trailers(trailers) => Ok(Frame::trailers(trailers)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Foreign(body) => body.is_end_stream(),
            Source::Steps(steps) => {
                let steps = lock(steps);
                self.knows_end && steps.closed && steps.queue.is_empty()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Foreign(body) => body.size_hint(),
            Source::Steps(steps) if self.knows_length => {
                let steps = lock(steps);
                let lengths = steps.queue.iter().map(|step| match step {
                    Step::Data(data) => data.len() as u64,
                    Step::Error | Step::Panic | Step::Trailers(_) => 0,
                });
                SizeHint::with_exact(lengths.sum())
            }
            Source::Steps(_) => SizeHint::default(),
        }
    }
}

impl Drop for TestBody {
    fn drop(&mut self) {
        if let Some(probe) = &self.probe {
            probe.see(Place::BodyDrop);
        }
    }
}

impl fmt::Debug for TestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestBody")
            .field("size_hint", &self.size_hint())
            .field("is_end_stream", &self.is_end_stream())
            .finish_non_exhaustive()
    }
}

/// Feeds a body made by [`TestBody::channel`]. Dropping it ends the body.
pub struct BodySender {
    steps: Arc<Mutex<Steps>>,
}

impl BodySender {
    /// Sends a data frame.
    pub fn data(&self, data: impl Into<Bytes>) {
        self.send(Step::Data(data.into()));
    }

    /// Sends trailers.
    pub fn trailers(&self, trailers: HeaderMap) {
        self.send(Step::Trailers(trailers));
    }

    /// Breaks the body with a [`TestError`].
    pub fn error(&self) {
        self.send(Step::Error);
    }

    fn send(&self, step: Step) {
        let mut steps = lock(&self.steps);
        steps.queue.push_back(step);
        wake(steps);
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        let mut steps = lock(&self.steps);
        steps.closed = true;
        wake(steps);
    }
}

impl fmt::Debug for BodySender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodySender").finish_non_exhaustive()
    }
}

/// The error of the test doubles. Its message must not become an `error.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestError;

impl TestError {
    /// What it says.
    pub const MESSAGE: &str = "broken on purpose, exchange 4711";
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MESSAGE)
    }
}

impl Error for TestError {}

fn lock(steps: &Mutex<Steps>) -> MutexGuard<'_, Steps> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(mut steps: MutexGuard<'_, Steps>) {
    let waker = steps.waker.take();
    drop(steps);
    if let Some(waker) = waker {
        waker.wake();
    }
}
