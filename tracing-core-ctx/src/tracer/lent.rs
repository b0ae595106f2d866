//! The tracers that spans hold.
//!
//! A span that records has its tracer for as long as somebody has the span. To count that in the tracer is two exchanges between processors for each
//! span, on one word that the threads of all requests want: two threads would record less together than one by itself. So a thread keeps what
//! its spans give back, and lends it to the next ones:
//!
//! ```text
//!   span starts  <-  kept by this thread, else counted up
//!   span is gone  -> kept by this thread, where there is room, else counted down
//! ```
//!
//! What a thread keeps holds the tracer like any other clone: until the thread ends, or keeps those of another tracer. If it sees that nobody else is
//! left who has this one, it gives up what it kept; so a tracer that is used by one thread goes with the last of its owners.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use super::{Inner, Tracer};
use crate::InstrumentationScope;

thread_local! {
    static KEPT: Kept = const { Kept::new() };
}

/// Clones of one tracer.
struct Kept {
    /// How many there are, from the first place on.
    count: Cell<usize>,
    /// Of which tracer; only compared. Its memory is nobody else's while there is a clone.
    of: Cell<*const Inner>,
    places: [Cell<Option<Tracer>>; PLACES],
}

/// As many spans as a thread mostly has open.
const PLACES: usize = 32;

impl Tracer {
    /// For a span, which [gives it back](Self::give_back).
    #[inline]
    pub(crate) fn lend(&self, scope: &'static InstrumentationScope) -> Self {
        match KEPT.try_with(|kept| kept.take(&self.inner)) {
            Ok(Some(mut lent)) => {
                lent.scope = scope;
                lent
            }
            // A thread that is being torn down keeps nothing.
            Ok(None) | Err(_) => self.with_scope(scope),
        }
    }

    /// From a span that is gone.
    #[inline]
    pub(crate) fn give_back(self) {
        let _ended = KEPT.try_with(|kept| kept.give(self));
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ended = KEPT.try_with(|kept| kept.see_off(&self.inner));
    }
}

impl Kept {
    const fn new() -> Self {
        Self {
            count: Cell::new(0),
            of: Cell::new(ptr::null()),
            places: [const { Cell::new(None) }; PLACES],
        }
    }

    #[inline]
    fn take(&self, inner: &Arc<Inner>) -> Option<Tracer> {
        if self.of.get() == Arc::as_ptr(inner) {
            self.pop()
        } else {
            None
        }
    }

    #[inline]
    fn pop(&self) -> Option<Tracer> {
        let last = self.count.get().checked_sub(1)?;
        self.count.set(last);
        self.places.get(last)?.take()
    }

    #[inline]
    fn give(&self, tracer: Tracer) {
        let of = Arc::as_ptr(&tracer.inner);
        if self.of.get() != of {
            self.give_up();
            self.of.set(of);
        }
        let (count, owners) = (self.count.get(), Arc::strong_count(&tracer.inner));
        if let Some(place) = self.places.get(count) {
            place.set(Some(tracer));
            self.count.set(count + 1);
            if owners == count + 1 {
                self.give_up();
            }
        }
    }

    /// A clone goes that was not lent, or for which there is no room.
    fn see_off(&self, inner: &Arc<Inner>) {
        let count = self.count.get();
        if count > 0 && self.of.get() == Arc::as_ptr(inner) && Arc::strong_count(inner) == count + 1
        {
            self.give_up();
        }
    }

    /// With the last clone goes what the tracer is made of: foreign code, which may start spans and end some.
    #[cold]
    #[inline(never)]
    fn give_up(&self) {
        self.of.set(ptr::null());
        while let Some(kept) = self.pop() {
            drop(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
    use std::thread;

    use super::*;
    use crate::{Span, SpanRecord, SpanSink};

    /// Tells when it is dropped, by hanging up.
    #[derive(Debug)]
    struct Sink(#[expect(dead_code, reason = "for its drop")] Sender<()>);

    impl SpanSink for Sink {
        fn submit(&self, _: SpanRecord) {}
    }

    fn tracer() -> (Tracer, Receiver<()>) {
        let (sink, told) = mpsc::channel();
        (Tracer::builder().sink(Sink(sink)).build(), told)
    }

    fn is_gone(told: &Receiver<()>) -> bool {
        told.try_recv() == Err(TryRecvError::Disconnected)
    }

    fn record(tracer: &Tracer, spans: usize) {
        let spans: Vec<_> = (0..spans)
            .map(|_| tracer.span("a").root().start())
            .collect();
        assert!(spans.iter().all(|span| span.is_recording()));
    }

    #[test]
    fn a_sink_goes_with_the_last_owner_of_its_tracer() {
        for spans in [0, 1, PLACES, 3 * PLACES] {
            let (tracer, told) = tracer();
            let another = tracer.clone();
            record(&tracer, spans);
            drop(tracer);
            assert!(!is_gone(&told));
            drop(another);
            assert!(is_gone(&told), "{spans}");
        }
    }

    #[test]
    fn a_sink_stays_for_a_span_that_is_open() {
        let (tracer, told) = tracer();
        record(&tracer, 3);
        let span = tracer.span("a").root().start();
        drop(tracer);
        let child = span.in_scope(|| Span::child("b"));
        assert!(child.is_recording());
        drop(span);
        assert!(!is_gone(&told));
        drop(child);
        assert!(is_gone(&told));
    }

    #[test]
    fn a_thread_that_has_ended_or_went_over_to_another_tracer_keeps_none() {
        let (one, told_of_one) = tracer();
        let (other, told_of_other) = tracer();
        let (went_over, has_gone_over) = mpsc::channel::<()>();
        let (go, may_go) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            record(&one, 3);
            drop(one);
            record(&other, 3);
            drop(went_over);
            assert!(may_go.recv().is_err());
        });
        assert!(has_gone_over.recv().is_err());
        assert!(is_gone(&told_of_one));
        drop(go);
        thread.join().unwrap();
        assert!(is_gone(&told_of_other));
    }

    #[test]
    fn spans_have_the_tracer_that_made_them_whichever_is_kept() {
        static LIBRARY: InstrumentationScope = InstrumentationScope::new("library", "1");
        let [(one, _told), (other, _told_too)] = [tracer(), tracer()];
        let library = one.with_scope(&LIBRARY);
        for made_by in [&one, &library, &other, &other, &one, &other, &library] {
            let span = made_by.span("a").root().start();
            let lent = span.live().unwrap().tracer();
            assert!(Arc::ptr_eq(&lent.inner, &made_by.inner));
            assert_eq!(lent.scope().name, made_by.scope().name);
        }
    }
}
