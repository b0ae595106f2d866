use std::any::Any;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::Work;

/// A batch of messages as futures that wait for other threads now and then. Measured is each round of polling those that were woken, and not the wait
/// for the next.
pub(super) struct Awaited<F> {
    handle: F,
    feed: Box<dyn FnMut()>,
    enter: Box<dyn Fn() -> Box<dyn Any>>,
    entered: Option<Box<dyn Any>>,
    /// One for each future of a batch.
    wakers: Vec<Arc<Woken>>,
    under_way: Vec<UnderWay>,
    are_begun: bool,
    /// The clients' own thread.
    _runtime: Runtime,
}

struct UnderWay {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

/// Whether a future wants to be polled, and the thread that does it.
struct Woken(AtomicBool, Thread);

/// No broker in this process takes so long, under valgrind neither.
const LIMIT: Duration = Duration::from_secs(60);

impl<F, M> Awaited<F>
where
    F: Fn() -> M,
    M: Future<Output = ()> + 'static,
{
    /// `handle` makes one of the `count` futures of a batch.
    pub(super) fn new(runtime: Runtime, count: usize, handle: F) -> Self {
        let woken = || Arc::new(Woken(AtomicBool::new(true), thread::current()));
        Self {
            handle,
            feed: Box::new(|| {}),
            enter: Box::new(|| Box::new(())),
            entered: None,
            wakers: (0..count).map(|_| woken()).collect(),
            under_way: Vec::with_capacity(count),
            are_begun: false,
            _runtime: runtime,
        }
    }

    /// What happens before each batch: the messages to be consumed are sent.
    pub(super) fn after(mut self, feed: impl FnMut() + 'static) -> Self {
        self.feed = Box::new(feed);
        self
    }

    /// What `enter` returns is held around a batch.
    pub(super) fn within<G: 'static>(mut self, enter: impl Fn() -> G + 'static) -> Self {
        self.enter = Box::new(move || Box::new(enter()));
        self
    }
}

impl<F, M> Work for Awaited<F>
where
    F: Fn() -> M,
    M: Future<Output = ()> + 'static,
{
    fn prepare(&mut self) {
        (self.feed)();
        self.entered = Some((self.enter)());
        self.are_begun = false;
    }

    fn run(&mut self) {
        if !mem::replace(&mut self.are_begun, true) {
            for waker in &self.wakers {
                waker.0.store(true, Ordering::Release);
                self.under_way.push(UnderWay {
                    future: Box::pin((self.handle)()),
                    woken: Arc::clone(waker),
                });
            }
        }
        self.under_way.retain_mut(|message| {
            if !message.woken.0.swap(false, Ordering::AcqRel) {
                return true;
            }
            let waker = Waker::from(Arc::clone(&message.woken));
            let mut cx = Context::from_waker(&waker);
            message.future.as_mut().poll(&mut cx).is_pending()
        });
    }

    fn wait(&mut self) -> bool {
        if self.under_way.is_empty() {
            return false;
        }
        let is_woken = |message: &UnderWay| message.woken.0.load(Ordering::Acquire);
        while !self.under_way.iter().any(is_woken) {
            // Who wakes one in between has left a token.
            thread::park_timeout(LIMIT);
        }
        true
    }

    fn settle(&mut self) {
        self.entered = None;
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
        self.1.unpark();
    }
}

/// A thread for the clients, and nothing else.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}
