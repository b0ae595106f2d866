//! Which spans that do not record were made last on a thread: most are entered where they were made, in the context that is current there, and then
//! there is nothing to do; and the next one mostly carries what the one before has carried.
//!
//! It rests on what a [`Registry`](tracing_subscriber::Registry) promises about its numbers: a thread that makes spans has numbers of its own, and thousands
//! of others come before one comes again. Over other subscribers nothing is remembered.

use std::cell::Cell;

use tracing::span::Id;
use tracing_core_ctx::Context;
use tracing_core_ctx::context::{Identity, Moment, Watcher};

use super::open::{NEVER_SEATED, OpenSpans};

/// So many open ones are remembered; those with the same last bits push each other out.
const SPANS: usize = 8;

thread_local! {
    static MADE: Made = const {
        Made {
            open: [const { Cell::new(0) }; SPANS],
            seated: [const { Cell::new(NEVER_SEATED) }; SPANS],
            layer: [const { Cell::new(0) }; SPANS],
            moment: [const { Cell::new(Moment::NEVER) }; SPANS],
            context: [const { Cell::new(Identity::EMPTY) }; SPANS],
            attached: Cell::new(0),
        }
    };
}

/// What a thread remembers. It has nothing to drop, so it is there without asking.
struct Made {
    /// Open, and nothing is attached for it here. Zero of none.
    open: [Cell<u64>; SPANS],
    /// The same if it has a [seat](OpenSpans), which the next one takes over when it is closed; else [`NEVER_SEATED`].
    seated: [Cell<u64>; SPANS],
    /// The layer that made it.
    layer: [Cell<u64>; SPANS],
    /// As long as it lasts, the context of the span is current.
    moment: [Cell<Moment>; SPANS],
    context: [Cell<Identity>; SPANS],
    /// How many entries of any layer have attached something that no exit has taken away yet.
    attached: Cell<usize>,
}

/// What threads remember of the spans of one layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct MadeBy {
    layer: u64,
    watcher: Watcher,
}

impl MadeBy {
    /// A layer of which nothing is remembered.
    pub(super) const STRANGER: Self = Self {
        layer: 0,
        watcher: Watcher::NOBODY,
    };

    /// The layer with this number, from 1. `None` if numbers have run out.
    pub(super) fn layer(layer: u64) -> Option<Self> {
        let watcher = Watcher::new(layer)?;
        Some(Self { layer, watcher })
    }

    /// Remembers a span that was made here in the current context, which is kept as long as the span is open. One that
    /// [sits](OpenSpans::insert) may be closed where it was made.
    pub(super) fn remember(self, id: &Id, context: &Context, sits: bool) {
        if self.layer == Self::STRANGER.layer {
            return;
        }
        let id = id.into_u64();
        // What the application put there must not outlive the span.
        let is_kept = sits && !context.has_values();
        MADE.with(|made| {
            let slot = slot(id);
            made.open[slot].set(id);
            made.seated[slot].set(if is_kept { id } else { NEVER_SEATED });
            made.layer[slot].set(self.layer);
            made.moment[slot].set(self.watcher.now());
            made.context[slot].set(context.identity());
        });
    }

    /// Whether a new span carries what the one before on this thread has carried: then all is done.
    #[inline]
    pub(super) fn makes_again(self, id: &Id, spans: &OpenSpans) -> bool {
        MADE.with(|made| {
            let slot = slot(id.into_u64());
            let is_again = made.open[slot].get() == 0
                && self.watcher.is_now(made.moment[slot].get())
                && spans.sit_again(made.seated[slot].get(), id);
            if is_again {
                made.open[slot].set(id.into_u64());
                made.seated[slot].set(id.into_u64());
            }
            is_again
        })
    }

    /// Whether the context of a span has been the current one since it was made here.
    #[inline]
    pub(super) fn is_in_place(self, id: &Id) -> bool {
        MADE.with(|made| {
            let slot = slot(id.into_u64());
            made.open[slot].get() == id.into_u64() && self.watcher.is_now(made.moment[slot].get())
        })
    }

    /// Whether it is the current one again.
    pub(super) fn is_again_in_place(self, id: &Id) -> bool {
        MADE.with(|made| {
            let slot = slot(id.into_u64());
            let is_in_place =
                self.remembers(made, slot, id) && made.context[slot].get().is_current();
            if is_in_place {
                made.moment[slot].set(self.watcher.now());
            }
            is_in_place
        })
    }

    /// Whether a span was made here, and nothing is attached for it.
    #[inline]
    pub(super) fn has_nothing_attached(self, id: &Id) -> bool {
        MADE.with(|made| self.remembers(made, slot(id.into_u64()), id))
    }

    /// Closes a span if all that takes is known here.
    #[inline]
    pub(super) fn closes(self, id: &Id, spans: &OpenSpans) -> bool {
        MADE.with(|made| {
            let slot = slot(id.into_u64());
            if !self.remembers(made, slot, id) {
                return false;
            }
            made.open[slot].set(0);
            let is_kept = made.seated[slot].get() == id.into_u64();
            if is_kept {
                spans.leave_seat(id);
            }
            is_kept
        })
    }

    /// Forgets a span for which something is about to be attached.
    #[cold]
    pub(super) fn forget(id: &Id) {
        MADE.with(|made| {
            let slot = slot(id.into_u64());
            made.open[slot].set(0);
            // It is still open, so its seat is not for the next one.
            made.seated[slot].set(NEVER_SEATED);
        });
    }

    #[inline]
    fn remembers(self, made: &Made, slot: usize, id: &Id) -> bool {
        made.open[slot].get() == id.into_u64() && made.layer[slot].get() == self.layer
    }
}

/// Whether something may be attached here for a span of any layer.
#[inline]
pub(super) fn is_any_attached() -> bool {
    MADE.with(|made| made.attached.get() != 0)
}

/// Something has been attached.
#[inline]
pub(super) fn attached() {
    MADE.with(|made| made.attached.set(made.attached.get() + 1));
}

/// It is no more.
#[inline]
pub(super) fn detached() {
    MADE.with(|made| made.attached.set(made.attached.get().saturating_sub(1)));
}

#[inline]
const fn slot(id: u64) -> usize {
    let [low, ..] = id.to_le_bytes();
    low as usize % SPANS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::open::Open;

    /// A span that a layer makes in the current context.
    fn make(layer: MadeBy, spans: &OpenSpans, id: &Id) {
        if !layer.makes_again(id, spans) {
            let context = Context::current();
            let sits = spans.insert(id, Open::Passing(context.clone()));
            layer.remember(id, &context, sits);
        }
    }

    /// Whether the context of a span is the current one, as the table has it.
    fn is_known(spans: &OpenSpans, id: &Id) -> bool {
        let context = spans.context(id);
        context.is_some_and(|context| context.identity().is_current())
    }

    /// All of one place, and remembered where the first one is.
    fn ids() -> [Id; 3] {
        [1, 1 + (1 << 20), 1 + (2 << 20)].map(Id::from_u64)
    }

    #[test]
    fn what_a_span_carried_goes_to_the_next_one_as_long_as_nothing_else_is_current() {
        let (layer, spans) = (MadeBy::layer(1).unwrap(), OpenSpans::new());
        let [first, second, third] = ids();
        make(layer, &spans, &first);
        assert!(layer.is_in_place(&first));
        assert!(layer.closes(&first, &spans));
        assert!(!layer.is_in_place(&first) && !layer.closes(&first, &spans));
        assert!(layer.makes_again(&second, &spans));
        assert!(layer.is_in_place(&second) && is_known(&spans, &second));
        assert!(layer.closes(&second, &spans));
        Context::new().suppressed().scope(|| {
            assert!(!layer.makes_again(&third, &spans));
            make(layer, &spans, &third);
            assert!(is_known(&spans, &third));
        });
        assert!(!layer.is_in_place(&third) && !layer.is_again_in_place(&third));
    }

    #[test]
    fn while_a_span_is_open_its_seat_is_not_for_the_next_one() {
        let (layer, spans) = (MadeBy::layer(1).unwrap(), OpenSpans::new());
        let [first, second, third] = ids();
        make(layer, &spans, &first);
        assert!(!layer.makes_again(&second, &spans));
        // Something is attached for it.
        MadeBy::forget(&first);
        assert!(!layer.has_nothing_attached(&first));
        assert!(!layer.makes_again(&third, &spans));
        assert!(!layer.closes(&first, &spans));
        assert!(is_known(&spans, &first));
    }

    #[test]
    fn values_of_the_application_are_not_left_on_a_seat() {
        let (layer, spans) = (MadeBy::layer(1).unwrap(), OpenSpans::new());
        let [first, second, _] = ids();
        Context::new().with_value(7u8).scope(|| {
            make(layer, &spans, &first);
            assert!(layer.is_in_place(&first));
            assert!(
                !layer.closes(&first, &spans),
                "the table has to let go of it"
            );
            assert!(spans.remove(&first).is_some());
            assert!(!layer.makes_again(&second, &spans));
        });
    }

    #[test]
    fn layers_do_not_take_each_others_spans_for_their_own_and_of_a_stranger_nothing_is_remembered()
    {
        let [one, other] = [1, 2].map(|number| MadeBy::layer(number).unwrap());
        let (spans, others) = (OpenSpans::new(), OpenSpans::new());
        let [first, second, _] = ids();
        make(one, &spans, &first);
        assert!(!other.is_in_place(&first) && !other.has_nothing_attached(&first));
        assert!(!other.closes(&first, &others));
        assert!(one.closes(&first, &spans));
        assert!(!other.makes_again(&second, &others));
        make(MadeBy::STRANGER, &others, &second);
        assert!(!MadeBy::STRANGER.is_in_place(&second));
        assert!(!MadeBy::STRANGER.closes(&second, &others));
        assert!(one.makes_again(&second, &spans));
        assert!(MadeBy::layer(0).is_none() && MadeBy::layer(65_536).is_none());
    }
}
