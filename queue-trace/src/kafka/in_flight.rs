use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::Context;

use crate::under_way::UnderWay;

/// Spans of records whose delivery is not reported yet. What is left when the producer is gone ends with it, as cancelled: a producer that is dropped
/// waits for half a second, and then forgets what it knows of its records.
///
/// There are never more than librdkafka's queue takes (`queue.buffering.max.messages`), which refuses the next one.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<Places>>);

/// Places are used again.
#[derive(Default)]
struct Places {
    taken: Vec<Place>,
    first_free: Option<usize>,
}

enum Place {
    /// The span, and in what it was started: the delivery is reported on another thread.
    Of(UnderWay, Context),
    Free {
        next: Option<usize>,
    },
}

/// The right to end a span, which the opaque value of a record carries.
pub(super) enum Ticket {
    /// Where the span is kept.
    At(usize),
    /// A span that records nothing is kept nowhere.
    Of(UnderWay, Context),
}

impl InFlight {
    pub(super) fn keep(&self, sending: UnderWay, around: Context) -> Ticket {
        if !sending.is_wanted() {
            return Ticket::Of(sending, around);
        }
        let mut places = self.lock();
        let Some(at) = places.first_free else {
            places.taken.push(Place::Of(sending, around));
            return Ticket::At(places.taken.len() - 1);
        };
        match places.taken.get_mut(at) {
            Some(place) => {
                let before = mem::replace(place, Place::Of(sending, around));
                places.first_free = match before {
                    Place::Free { next } => next,
                    // Not so: only free places are listed.
                    Place::Of(..) => None,
                };
                Ticket::At(at)
            }
            None => Ticket::Of(sending, around),
        }
    }

    /// The span again. None if it is gone with its producer.
    pub(super) fn take(&self, ticket: Ticket) -> Option<(UnderWay, Context)> {
        let at = match ticket {
            Ticket::Of(sending, around) => return Some((sending, around)),
            Ticket::At(at) => at,
        };
        let mut places = self.lock();
        let next = places.first_free;
        let place = places.taken.get_mut(at)?;
        match mem::replace(place, Place::Free { next }) {
            Place::Of(sending, around) => {
                places.first_free = Some(at);
                Some((sending, around))
            }
            free @ Place::Free { .. } => {
                *place = free;
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tracing_core_ctx::Tracer;

    use super::*;
    use crate::observe::Watch;

    fn sending(tracer: &Tracer) -> UnderWay {
        UnderWay::new(tracer.span("send").root().start(), Watch::default())
    }

    proptest! {
        #[test]
        fn each_span_comes_back_once_and_places_are_used_again(turns in proptest::collection::vec(any::<u8>(), 0..200)) {
            let recorder = trace_testkit::SpanRecorder::new();
            let tracer = recorder.tracer("shop");
            let in_flight = InFlight::default();
            let mut tickets = Vec::new();
            let (mut most, mut started) = (0, 0);
            for turn in turns {
                if turn % 2 == 0 || tickets.is_empty() {
                    let sending = sending(&tracer);
                    let id = sending.span().span_context().map(|span| span.span_id());
                    tickets.push((in_flight.keep(sending, Context::new()), id));
                    started += 1;
                    most = most.max(tickets.len());
                } else {
                    let (ticket, id) = tickets.swap_remove(usize::from(turn) % tickets.len());
                    let (sending, _) = in_flight.take(ticket).unwrap();
                    prop_assert_eq!(sending.span().span_context().map(|span| span.span_id()), id);
                }
                prop_assert_eq!(recorder.open(), tickets.len() as u64);
            }
            prop_assert_eq!(in_flight.lock().taken.len(), most);
            drop(in_flight);
            prop_assert_eq!(recorder.open(), 0);
            prop_assert_eq!(recorder.take().len(), started);
        }
    }

    #[test]
    fn what_records_nothing_takes_no_place() {
        let in_flight = InFlight::default();
        let ticket = in_flight.keep(sending(&Tracer::noop()), Context::new());
        assert!(matches!(ticket, Ticket::Of(..)));
        assert!(in_flight.lock().taken.is_empty());
    }
}
