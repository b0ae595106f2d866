//! An instrumentation of a queue in memory written only to be right, and able to be wrong in exactly one thing.

#![expect(clippy::mem_forget, reason = "leaking a scope is one of the faults")]
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use trace_testkit::messaging::{Letter, Messaging, Wish};
use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::propagation::Inject as _;
use tracing_core_ctx::semconv::{self, messaging_operation_type};
use tracing_core_ctx::{Baggage, Context, Span, SpanContext, SpanKind, Status, Tracer};

use crate::wrong::faults;

faults! {
    AlwaysAChild
    AppendsHeaders
    BelievesNoFlags
    ClearsHeaders
    DropsBinaryHeaders
    EndsBeforeTheWork
    FailsWhatIsGivenUp
    ForgetsBaggageOfMessages
    ForgetsToSendBaggage
    IgnoresTheActiveSpan
    IgnoresWishes
    InventsParents
    LeaksWhenProcessing
    LeaksWhenSending
    LinksNothing
    MalformedIsAFailure
    NamesTheDestinationAlone
    NeverRespects
    None
    NotCurrentInTheWork
    ProcessIsInternal
    PullsAsAChild
    ReadsTheFirst
    ReversesMessages
    SendIsInternal
    SendsItsParent
    SendsOnlyWhatIsRecorded
    SettlesElsewhere
    SortsHeaders
    StartsWhatWaits
    StrangersBaggage
    StrictFlags
    StrictNames
    SwallowsPanics
    TakesQuotesForGood
}

thread_local! {
    pub(super) static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

fn is(fault: Fault) -> bool {
    FAULT.get() == fault
}

/// The contract, kept, but for the fault that the test chose.
pub(super) struct Reference {
    tracer: Tracer,
    wish: Option<Wish>,
    waiting: Mutex<VecDeque<Letter>>,
}

const FIELDS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

impl Reference {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Letter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wishes(&self, wish: Wish) -> bool {
        self.wish == Some(wish) && !is(Fault::IgnoresWishes)
    }

    fn next(&self) -> Letter {
        let mut waiting = self.waiting();
        let next = match is(Fault::ReversesMessages) {
            true => waiting.pop_back(),
            false => waiting.pop_front(),
        };
        next.expect("a message")
    }

    /// The context in a message: the last value of each field, in any case, with or without quotes.
    fn read(&self, letter: &Letter) -> Context {
        let mut last = Letter::default();
        for field in FIELDS {
            let named = |(name, _): &&(String, Vec<u8>)| match is(Fault::StrictNames) {
                true => name == field,
                false => name.eq_ignore_ascii_case(field),
            };
            let mut values = letter.headers.iter().filter(named);
            let value = match is(Fault::ReadsTheFirst) {
                true => values.next(),
                false => values.next_back(),
            };
            let Some((_, value)) = value else { continue };
            let quoted = value.strip_prefix(b"\"");
            let inner = quoted.and_then(|value| value.strip_suffix(b"\""));
            let value = match inner {
                Some(inner) if !is(Fault::TakesQuotesForGood) => inner,
                _ => value,
            };
            let is_random = value.ends_with(b"-03");
            if !(is(Fault::StrictFlags) && is_random) {
                last.headers.push((field.to_owned(), value.to_vec()));
            }
        }
        self.tracer.extract(&last)
    }

    /// What is believed of it, and what is linked.
    fn origin(&self, letter: &Letter) -> (Context, Option<SpanContext>) {
        let read = self.read(letter);
        let cause = read.span_context().cloned();
        let context = match cause.clone() {
            Some(_) if self.wishes(Wish::Strangers) => match is(Fault::StrangersBaggage) {
                true => read.without_span(),
                false => Context::new(),
            },
            Some(cause) if self.wishes(Wish::OwnSampling) || is(Fault::BelievesNoFlags) => read
                .with_remote_span(cause.with_sampled(false))
                .with_sampling_hint(SamplingHint::Defer),
            _ => read,
        };
        let context = match is(Fault::ForgetsBaggageOfMessages) {
            true => context.with_baggage(Baggage::new()),
            false => context,
        };
        (context, cause)
    }

    fn describe(span: &Span, operation: &str, kind: &'static str) {
        let name = match is(Fault::NamesTheDestinationAlone) {
            true => "letters".to_owned(),
            false => format!("{operation} letters"),
        };
        span.update_name(&name);
        span.set(semconv::MESSAGING_SYSTEM_NAME, "memory");
        span.set(semconv::MESSAGING_OPERATION_NAME, operation.to_owned());
        span.set(semconv::MESSAGING_OPERATION_TYPE, kind);
        span.set(semconv::MESSAGING_DESTINATION_NAME, "letters");
    }

    /// A pull outside any span.
    fn pull(&self, letter: &Letter) {
        let (theirs, cause) = self.origin(letter);
        let parent = match is(Fault::PullsAsAChild) {
            true => theirs,
            false => Context::new(),
        };
        let builder = self.tracer.span("poll").kind(SpanKind::Client);
        let builder = builder.parent(&parent);
        let builder = match cause {
            Some(cause) => builder.link(cause),
            None => builder,
        };
        let span = builder.start();
        Self::describe(&span, "poll", messaging_operation_type::RECEIVE);
        span.end();
    }

    fn start_process(&self, letter: &Letter) -> (Span, Context) {
        let (theirs, cause) = self.origin(letter);
        let around = Context::current();
        let is_active = around.span_context().is_some();
        let is_child = match () {
            () if self.wishes(Wish::LinkOnly) => false,
            () if self.wishes(Wish::ChildOnly) || is(Fault::AlwaysAChild) => true,
            () => !is_active,
        };
        let is_linked = !self.wishes(Wish::ChildOnly) && !is(Fault::LinksNothing);
        let parent = match is_child && theirs.span_context().is_some() {
            true => theirs.clone(),
            false => around.with_baggage(theirs.baggage().clone()),
        };
        let kind = match is(Fault::ProcessIsInternal) {
            true => SpanKind::Internal,
            false => SpanKind::Consumer,
        };
        let somewhere = "00-11111111111111111111111111111111-1111111111111111-01";
        let parent = match is(Fault::InventsParents) && parent.span_context().is_none() {
            true => self
                .tracer
                .extract(&Letter::default().with("traceparent", somewhere)),
            false => parent,
        };
        let builder = self.tracer.span("process").kind(kind).parent(&parent);
        let builder = match cause.filter(|_| is_linked) {
            Some(cause) => builder.link(cause),
            None => builder,
        };
        let span = builder.start();
        Self::describe(&span, "process", messaging_operation_type::PROCESS);
        let is_malformed = theirs.span_context().is_none() && !letter.values(FIELDS[0]).is_empty();
        if is(Fault::MalformedIsAFailure) && is_malformed {
            span.fail("no-context", "");
        }
        let context = parent.with_span(&span);
        (span, context)
    }
}

impl Messaging for Reference {
    const HEADERS_ARE_A_LIST: bool = true;

    async fn start(tracer: Tracer, wish: Option<Wish>) -> Self {
        Self {
            tracer,
            wish,
            waiting: Mutex::default(),
        }
    }

    async fn send(&self, mut letter: Letter) {
        let around = match is(Fault::IgnoresTheActiveSpan) {
            true => Context::current().without_span(),
            false => Context::current(),
        };
        let replaces = self.wishes(Wish::ReplaceContexts) || is(Fault::NeverRespects);
        let made = self.read(&letter).span_context().cloned();
        let made = made.filter(|_| !replaces);
        let kind = match made {
            _ if is(Fault::SendIsInternal) => SpanKind::Internal,
            Some(_) => SpanKind::Client,
            None => SpanKind::Producer,
        };
        let builder = self.tracer.span("send").kind(kind).parent(&around);
        let builder = match made.clone().filter(|_| !is(Fault::LinksNothing)) {
            Some(made) => builder.link(made),
            None => builder,
        };
        let span = builder.start();
        Self::describe(&span, "send", messaging_operation_type::SEND);
        let mut context = match is(Fault::SendsItsParent) {
            true => around,
            false => around.with_span(&span),
        };
        if is(Fault::ForgetsToSendBaggage) {
            context = context.with_baggage(Baggage::new());
        }
        let is_recorded = span.is_recording();
        if is(Fault::AppendsHeaders) {
            let mut more = Letter::default();
            self.tracer.inject(&context, &mut more);
            letter.headers.extend(more.headers);
        } else if made.is_none() && (is_recorded || !is(Fault::SendsOnlyWhatIsRecorded)) {
            FIELDS.iter().for_each(|field| letter.remove(field));
            self.tracer.inject(&context, &mut letter);
        }
        if is(Fault::SortsHeaders) {
            letter.headers.sort();
        }
        if is(Fault::DropsBinaryHeaders) {
            letter
                .headers
                .retain(|(_, value)| std::str::from_utf8(value).is_ok());
        }
        if is(Fault::LeaksWhenSending) {
            std::mem::forget(context.attach());
        }
        self.waiting().push_back(letter);
        if is(Fault::FailsWhatIsGivenUp) {
            span.fail("given-up", "");
            tokio::task::yield_now().await;
            span.set_status(Status::Unset);
        }
        span.end();
    }

    async fn process(&self, work: impl FnOnce(&Letter) + Send) {
        let mut letter = self.next();
        self.pull(&letter);
        let (span, context) = self.start_process(&letter);
        if is(Fault::StartsWhatWaits) {
            for letter in self.waiting().iter() {
                self.start_process(letter).0.end();
            }
        }
        if is(Fault::ClearsHeaders) {
            FIELDS.iter().for_each(|field| letter.remove(field));
        }
        let mut span = Some(span);
        if is(Fault::EndsBeforeTheWork) {
            span.take().into_iter().for_each(Span::end);
        }
        match () {
            () if is(Fault::NotCurrentInTheWork) => work(&letter),
            () if is(Fault::LeaksWhenProcessing) => {
                std::mem::forget(context.clone().attach());
                work(&letter);
            }
            () if is(Fault::SwallowsPanics) => {
                let work = AssertUnwindSafe(|| context.scope(|| work(&letter)));
                let _swallowed = catch_unwind(work).is_err();
            }
            () => context.scope(|| work(&letter)),
        }
        span.into_iter().for_each(Span::end);
        let below = match is(Fault::SettlesElsewhere) {
            true => Context::new(),
            false => context,
        };
        let settling = self.tracer.span("ack").kind(SpanKind::Client);
        let settling = settling.parent(&below).start();
        Self::describe(&settling, "ack", messaging_operation_type::SETTLE);
        settling.end();
    }

    async fn send_bare(&self, letter: Letter) {
        self.waiting().push_back(letter);
    }

    async fn receive_bare(&self) -> Letter {
        self.next()
    }
}
