//! Who is current: entering and leaving in every order, on every thread.

use std::pin::pin;
use std::sync::mpsc;

use trace_testkit::SpanRecorder;
use tracing::{Dispatch, Instrument as _, info_span};
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::{Context, Span, SpanId};

use crate::support::{dispatch, pause, poll_once, with_default};

fn current() -> Option<SpanId> {
    Context::current().span_context().map(|span| span.span_id())
}

#[test]
fn leaving_in_another_order_leaves_the_right_one_current() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let (first, second) = (info_span!("first"), info_span!("second"));
        let in_first = first.enter();
        let id = current();
        let in_second = second.enter();
        assert_ne!(current(), id);
        let inner = current();
        drop(in_first);
        assert_eq!(current(), inner);
        drop(in_second);
        assert_eq!(current(), None);
    });
    recorder.ignore();
}

#[test]
fn a_span_entered_on_two_threads_is_current_on_both() {
    let recorder = SpanRecorder::new();
    let tracer = recorder.tracer("shop");
    let dispatch = dispatch(trace_bridge::TracingLayer::new(tracer));
    tracing::dispatcher::with_default(&dispatch, || {
        let job = info_span!("job");
        let _here = job.enter();
        let (job, id) = (job.clone(), current());
        let left = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&Dispatch::default(), || {
                job.in_scope(|| assert_eq!(current(), id));
                current()
            })
        });
        assert_eq!(left.join().unwrap(), None);
        assert_eq!(current(), id);
    });
    assert_eq!(recorder.take_one().name(), "job");
}

#[test]
fn a_span_entered_twice_is_current_until_it_is_left_twice() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let job = info_span!("job");
        let outer = job.enter();
        let id = current();
        let inner = job.enter();
        drop(outer);
        assert_eq!(current(), id);
        drop(inner);
        assert_eq!(current(), None);
    });
    assert_eq!(recorder.take_one().name(), "job");
}

#[test]
fn a_guard_held_across_an_await_does_not_leak_into_other_tasks() {
    let recorder = SpanRecorder::new();
    with_default(&recorder, |_| {
        let wrong = async {
            let job = info_span!("job");
            let _entered = job.enter();
            pause().await;
        };
        let mut task = pin!(wrong.with_context(Context::new()));
        assert!(poll_once(task.as_mut()).is_pending());
        // The guard is still there. What it made current was taken back when the poll ended.
        assert_eq!(current(), None);
        assert!(poll_once(task.as_mut()).is_ready());
        assert_eq!(current(), None);
    });
    recorder.ignore();
}

#[test]
fn a_span_left_on_another_thread_than_it_was_entered_on_hurts_nobody() {
    let recorder = SpanRecorder::new();
    let dispatch = dispatch(trace_bridge::TracingLayer::new(recorder.tracer("shop")));
    tracing::dispatcher::with_default(&dispatch, || {
        let job = info_span!("job");
        let id = job.id().unwrap();
        dispatch.enter(&id);
        let (there, other) = (dispatch.clone(), id.clone());
        std::thread::spawn(move || there.exit(&other))
            .join()
            .unwrap();
        dispatch.exit(&id);
        assert_eq!(current(), None);
    });
    assert_eq!(recorder.take_one().name(), "job");
}

#[test]
fn subscribers_that_take_turns_on_a_thread_do_not_mix_their_spans() {
    let recorder = SpanRecorder::new();
    let [one, two] = ["one", "two"]
        .map(|service| dispatch(trace_bridge::TracingLayer::new(recorder.tracer(service))));
    tracing::dispatcher::with_default(&one, || {
        let outer = info_span!("outer").entered();
        let id = current();
        tracing::dispatcher::with_default(&two, || {
            // The same number as `outer` has, in another registry.
            let inner = info_span!("inner").entered();
            drop(outer);
            assert_ne!(current(), id);
            assert!(current().is_some());
            drop(inner);
        });
        assert_eq!(current(), None);
    });
    let outer = recorder.take_named("outer");
    assert!(recorder.take_named("inner").is_child_of(&outer));
}

#[test]
fn a_span_goes_along_with_a_task_on_another_thread() {
    let recorder = SpanRecorder::new();
    let dispatch = dispatch(trace_bridge::TracingLayer::new(recorder.tracer("shop")));
    let (sender, receiver) = mpsc::channel::<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>();
    let worker = {
        let dispatch = dispatch.clone();
        std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                // Another request is current on the worker.
                let _busy = info_span!("worker").entered();
                for mut task in receiver {
                    while poll_once(task.as_mut()).is_pending() {}
                }
            });
        })
    };
    tracing::dispatcher::with_default(&dispatch, || {
        let request = info_span!("request");
        request.in_scope(|| {
            let work = async {
                pause().await;
                Span::child("step").end();
            };
            sender.send(Box::pin(work.in_current_span())).unwrap();
        });
    });
    drop(sender);
    worker.join().unwrap();
    let request = recorder.take_named("request");
    assert!(recorder.take_named("step").is_child_of(&request));
    assert_eq!(recorder.take_one().name(), "worker");
}

#[test]
fn a_context_outlives_its_span() {
    let recorder = SpanRecorder::new();
    let context = with_default(&recorder, |_| info_span!("job").in_scope(Context::current));
    let job = recorder.take_one();
    context.scope(|| {
        tracing_core_ctx::SpanRef::current().set("late", true);
        Span::child("after").end();
    });
    assert!(recorder.take_one().is_child_of(&job));
}

/// A request: its span, a step in it, and a task that it leaves to whoever comes by.
async fn request(number: i64, tasks: mpsc::Sender<Task>) {
    let step = async {
        pause().await;
        Span::child("call").in_scope(|| tracing::info!("called"));
    };
    step.instrument(info_span!("step", number)).await;
    let (done, is_done) = mpsc::channel::<()>();
    let task = async move {
        pause().await;
        let _done = done;
        info_span!("late", number).in_scope(|| {});
    };
    tasks.send(Box::pin(task.in_current_span())).unwrap();
    while is_done.try_recv() == Err(mpsc::TryRecvError::Empty) {
        pause().await;
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
fn requests_that_take_turns_on_two_threads_keep_their_spans() {
    const REQUESTS: i64 = 64;

    let recorder = SpanRecorder::new();
    let dispatch = dispatch(trace_bridge::TracingLayer::new(recorder.tracer("shop")));
    let (tasks, queue) = mpsc::channel::<Task>();
    tracing::dispatcher::with_default(&dispatch, || {
        for number in 0..REQUESTS {
            let span = info_span!("request", number);
            let work = request(number, tasks.clone()).instrument(span);
            tasks.send(Box::pin(work)).unwrap();
        }
    });
    drop(tasks);
    let queue = std::sync::Mutex::new(queue);
    let again = std::sync::Mutex::new(std::collections::VecDeque::<Task>::new());
    let work = || {
        tracing::dispatcher::with_default(&dispatch, || {
            loop {
                let new = queue.lock().unwrap().try_recv();
                let waiting = || again.lock().unwrap().pop_front();
                match (new, waiting()) {
                    (Ok(new), Some(waited)) => again.lock().unwrap().extend([new, waited]),
                    (Ok(new), None) => again.lock().unwrap().push_back(new),
                    (Err(_), Some(mut task)) => {
                        if poll_once(task.as_mut()).is_pending() {
                            again.lock().unwrap().push_back(task);
                        }
                        assert_eq!(current(), None);
                    }
                    // All who could send are done.
                    (Err(mpsc::TryRecvError::Disconnected), None) => return,
                    (Err(mpsc::TryRecvError::Empty), None) => std::thread::yield_now(),
                }
            }
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let spans = recorder.take();
    assert_eq!(spans.len(), 4 * 64);
    for request in spans.iter().filter(|span| span.name() == "request") {
        let below = |name: &str| {
            let mut found = spans
                .iter()
                .filter(|span| span.name() == name && span.trace_id() == request.trace_id());
            let span = found.next().unwrap();
            assert!(found.next().is_none(), "{name}");
            span
        };
        for name in ["step", "late"] {
            assert!(below(name).is_child_of(request));
            assert_eq!(below(name).int("number"), request.int("number"));
        }
        assert!(below("call").is_child_of(below("step")));
        assert_eq!(below("call").events().len(), 1);
    }
}
