use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Poll, Waker};
use std::thread;

use futures_core::Stream;
use proptest::prelude::*;

use super::*;
use crate::{SpanId, TraceFlags, TraceId};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Tag(u32);

fn tagged(tag: u32) -> Context {
    Context::new().with_value(Tag(tag))
}

/// The tag of the current context.
fn tag() -> Option<u32> {
    Context::current().value::<Tag>().map(|tag| tag.0)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

/// Pending once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|_| {
        if mem::replace(&mut paused, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn remote(flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        TraceId::from_u128(7).unwrap(),
        SpanId::from_u64(7).unwrap(),
        flags,
    )
    .with_remote(true)
}

/// Notes, when dropped, which context is current.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Option<u32>>>>);

impl Witness {
    fn seen(&self) -> Vec<Option<u32>> {
        self.0.lock().unwrap().clone()
    }

    fn on_drop(&self) -> NotesDrop {
        NotesDrop(self.clone())
    }
}

struct NotesDrop(Witness);

impl Drop for NotesDrop {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().push(tag());
    }
}

#[expect(clippy::mem_forget, reason = "to see what a leaked guard does")]
fn leak(scope: Scope) {
    mem::forget(scope);
}

// Scopes.

#[test]
fn a_scope_makes_its_context_current_until_it_is_dropped() {
    assert_eq!(tag(), None);
    let outer = tagged(1).attach();
    assert_eq!(tag(), Some(1));
    {
        let _inner = tagged(2).attach();
        assert_eq!(tag(), Some(2));
    }
    assert_eq!(tag(), Some(1));
    drop(outer);
    assert_eq!(tag(), None);
}

#[test]
fn scopes_may_be_dropped_in_any_order() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut scopes: Vec<_> = (0..3).map(|n| Some(tagged(n).attach())).collect();
        for gone in order {
            scopes[gone as usize] = None;
            let last_living = (0..3).rev().find(|&n| scopes[n as usize].is_some());
            assert_eq!(tag(), last_living, "{order:?} at {gone}");
        }
    }
}

#[test]
fn a_scope_that_is_dropped_inside_of_another_context_is_gone_with_that() {
    let below = tagged(0).attach();
    let [first, second] = [1, 2].map(|n| tagged(n).attach());
    tagged(3).scope(|| {
        drop(first);
        tagged(4).scope(move || drop(second));
        assert_eq!(tag(), Some(3));
    });
    assert_eq!(tag(), Some(0));
    drop(below);
    assert_eq!(tag(), None);
}

#[test]
fn one_that_is_dropped_far_up_is_gone_too() {
    let mut scopes: Vec<_> = (0..40).map(|n| tagged(n).attach()).collect();
    tagged(40).scope(|| scopes.drain(10..).for_each(drop));
    assert_eq!(tag(), Some(9));
    let mut rest = scopes.drain(..);
    tagged(41).scope(|| rest.by_ref().for_each(drop));
    assert_eq!(tag(), None);
}

#[test]
fn a_scope_that_comes_late_takes_nobody_elses_frame_away() {
    let mut late = None;
    tagged(1).scope(|| late = Some(tagged(2).attach()));
    // Its frame is gone; another one stands in its place.
    let _other = tagged(3).attach();
    let _above = tagged(4).attach();
    drop(late);
    assert_eq!(tag(), Some(4));
}

#[test]
fn a_closure_scope_takes_back_what_was_left_attached() {
    tagged(1).scope(|| leak(tagged(2).attach()));
    assert_eq!(tag(), None);
    let scope = tagged(1).scope(|| tagged(2).attach());
    assert_eq!(tag(), None);
    drop(scope);
    assert_eq!(tag(), None);
}

#[test]
fn a_closure_scope_ends_with_a_panic() {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        tagged(1).scope(|| panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    assert_eq!(tag(), None);
}

#[test]
fn ten_thousand_scopes_are_taken_off_in_either_order() {
    for forwards in [true, false] {
        let mut scopes: VecDeque<_> = (0..10_000).map(|n| tagged(n).attach()).collect();
        while let Some(scope) = if forwards {
            scopes.pop_front()
        } else {
            scopes.pop_back()
        } {
            drop(scope);
            let expected = if forwards {
                9_999
            } else {
                scopes.len().wrapping_sub(1)
            };
            if !scopes.is_empty() {
                assert_eq!(tag().map(|tag| tag as usize), Some(expected));
            }
        }
        assert_eq!(tag(), None);
    }
}

#[test]
fn a_context_moves_to_another_thread() {
    let cx = tagged(1);
    let _scope = cx.clone().attach();
    let seen = thread::spawn(move || (tag(), cx.scope(tag), tag()))
        .join()
        .unwrap();
    assert_eq!(seen, (None, Some(1), None));
}

// Entering.

#[test]
fn an_entered_context_is_moved_and_comes_back() {
    let mut cx = tagged(1);
    {
        let _entered = cx.enter();
        assert_eq!(tag(), Some(1));
        leak(tagged(2).attach());
        assert_eq!(tag(), Some(2));
    }
    assert_eq!(tag(), None);
    assert_eq!(cx.value(), Some(&Tag(1)));
}

#[test]
fn an_entered_context_comes_back_from_a_panic() {
    let mut cx = tagged(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _entered = cx.enter();
        let _scope = tagged(2).attach();
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(tag(), None);
    assert_eq!(cx.value(), Some(&Tag(1)));
}

#[test]
fn entering_again_inside_shows_the_inner_context() {
    let (mut outer, mut inner) = (tagged(1), tagged(2));
    let first = outer.enter();
    let second = inner.enter();
    assert_eq!(tag(), Some(2));
    drop(second);
    assert_eq!(tag(), Some(1));
    drop(first);
    assert_eq!(
        (outer.value(), inner.value()),
        (Some(&Tag(1)), Some(&Tag(2)))
    );
}

#[test]
fn a_guard_that_outlives_the_one_around_it_leaves_an_empty_context() {
    let (mut outer, mut inner) = (tagged(1), tagged(2));
    let first = outer.enter();
    let second = inner.enter();
    drop(first);
    assert_eq!(tag(), None);
    drop(second);
    assert_eq!(tag(), None);
    assert_eq!(outer.value(), Some(&Tag(1)));
    assert_eq!(inner.value::<Tag>(), None);
}

// Futures.

#[test]
fn the_context_is_current_in_every_poll_and_only_there() {
    let mut future = pin!(
        async {
            let first = tag();
            pause().await;
            (first, tag())
        }
        .with_context(tagged(1))
    );
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(tag(), None);
    assert_eq!(future.context().value(), Some(&Tag(1)));
    assert_eq!(poll(future.as_mut()), Poll::Ready((Some(1), Some(1))));
    assert_eq!(tag(), None);
}

#[test]
#[expect(clippy::await_holding_invalid_type, reason = "to see what comes of it")]
fn a_scope_held_across_an_await_is_gone_at_the_end_of_the_poll() {
    let mut future = pin!(
        async {
            let scope = tagged(2).attach();
            let before = tag();
            pause().await;
            let after = tag();
            drop(scope);
            (before, after, tag())
        }
        .with_context(tagged(1))
    );
    let mut other = pin!(async { tag() }.with_context(tagged(3)));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(tag(), None);
    assert_eq!(poll(other.as_mut()), Poll::Ready(Some(3)));
    assert_eq!(
        poll(future.as_mut()),
        Poll::Ready((Some(2), Some(1), Some(1)))
    );
    assert_eq!(tag(), None);
}

#[test]
fn a_leaked_scope_reaches_neither_the_next_poll_nor_other_tasks_of_the_thread() {
    let leaky = async {
        leak(tagged(2).attach());
        let inside = tag();
        pause().await;
        (inside, tag())
    };
    let mut leaky = pin!(leaky.with_context(tagged(1)));
    let mut innocent = pin!(
        async {
            let first = tag();
            pause().await;
            (first, tag())
        }
        .with_context(tagged(3))
    );
    assert!(poll(innocent.as_mut()).is_pending());
    assert!(poll(leaky.as_mut()).is_pending());
    assert_eq!(tag(), None);
    assert_eq!(poll(innocent.as_mut()), Poll::Ready((Some(3), Some(3))));
    assert_eq!(poll(leaky.as_mut()), Poll::Ready((Some(2), Some(1))));
    assert_eq!(tag(), None);
}

#[test]
fn a_future_takes_its_context_from_thread_to_thread() {
    let mut future = Box::pin(
        async {
            let mut seen = vec![tag()];
            for _ in 0..2 {
                pause().await;
                seen.push(tag());
            }
            seen
        }
        .with_context(tagged(1)),
    );
    for _ in 0..2 {
        future = thread::spawn(move || {
            assert!(poll(future.as_mut()).is_pending());
            assert_eq!(tag(), None);
            future
        })
        .join()
        .unwrap();
    }
    assert_eq!(poll(future.as_mut()), Poll::Ready(vec![Some(1); 3]));
}

#[test]
fn an_inner_future_has_its_own_context_and_the_outer_one_goes_on_with_its() {
    let mut future = pin!(
        async {
            let inner = async {
                pause().await;
                tag()
            };
            let inner = inner.with_context(tagged(2)).await;
            (inner, tag())
        }
        .with_context(tagged(1))
    );
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(tag(), None);
    assert_eq!(poll(future.as_mut()), Poll::Ready((Some(2), Some(1))));
}

#[test]
fn a_future_polled_inside_the_poll_of_another_gives_the_context_back() {
    let mut inner = Box::pin(
        async {
            pause().await;
            tag()
        }
        .with_context(tagged(2)),
    );
    let mut outer = pin!(
        async {
            let pending = poll(inner.as_mut()).is_pending();
            let between = tag();
            (pending, between, poll(inner.as_mut()), tag())
        }
        .with_context(tagged(1))
    );
    assert_eq!(
        poll(outer.as_mut()),
        Poll::Ready((true, Some(1), Poll::Ready(Some(2)), Some(1)))
    );
}

#[test]
fn a_poll_that_panics_leaves_the_context_with_the_future() {
    let mut future = pin!(async { panic!("on purpose") }.with_context(tagged(1)));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _: Poll<()> = poll(future.as_mut());
    }));
    assert!(panicked.is_err());
    assert_eq!(tag(), None);
    assert_eq!(future.context().value(), Some(&Tag(1)));
}

/// Holds a witness until it is dropped, whether it is done or not.
struct Holds(
    bool,
    #[expect(dead_code, reason = "held for its drop")] NotesDrop,
);

impl Future for Holds {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
        if self.0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Stream for Holds {
    type Item = Option<u32>;

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Option<u32>>> {
        Poll::Ready(self.0.then(tag))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (3, Some(4))
    }
}

#[test]
fn the_context_is_current_in_the_drop_of_a_future() {
    let witness = Witness::default();
    let future = |done| FutureExt::with_context(Holds(done, witness.on_drop()), tagged(1));
    drop(future(false));
    let mut pending = Box::pin(future(false));
    assert!(poll(pending.as_mut()).is_pending());
    drop(pending);
    let mut done = Box::pin(future(true));
    assert!(poll(done.as_mut()).is_ready());
    // Nobody waits for its owner to drop it.
    assert_eq!(witness.seen(), [Some(1); 3]);
    drop(done);
    assert_eq!(tag(), None);
}

#[test]
fn locals_of_a_cancelled_future_are_dropped_in_its_context() {
    let witness = Witness::default();
    let local = witness.on_drop();
    let mut future = Box::pin(
        async move {
            let _local = local;
            pause().await;
        }
        .with_context(tagged(1)),
    );
    assert!(poll(future.as_mut()).is_pending());
    tagged(2).scope(|| drop(future));
    assert_eq!(witness.seen(), [Some(1)]);
}

#[test]
fn a_spawned_task_keeps_the_context_of_the_one_who_spawned_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let seen = runtime.block_on(async {
        let (spawned, bare) = tagged(1).scope(|| {
            let spawned = async {
                tokio::task::yield_now().await;
                tag()
            };
            (
                tokio::spawn(spawned.with_current_context()),
                tokio::spawn(async { tag() }),
            )
        });
        (spawned.await.unwrap(), bare.await.unwrap())
    });
    assert_eq!(seen, (Some(1), None));
}

#[test]
fn tasks_of_a_work_stealing_runtime_see_their_own_context() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..500)
            .map(|n| {
                let task = async move {
                    for _ in 0..10 {
                        assert_eq!(tag(), Some(n));
                        tokio::task::yield_now().await;
                    }
                };
                tokio::spawn(task.with_context(tagged(n)))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

// Streams.

fn next<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut std::task::Context::from_waker(Waker::noop()))
}

#[test]
fn the_context_is_current_in_every_poll_and_in_the_drop_of_a_stream() {
    let witness = Witness::default();
    let mut stream = Box::pin(StreamExt::with_context(
        Holds(true, witness.on_drop()),
        tagged(1),
    ));
    assert_eq!(stream.size_hint(), (3, Some(4)));
    for _ in 0..2 {
        assert_eq!(next(stream.as_mut()), Poll::Ready(Some(Some(1))));
        assert_eq!(tag(), None);
    }
    drop(stream);
    assert_eq!(witness.seen(), [Some(1)]);
    let ended = StreamExt::with_context(Holds(false, witness.on_drop()), tagged(2));
    let mut ended = Box::pin(ended);
    assert_eq!(next(ended.as_mut()), Poll::Ready(None));
    drop(ended);
    assert_eq!(witness.seen(), [Some(1), Some(2)]);
}

#[test]
fn a_stream_takes_the_current_context_along() {
    let witness = Witness::default();
    let stream =
        tagged(1).scope(|| StreamExt::with_current_context(Holds(true, witness.on_drop())));
    assert_eq!(stream.context().value(), Some(&Tag(1)));
    assert_eq!(next(Box::pin(stream).as_mut()), Poll::Ready(Some(Some(1))));
}

// Foreign code in drops.

type Count = Mutex<u32>;

/// Uses the current context while it is dropped, and counts that.
struct Meddles(Arc<Count>);

impl Drop for Meddles {
    fn drop(&mut self) {
        let before = tag();
        assert_eq!(tagged(99).scope(tag), Some(99));
        let scope = tagged(98).attach();
        assert_eq!(tag(), Some(98));
        drop(scope);
        let mut cx = tagged(97);
        drop(cx.enter());
        assert_eq!(tag(), before);
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn a_value_may_use_the_context_while_it_is_dropped() {
    let dropped = Arc::new(Count::default());
    let meddling = || Context::new().with_value(Meddles(Arc::clone(&dropped)));
    // By the frame of a scope, in both orders.
    drop(meddling().attach());
    let (below, above) = (meddling().attach(), meddling().attach());
    drop(below);
    drop(above);
    // By what was left above a poll.
    tagged(1).scope(|| leak(meddling().attach()));
    // By the future itself.
    drop(async {}.with_context(meddling()));
    // By being replaced.
    drop(meddling().with_value(Meddles(Arc::clone(&dropped))));
    assert_eq!(*dropped.lock().unwrap(), 7);
    assert_eq!(tag(), None);
}

#[test]
fn a_value_whose_drop_panics_leaves_the_stack_in_order() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let _around = tagged(1).attach();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        drop(Context::new().with_value(Panics).attach());
    }));
    assert!(panicked.is_err());
    assert_eq!(tag(), Some(1));
    let mut cx = tagged(2);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _entered = cx.enter();
        leak(Context::new().with_value(Panics).attach());
    }));
    assert!(panicked.is_err());
    assert_eq!(tag(), Some(1));
    assert_eq!(cx.value(), Some(&Tag(2)));
}

// The end of a thread.

/// Uses everything while its thread is torn down.
struct LastWords(Cell<Option<std::sync::mpsc::Sender<Option<u32>>>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        let scope = tagged(1).attach();
        let seen = tag();
        drop(scope);
        let mut cx = tagged(2);
        drop(cx.enter());
        assert_eq!(cx.value(), Some(&Tag(2)));
        assert!(poll(pin!(async { tag() }.with_context(tagged(3)))).is_ready());
        drop(Context::new().with_value(Looks));
        let _ = self.0.take().unwrap().send(seen);
    }
}

struct Looks;

impl Drop for Looks {
    fn drop(&mut self) {
        drop(Context::current());
    }
}

thread_local! {
    static LAST_WORDS: LastWords = const { LastWords(Cell::new(None)) };
}

#[test]
fn contexts_may_be_used_while_a_thread_is_torn_down() {
    for stack_first in [true, false] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let touch = || drop(tagged(0).attach());
            if stack_first {
                touch();
            }
            LAST_WORDS.with(|words| words.0.set(Some(sender)));
            touch();
            // And one that the stack itself has to drop.
            leak(Context::new().with_value(Looks).attach());
        });
        // Whether the stack is still there depends on the platform; that it answered at all says that nothing panicked.
        let seen = receiver.recv().unwrap();
        assert!(matches!(seen, None | Some(1)));
        thread.join().unwrap();
    }
}

// What a context holds.

#[test]
fn values_are_kept_by_type_and_replaced_by_type() {
    let cx = Context::new()
        .with_value(Tag(1))
        .with_value("text")
        .with_value(7u8);
    let other = cx.clone().with_value(Tag(2));
    assert_eq!(cx.value(), Some(&Tag(1)));
    assert_eq!(other.value(), Some(&Tag(2)));
    assert_eq!(other.value(), Some(&"text"));
    assert_eq!(other.value(), Some(&7u8));
    assert_eq!(other.value::<u16>(), None);
}

#[test]
fn an_entry_of_baggage_leaves_the_others_and_the_original() {
    let before = tagged(1).with_baggage(Baggage::new().with("a", "1").with("b", "2"));
    let after = before
        .clone()
        .with_baggage_entry("a", "3")
        .with_baggage_entry("c", "4");
    let list: Vec<_> = after
        .baggage()
        .iter()
        .map(|entry| (entry.name(), entry.value()))
        .collect();
    assert_eq!(list, [("a", "3"), ("b", "2"), ("c", "4")]);
    assert_eq!(after.value(), Some(&Tag(1)));
    assert_eq!(before.baggage().get("a"), Some("1"));
    assert!(before.has_values() && after.has_values());
    assert!(!Context::new().with_baggage_entry("a", "1").has_values());
    assert!(
        Context::new()
            .with_baggage_entry("", "1")
            .baggage()
            .is_empty()
    );
}

#[test]
fn baggage_and_values_do_not_push_each_other_out() {
    let baggage = Baggage::new().with("a", "1");
    let cx = tagged(1).with_baggage(baggage).with_value(2u8);
    assert_eq!(cx.baggage().get("a"), Some("1"));
    let cx = cx.with_baggage(Baggage::new());
    assert!(cx.baggage().is_empty());
    assert_eq!(cx.value(), Some(&Tag(1)));
}

#[test]
fn suppression_stays_with_all_contexts_made_from_it() {
    let cx = Context::new().suppressed();
    assert!(!Context::new().is_suppressed());
    assert!(cx.is_suppressed());
    assert!(cx.clone().with_value(1).without_span().is_suppressed());
    assert!(
        cx.with_remote_span(remote(TraceFlags::SAMPLED))
            .is_suppressed()
    );
}

#[test]
fn a_remote_span_is_current_and_does_not_record() {
    let cx = Context::new().with_remote_span(remote(TraceFlags::SAMPLED));
    assert_eq!(cx.span_context(), Some(&remote(TraceFlags::SAMPLED)));
    assert_eq!(cx.span().span_context(), cx.span_context());
    assert!(!cx.span().is_recording());
    assert_eq!(cx.without_span().span_context(), None);
}

#[test]
fn a_span_of_ours_answers_the_callers_wish_and_one_that_passes_through_does_not() {
    let ours = Context::new()
        .with_remote_span(remote(TraceFlags::NONE).with_remote(false))
        .span();
    let theirs = Context::new()
        .with_remote_span(remote(TraceFlags::NONE))
        .span();
    for hint in [
        SamplingHint::Accept,
        SamplingHint::Defer,
        SamplingHint::Deny,
    ] {
        let cx = Context::new().with_sampling_hint(hint);
        assert_eq!(cx.clone().with_span(&ours).sampling_hint(), None);
        assert_eq!(cx.clone().with_span(&theirs).sampling_hint(), Some(hint));
        assert_eq!(
            cx.clone().with_span(&SpanRef::default()).sampling_hint(),
            Some(hint)
        );
        assert_eq!(cx.without_span().sampling_hint(), None);
    }
    let debug = Context::new().with_sampling_hint(SamplingHint::Debug);
    assert_eq!(
        debug.with_span(&ours).sampling_hint(),
        Some(SamplingHint::Debug)
    );
}

#[test]
fn a_context_is_as_large_as_a_pointer_and_its_copies_share_what_they_hold() {
    assert_eq!(size_of::<Context>(), size_of::<usize>());
    let cx = tagged(1).with_baggage(Baggage::new().with("a", "1"));
    let copy = cx.clone();
    assert!(std::ptr::eq(
        cx.value::<Tag>().unwrap(),
        copy.value::<Tag>().unwrap()
    ));
    assert!(std::ptr::eq(
        cx.baggage().get("a").unwrap(),
        copy.baggage().get("a").unwrap()
    ));
}

#[test]
fn contexts_and_their_futures_go_to_other_threads() {
    fn sent<T: Send>(_: &T) {}
    fn shared<T: Sync>(_: &T) {}
    let cx = Context::new();
    sent(&cx);
    shared(&cx);
    sent(&async { pause().await }.with_context(cx));
}

#[test]
fn debug_shows_no_value_of_baggage() {
    let cx = Context::new().with_baggage(Baggage::new().with("token", "s3cret"));
    let text = format!("{cx:?}");
    assert!(text.contains("token") && !text.contains("s3cret"), "{text}");
}

// Many at once.

/// What one task of the crowd does between two pauses.
#[derive(Clone, Copy, Debug)]
enum Step {
    Attach,
    HoldAcrossPause,
    Leak,
    Look,
    Nest,
}

#[expect(clippy::await_holding_invalid_type, reason = "to see what comes of it")]
async fn member(own: u32, steps: &[Step]) {
    const OTHER: u32 = u32::MAX;
    for step in steps {
        assert_eq!(tag(), Some(own), "{step:?}");
        match step {
            Step::Attach => {
                let _scope = tagged(OTHER).attach();
                assert_eq!(tag(), Some(OTHER));
            }
            Step::HoldAcrossPause => {
                let _scope = tagged(OTHER).attach();
                pause().await;
                assert_eq!(tag(), Some(own));
            }
            Step::Leak => leak(tagged(OTHER).attach()),
            Step::Look => {}
            Step::Nest => {
                let nested = async {
                    pause().await;
                    assert_eq!(tag(), Some(OTHER));
                };
                nested.with_context(tagged(OTHER)).await;
                assert_eq!(tag(), Some(own));
            }
        }
        pause().await;
    }
    assert_eq!(tag(), Some(own));
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Attach),
        Just(Step::HoldAcrossPause),
        Just(Step::Leak),
        Just(Step::Look),
        Just(Step::Nest),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn of_ten_thousand_interleaved_futures_each_sees_its_own_context(
        programs in prop::collection::vec(prop::collection::vec(step(), 0..5), 32),
        mut state in 1u64..,
    ) {
        let mut crowd: Vec<_> = (0..10_000u32)
            .map(|own| Box::pin(member(own, &programs[own as usize % programs.len()]).with_context(tagged(own))))
            .collect();
        while !crowd.is_empty() {
            // xorshift: who is polled next.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let index = usize::try_from(state % crowd.len() as u64).unwrap();
            let done = poll(crowd[index].as_mut()).is_ready();
            prop_assert_eq!(tag(), None);
            // Some are cancelled half-way.
            if done || state % 97 == 0 {
                drop(crowd.swap_remove(index));
                prop_assert_eq!(tag(), None);
            }
        }
    }
}

/// Frames lie near or far: guards of both kinds have to find theirs in both places.
#[test]
#[expect(clippy::mem_forget, reason = "a guard that is never dropped is tried")]
fn contexts_are_found_again_however_deep_they_lie() {
    fn descend(depth: u32, deepest: u32) {
        assert_eq!(tag(), depth.checked_sub(1));
        if depth == deepest {
            return;
        }
        let mut entered = tagged(depth);
        {
            let _entered = entered.enter();
            descend(depth + 1, deepest);
            assert_eq!(tag(), Some(depth));
            // Left above, and taken away with the frame.
            mem::forget(tagged(1000).attach());
        }
        assert_eq!(entered.value(), Some(&Tag(depth)));
        assert_eq!(tag(), depth.checked_sub(1));
        let _scope = tagged(depth).attach();
        if depth.is_multiple_of(7) {
            descend(depth + 1, deepest);
        }
        assert_eq!(tag(), Some(depth));
    }
    descend(0, 40);
    assert_eq!(tag(), None);
}

#[test]
fn scopes_dropped_from_below_end_near_and_far() {
    let mut scopes: VecDeque<Scope> = (0..40).map(|depth| tagged(depth).attach()).collect();
    while scopes.pop_front().is_some() {
        // Those above count until the last of them is gone.
        assert_eq!(tag(), (!scopes.is_empty()).then_some(39));
    }
    assert_eq!(tag(), None);
}

#[test]
fn owners_detach_in_any_order_and_however_deep_they_lie() {
    let owner = |number| Owner::new(1, number);
    for deepest in [3, 40] {
        for reversed in [false, true] {
            for number in 0..deepest {
                tagged(number).attach_as(owner(number.into()));
                assert_eq!(tag(), Some(number));
            }
            let mut numbers: Vec<u32> = (0..deepest).collect();
            if reversed {
                numbers.reverse();
            }
            assert_eq!(Owner::last_of(1), Some(owner(u64::from(deepest) - 1)));
            assert_eq!(Owner::last_of(2), None);
            for number in numbers {
                assert!(owner(number.into()).is_attached());
                assert!(owner(number.into()).detach());
                assert!(!owner(number.into()).is_attached());
                assert!(!owner(number.into()).detach());
                let rest = (!reversed)
                    .then_some(deepest - 1)
                    .or_else(|| number.checked_sub(1));
                let is_last = !reversed && number == deepest - 1;
                assert_eq!(tag(), rest.filter(|_| !is_last));
            }
            assert_eq!(tag(), None);
        }
    }
}

#[test]
fn a_moment_lasts_until_something_becomes_current_or_ends() {
    let [watcher, other] = [1, 2].map(|number| Watcher::new(number).unwrap());
    let owner = Owner::new(1, 1);
    let mut entered = tagged(1);
    let changes: [&mut dyn FnMut(); 7] = [
        &mut || leak(tagged(1).attach()),
        &mut || tagged(1).attach_as(owner),
        &mut || assert!(owner.detach()),
        &mut || drop(entered.enter()),
        &mut || tagged(1).scope(|| leak(tagged(2).attach())),
        &mut || (0..40).for_each(|depth| tagged(depth).attach_as(owner)),
        &mut || assert!(owner.detach()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let moment = watcher.now();
        assert!(watcher.is_now(moment));
        assert!(!other.is_now(moment), "who has not seen it");
        assert!(!watcher.is_now(Moment::NEVER));
        let _ = (tag(), Context::current());
        assert!(watcher.is_now(moment), "looking changes nothing");
        change();
        assert!(!watcher.is_now(moment), "change {number}");
    }
    assert_eq!(Watcher::new(0), None);
    assert_eq!(Watcher::new(65_536), None);
}

#[test]
fn an_owner_who_attached_twice_detaches_the_upper_one_first() {
    let owner = Owner::new(1, 1);
    tagged(1).attach_as(owner);
    let scope = tagged(2).attach();
    tagged(3).attach_as(owner);
    assert!(owner.detach());
    assert_eq!(tag(), Some(2));
    assert!(owner.detach());
    assert_eq!(tag(), Some(2));
    drop(scope);
    assert_eq!(tag(), None);
    assert!(!owner.detach());
}

#[test]
fn what_an_owner_detaches_inside_of_another_context_is_gone_with_that() {
    let owner = Owner::new(1, 1);
    tagged(1).attach_as(owner);
    let scope = tagged(2).attach();
    assert!(owner.detach());
    assert_eq!(tag(), Some(2));
    let above = Owner::new(1, 2);
    tagged(3).attach_as(above);
    drop(scope);
    assert!(above.detach());
    assert_eq!(tag(), None);
    tagged(1).attach_as(owner);
    tagged(2).scope(|| assert!(owner.detach()));
    assert_eq!(tag(), None);
}

#[test]
fn what_an_owner_left_attached_is_taken_back_and_a_late_detach_takes_nobody_elses() {
    let owner = Owner::new(1, 1);
    tagged(1).scope(|| tagged(2).attach_as(owner));
    assert_eq!(tag(), None);
    let _scope = tagged(3).attach();
    assert!(!owner.detach());
    assert_eq!(tag(), Some(3));
}

#[test]
fn owners_who_never_detach_hold_a_bounded_number_of_contexts() {
    thread::spawn(|| {
        for number in 0..10_000 {
            tagged(number).attach_as(Owner::new(1, number.into()));
        }
        assert_eq!(tag(), Some(4095));
        assert!(!Owner::new(1, 4096).detach());
        assert!(Owner::new(1, 4095).detach());
        assert_eq!(tag(), Some(4094));
    })
    .join()
    .unwrap();
}
