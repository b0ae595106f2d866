//! A contract that every instrumentation of message queues has to keep, as a suite of named tests. It knows no broker.
//!
//! A harness implements [`Messaging`]: it sends and processes messages by the instrumentation, and sees them as a stranger does. The suite does the rest.
//!
//! ```
//! use std::collections::VecDeque;
//! use std::sync::Mutex;
//!
//! use trace_testkit::messaging::{Letter, Messaging, Wish};
//! use tracing_core_ctx::Tracer;
//!
//! // Here nothing is instrumented, so few of the facts would hold.
//! struct Bare(Mutex<VecDeque<Letter>>);
//!
//! impl Messaging for Bare {
//!     async fn start(_: Tracer, _: Option<Wish>) -> Self {
//!         Self(Mutex::default())
//!     }
//!     async fn send(&self, letter: Letter) {
//!         self.0.lock().unwrap().push_back(letter);
//!     }
//!     async fn process(&self, work: impl FnOnce(&Letter) + Send) {
//!         work(&self.receive_bare().await);
//!     }
//!     async fn send_bare(&self, letter: Letter) {
//!         self.send(letter).await;
//!     }
//!     async fn receive_bare(&self) -> Letter {
//!         self.0.lock().unwrap().pop_front().unwrap()
//!     }
//! }
//!
//! // In a module of tests: one `#[test]` for each fact.
//! trace_testkit::messaging_suite!(Bare);
//! # fn main() {}
//! ```
//!
//! | topic | what it is about |
//! |---|---|
//! | [`producing`] | the send span, and what travels with a message |
//! | [`consuming`] | the process span, and how it stands to where the message came from |
//! | [`trust`] | how much of a message's context is believed |

pub mod consuming;
pub mod producing;
pub mod trust;

use std::future::Future;

use tracing_core_ctx::Tracer;
use tracing_core_ctx::propagation::{Extract, Inject};

use crate::http::conventions::assert_conventional;
use crate::{RecordedSpan, SpanRecorder};

/// A message, as the suite makes it and sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// Names and values, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What it says.
    pub body: Vec<u8>,
}

/// How a harness sets an instrumentation up where a fact needs more than the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wish {
    /// The process span is a child of the producer's, without a link, as the server's side of a call.
    ChildOnly,
    /// The process span is linked to the producer's, and never in its trace.
    LinkOnly,
    /// Decide about sampling without the producer.
    OwnSampling,
    /// A context that is in a message before it is sent is replaced.
    ReplaceContexts,
    /// Whoever sent the message is a stranger: linked and nothing else.
    Strangers,
}

/// An instrumentation of a message queue, for [`messaging_suite!`](crate::messaging_suite): a producer and a consumer of one queue of their own.
///
/// With its defaults a process span is linked to the span that sent the message, and is also its child where no span is active; and a context that is in a
/// message before it is sent is respected.
pub trait Messaging: Sized {
    /// Whether the headers of a message are a list in which names may stand several times. Default: no, they are a map.
    const HEADERS_ARE_A_LIST: bool = false;

    /// An empty queue, with this setting.
    fn start(tracer: Tracer, wish: Option<Wish>) -> impl Future<Output = Self>;

    /// Sends a message by the instrumentation, and waits for the broker's answer.
    fn send(&self, letter: Letter) -> impl Future<Output = ()>;

    /// Takes the next message by the instrumentation, runs `work` as what processes it, and settles it as done.
    fn process(&self, work: impl FnOnce(&Letter) + Send) -> impl Future<Output = ()>;

    /// Sends a message as it is.
    fn send_bare(&self, letter: Letter) -> impl Future<Output = ()>;

    /// Takes the next message as it is.
    fn receive_bare(&self) -> impl Future<Output = Letter>;
}

impl Letter {
    /// One with this body.
    #[must_use]
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        Self {
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// All values of a header, compared without case.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter();
        let named = named.filter(|(each, _)| each.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// The headers that carry no context.
    fn others(&self) -> Vec<(&str, &[u8])> {
        let others = self.headers.iter().filter(|(name, _)| {
            let fields = ["traceparent", "tracestate", "baggage"];
            !fields.iter().any(|field| name.eq_ignore_ascii_case(field))
        });
        others
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect()
    }
}

impl Extract for Letter {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.values(name).into_iter().for_each(visit);
    }

    fn names<'a>(&'a self, prefix: &str, visit: &mut dyn FnMut(&'a str)) {
        let names = self.headers.iter().map(|(name, _)| name.as_str());
        names
            .filter(|name| name.starts_with(prefix))
            .for_each(visit);
    }
}

impl Inject for Letter {
    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.into()));
    }

    fn remove(&mut self, name: &str) {
        self.headers
            .retain(|(each, _)| !each.eq_ignore_ascii_case(name));
    }
}

/// A queue under test and everything that watches it.
struct Stage<Q> {
    recorder: SpanRecorder,
    tracer: Tracer,
    queue: Q,
}

impl<Q: Messaging> Stage<Q> {
    async fn new() -> Self {
        Self::set_up(None).await
    }

    async fn wishing(wish: Wish) -> Self {
        Self::set_up(Some(wish)).await
    }

    async fn set_up(wish: Option<Wish>) -> Self {
        let recorder = SpanRecorder::new();
        let tracer = recorder.tracer("shop");
        let queue = Q::start(tracer.clone(), wish).await;
        Self {
            recorder,
            tracer,
            queue,
        }
    }

    /// Sends by the instrumentation, and gives the span of that.
    async fn sent(&self, letter: Letter) -> RecordedSpan {
        self.queue.send(letter).await;
        self.only("send")
    }

    /// Lets the next message be processed, and gives the span of that. Others are left out: pulling and settling.
    async fn processed(&self, work: impl FnOnce(&Letter) + Send) -> RecordedSpan {
        self.queue.process(work).await;
        self.only("process")
    }

    /// Takes all spans, of which one is of this operation.
    #[track_caller]
    fn only(&self, operation: &str) -> RecordedSpan {
        let (mut spans, _others) = self.take(operation);
        assert_eq!(spans.len(), 1, "one span of the operation {operation}");
        let span = spans.remove(0);
        assert_conventional(&span);
        span
    }

    /// Takes all spans: those of this operation, and the others.
    fn take(&self, operation: &str) -> (Vec<RecordedSpan>, Vec<RecordedSpan>) {
        let spans = self.recorder.take().into_iter();
        spans.partition(|span| {
            span.attr("messaging.operation.type")
                .is_some_and(|value| value == tracing_core_ctx::attribute::ValueRef::Str(operation))
        })
    }
}

#[track_caller]
fn assert_linked(span: &RecordedSpan, to: &RecordedSpan) {
    let mut links = span.links().iter();
    let is_linked = links.any(|link| link.span_context.span_id() == to.span_id());
    assert!(is_linked, "no link to\n{to:?}\nin\n{span:?}");
}

/// Tests an instrumentation of a message queue: one `#[test]` for each fact of [`messaging`](crate::messaging).
///
/// The argument is a type that implements [`Messaging`](crate::messaging::Messaging). Use the macro in a module of its own for each type.
#[macro_export]
macro_rules! messaging_suite {
    ($harness:ty) => {
        $crate::messaging_facts! { [$crate::messaging_fact] $harness }
    };
}

/// A test for each named fact of a topic.
#[doc(hidden)]
#[macro_export]
macro_rules! messaging_fact {
    ($topic:ident, $harness:ty; $($fact:ident)*) => {
        $crate::messaging_fact! { @each $topic [$harness] $($fact)* }
    };
    (@each $topic:ident $harness:tt $($fact:ident)*) => {
        $($crate::messaging_fact! { @one $topic $harness $fact })*
    };
    (@one $topic:ident [$harness:ty] $fact:ident) => {
        #[test]
        fn $fact() {
            $crate::http::run($crate::messaging::$topic::$fact::<$harness>());
        }
    };
}

/// All facts, topic by topic, for the macro in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! messaging_facts {
    ([$($then:tt)*] $harness:ty) => {
        $($then)*! { producing, $harness;
            the_send_span_says_what_the_conventions_want
            the_context_of_the_send_span_travels
            the_send_span_is_a_child_of_the_active_one
            a_context_that_is_there_is_respected_and_linked
            a_context_that_is_there_is_replaced_on_request
            other_headers_travel_untouched
            an_unsampled_parent_is_not_recorded_and_travels_on
            baggage_travels_whatever_is_in_it
            nothing_is_current_after_sending
            a_send_that_is_given_up_has_not_failed
        }
        $($then)*! { consuming, $harness;
            the_process_span_says_what_the_conventions_want
            a_consumer_follows_from_its_producer
            under_an_active_span_a_message_is_linked_and_no_child_of_its_producer
            linked_only_is_a_trace_of_its_own
            a_child_only_has_no_link
            a_message_without_context_starts_a_trace
            what_is_no_context_starts_a_trace
            of_two_contexts_the_last_counts
            a_value_in_quotes_and_a_name_in_capitals_are_read
            the_flags_of_the_second_level_are_understood
            the_message_comes_as_it_was_sent
            the_span_is_current_in_the_work_and_nowhere_else
            the_baggage_of_the_message_is_current_in_the_work
            the_work_may_describe_the_span
            messages_in_a_row_are_spans_of_their_own
            what_waits_in_the_queue_has_no_span
            a_panic_in_the_work_fails_the_span
            settling_is_below_the_process_span
            pulling_is_linked_to_the_producer_and_no_child_of_it
        }
        $($then)*! { trust, $harness;
            a_forged_flag_can_hide_from_recording_unless_it_is_not_believed
            strangers_are_linked_and_not_followed
            a_strangers_baggage_is_dropped
        }
    };
}
