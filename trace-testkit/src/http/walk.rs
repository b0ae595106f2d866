//! Random exchanges, many at a time: whatever happens, each gives one span that says how it went.

use std::collections::HashSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use http::Response;
use http_body::Body as _;
use tracing_core_ctx::semconv::ctx_outcome;

use super::call::{assert_nothing_current, ready};
use super::conventions::assert_conventional;
use super::side::{answer, around, get};
use super::{BoxError, ErasedBody, ErasedFuture, Side, SpanEnd, TestBody, TestError};
use crate::{RecordedSpan, render};

/// Some hundred exchanges, started, polled in turns, dropped here and there, with handlers and bodies that pause, break and panic.
pub async fn random_exchanges_give_one_span_each<S: Side>() {
    for seed in 1..=8 {
        walk::<S>(Random(seed)).await;
    }
}

const EXCHANGES: u64 = 64;

async fn walk<S: Side>(mut random: Random) {
    let mut stage = around::<S, _, _>(|request| {
        let number = request
            .uri()
            .path()
            .trim_start_matches("/exchange/")
            .parse();
        let plan = Plan::of(number.unwrap_or_default());
        async move {
            for _ in 0..plan.pauses {
                tokio::task::yield_now().await;
            }
            plan.answer()
        }
    });

    let mut expected: Vec<Option<Expected>> = Vec::new();
    let mut live: Vec<Exchange> = Vec::new();
    let mut started = 0;
    while started < EXCHANGES || !live.is_empty() {
        if started < EXCHANGES && (live.is_empty() || random.below(3) == 0) {
            ready(&mut stage.service).await;
            let path = format!("/exchange/{started}");
            let future = stage.call(get::<S>(&path)).await;
            live.push(Exchange {
                number: started,
                state: State::Calling(future),
                code: None,
            });
            expected.push(None);
            started += 1;
        } else {
            let index = random.below(live.len());
            let over = if S::END == SpanEnd::Head && live[index].has_head() {
                Some(Outcome::Complete)
            } else if random.below(12) == 0 {
                Some(live[index].abandon())
            } else {
                live[index].step().await
            };
            if let Some(outcome) = over {
                let gone = live.swap_remove(index);
                let Ok(number) = usize::try_from(gone.number) else {
                    continue;
                };
                expected[number] = Some(Expected {
                    outcome,
                    code: gone.code,
                });
            }
        }
        assert_nothing_current();
        assert!(
            stage.recorder.open() <= live.len() as u64,
            "a span outlived its exchange"
        );
    }

    let spans = stage.recorder.take();
    assert_eq!(stage.recorder.open(), 0);
    assert_eq!(spans.len() as u64, EXCHANGES, "got\n{}", render(&spans));
    let traces: HashSet<_> = spans.iter().map(RecordedSpan::trace_id).collect();
    assert_eq!(traces.len(), spans.len(), "exchanges share a trace");
    for (number, expected) in expected.into_iter().enumerate() {
        let path = format!("/exchange/{number}");
        let target = S::target(&path);
        let span = spans.iter().find(|span| {
            let recorded = span.attr("url.full").or_else(|| span.attr("url.path"));
            recorded.and_then(|value| value.as_str()) == Some(&target)
        });
        let (Some(span), Some(expected)) = (span, expected) else {
            panic!("exchange {number} has no span, in\n{}", render(&spans));
        };
        expected.check::<S>(span);
    }
}

/// What the handler of an exchange does. It depends on the number alone.
struct Plan {
    pauses: usize,
    end: u64,
    body: u64,
}

impl Plan {
    fn of(number: u64) -> Self {
        let mut random = Random(number + 1000);
        Self {
            pauses: random.below(3),
            end: random.next() % 8,
            body: random.next() % 6,
        }
    }

    fn answer(&self) -> Result<Response<TestBody>, BoxError> {
        let body = match self.body {
            0 => TestBody::empty(),
            1 => TestBody::full("hello"),
            2 => TestBody::new().data("one").data("two"),
            3 => TestBody::new()
                .data("one")
                .data("two")
                .knows_length()
                .knows_end(),
            4 => TestBody::new().data("one").error(),
            _ => TestBody::new().data("one").panic(),
        };
        match self.end {
            0 => Err(TestError.into()),
            1 => panic!("the handler panics, as the test wants"),
            2 => Ok(answer(404, body)),
            3 => Ok(answer(503, body)),
            _ => Ok(answer(200, body)),
        }
    }
}

struct Exchange {
    number: u64,
    state: State,
    code: Option<u16>,
}

enum State {
    Calling(ErasedFuture),
    Reading(ErasedBody),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Cancelled,
    Complete,
    Failed,
    Panicked,
}

impl Exchange {
    /// Polls once; the outcome, when it is over. The exchange is dropped by the caller, outside of any panic.
    async fn step(&mut self) -> Option<Outcome> {
        match &mut self.state {
            State::Calling(future) => {
                match poll_fn(|cx| {
                    Poll::Ready(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))))
                })
                .await
                {
                    Err(_) => Some(Outcome::Panicked),
                    Ok(Poll::Pending) => None,
                    Ok(Poll::Ready(Err(_))) => Some(Outcome::Failed),
                    Ok(Poll::Ready(Ok(response))) => {
                        self.code = Some(response.status().as_u16());
                        self.state = State::Reading(response.into_body());
                        None
                    }
                }
            }
            State::Reading(body) => {
                let polled = poll_fn(|cx| {
                    Poll::Ready(catch_unwind(AssertUnwindSafe(|| {
                        Pin::new(&mut *body).poll_frame(cx)
                    })))
                });
                match polled.await {
                    Err(_) => Some(Outcome::Panicked),
                    Ok(Poll::Pending | Poll::Ready(Some(Ok(_)))) => None,
                    Ok(Poll::Ready(Some(Err(_)))) => Some(Outcome::Failed),
                    Ok(Poll::Ready(None)) => Some(Outcome::Complete),
                }
            }
        }
    }

    const fn has_head(&self) -> bool {
        matches!(self.state, State::Reading(_))
    }

    /// What it means to drop it now.
    fn abandon(&self) -> Outcome {
        match &self.state {
            State::Reading(body) if body.is_end_stream() => Outcome::Complete,
            State::Calling(_) | State::Reading(_) => Outcome::Cancelled,
        }
    }
}

struct Expected {
    outcome: Outcome,
    code: Option<u16>,
}

impl Expected {
    fn check<S: Side>(&self, span: &RecordedSpan) {
        if self.code.is_none() && self.outcome == Outcome::Failed && !S::SEES_ERRORS {
            return;
        }
        assert_conventional(span);
        let code = span
            .attr("http.response.status_code")
            .and_then(|value| value.as_i64());
        assert_eq!(code, self.code.map(i64::from), "in\n{span:?}");
        let outcome = span.attr("ctx.outcome").and_then(|value| value.as_str());
        let failed_by_code = self.code.is_some_and(|code| code >= S::FAILS_FROM);
        match self.outcome {
            Outcome::Cancelled => {
                assert_eq!(outcome, Some(ctx_outcome::CANCELLED), "in\n{span:?}");
                assert_eq!(span.status().is_error(), failed_by_code, "in\n{span:?}");
            }
            Outcome::Complete => {
                assert_eq!(outcome, None, "in\n{span:?}");
                assert_eq!(span.status().is_error(), failed_by_code, "in\n{span:?}");
            }
            Outcome::Failed => {
                assert_eq!(outcome, None, "in\n{span:?}");
                assert!(span.status().is_error(), "in\n{span:?}");
            }
            Outcome::Panicked => {
                assert_eq!(outcome, None, "in\n{span:?}");
                assert!(span.status().is_error(), "in\n{span:?}");
                if !failed_by_code {
                    span.assert_failed("panic");
                }
            }
        }
    }
}

/// Marsaglia's xorshift: the same walk every time.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = limit.max(1) as u64;
        usize::try_from(self.next() % limit).unwrap_or_default()
    }
}
