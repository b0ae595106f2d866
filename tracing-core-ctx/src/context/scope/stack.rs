//! The frames that contexts lie in while they are current.

use std::cell::{Cell, RefCell};
use std::mem;

use super::super::{Context, Owner};

thread_local! {
    /// Beside the frames, since it has nothing to drop: then it is there without asking.
    pub(super) static TOP: Top = const {
        Top {
            depth: Cell::new(0),
            next: Cell::new(Frame::FIRST),
        }
    };
    pub(super) static STACK: Stack = const {
        Stack {
            near: [const { Frame::new() }; NEAR],
            far: RefCell::new(Vec::new()),
        }
    };
}

/// Frames that lie on the thread itself. Deeper than that is hardly anybody.
const NEAR: usize = 16;

/// Below this many frames an owner gets one.
const DEEPEST: usize = 4096;

/// Frames stay when they end, with the empty context, for the next ones to move in: contexts come and go in every poll.
///
/// Cells, each for itself: to move a context in takes two words, and nothing that is borrowed has to be counted.
pub(super) struct Stack {
    pub(super) near: [Frame; NEAR],
    far: RefCell<Vec<Frame>>,
}

/// How far the frames reach.
pub(super) struct Top {
    /// How many frames are in use.
    pub(super) depth: Cell<usize>,
    /// The number of the next frame: another one after each change of what is current.
    pub(super) next: Cell<u64>,
}

impl Top {
    /// The next frame is taken.
    #[inline]
    pub(super) fn rise(&self) {
        self.depth.set(self.depth.get() + 1);
        self.next.set(self.next.get() + Frame::STEP);
    }

    /// Ends all frames from `depth` on.
    #[inline]
    pub(super) fn fall(&self, depth: usize) {
        self.depth.set(depth);
        self.next.set(self.next.get() + Frame::STEP);
    }
}

/// How many frames are in use here.
#[inline]
pub(super) fn depth() -> usize {
    TOP.with(|top| top.depth.get())
}

pub(super) struct Frame {
    /// Multiples of eight. The lowest bit says that its guard was dropped while frames above it were still in use, the next one that it has an
    /// owner in place of a guard, and the third that the frame below has ended and waits for this one.
    pub(super) number: Cell<u64>,
    pub(super) context: Cell<Context>,
    /// Only where the number says so.
    pub(super) owner: Cell<Owner>,
}

/// Where a guard's frame stands. `depth` is a position, `number` proves that the frame there is still the same.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    pub(super) depth: usize,
    pub(super) number: u64,
}

impl Ticket {
    /// Of no frame: numbers begin with [`Frame::FIRST`].
    pub(super) const NONE: Self = Self {
        depth: 0,
        number: 0,
    };

    /// Of the frame that comes next.
    #[inline]
    pub(super) fn next() -> Self {
        TOP.with(|top| Self {
            depth: top.depth.get(),
            number: top.next.get(),
        })
    }

    /// The same with an owner in place of a guard.
    #[inline]
    pub(super) const fn owned(self) -> Self {
        Self {
            depth: self.depth,
            number: self.number | Frame::OWNED,
        }
    }
}

impl Frame {
    pub(super) const FIRST: u64 = Self::STEP;
    pub(super) const STEP: u64 = 8;
    pub(super) const DONE: u64 = 1;
    pub(super) const OWNED: u64 = 2;
    pub(super) const AWAITED: u64 = 4;

    pub(super) const fn new() -> Self {
        Self {
            number: Cell::new(0),
            context: Cell::new(Context::new()),
            owner: Cell::new(Owner::NOBODY),
        }
    }

    /// Whether it is the frame of an owner, and counts.
    #[inline]
    pub(super) fn is_of(&self, owner: Owner) -> bool {
        self.is_owned() && self.owner.get() == owner
    }

    #[inline]
    pub(super) fn is_owned(&self) -> bool {
        self.number.get() & (Self::OWNED | Self::DONE) == Self::OWNED
    }

    pub(super) fn mark(&self, bit: u64) {
        self.number.set(self.number.get() | bit);
    }

    /// Whether the frame below waits for it to go.
    #[inline]
    pub(super) fn is_awaited(&self) -> bool {
        self.number.get() & Self::AWAITED != 0
    }

    #[inline]
    pub(super) fn swap(&self, context: &mut Context) {
        *context = self.context.replace(mem::take(context));
    }
}

impl Stack {
    /// Shows the frame at a position to `look`; `None` if there is none.
    #[inline]
    pub(super) fn at<R>(&self, depth: usize, look: impl FnOnce(&Frame) -> R) -> Option<R> {
        match self.near.get(depth) {
            Some(frame) => Some(look(frame)),
            None => self.far_at(depth, look),
        }
    }

    #[cold]
    pub(super) fn far_at<R>(&self, depth: usize, look: impl FnOnce(&Frame) -> R) -> Option<R> {
        self.far.try_borrow().ok()?.get(depth - NEAR).map(look)
    }

    /// Moves a context in beyond what lies near; says whether it did.
    #[cold]
    pub(super) fn push_far(
        &self,
        ticket: Ticket,
        context: &mut Context,
        owner: Option<Owner>,
    ) -> bool {
        if owner.is_some() && ticket.depth >= DEEPEST {
            return false;
        }
        let Ok(mut far) = self.far.try_borrow_mut() else {
            return false;
        };
        let position = ticket.depth - NEAR;
        if far.len() <= position {
            far.push(Frame::new());
        }
        let Some(frame) = far.get(position) else {
            return false;
        };
        frame.number.set(ticket.number);
        frame.owner.set(owner.unwrap_or(Owner::NOBODY));
        frame.swap(context);
        true
    }

    /// The uppermost frame whose owner is wanted.
    pub(super) fn find(&self, is_wanted: impl Fn(Owner) -> bool) -> Option<(Ticket, Owner)> {
        (0..depth()).rev().find_map(|depth| {
            self.at(depth, |frame| {
                let owner = frame.owner.get();
                let ticket = Ticket {
                    depth,
                    number: frame.number.get(),
                };
                (frame.is_owned() && is_wanted(owner)).then_some((ticket, owner))
            })?
        })
    }

    /// Shows the frame of a guard to `look`, if it is still there.
    pub(super) fn frame(&self, ticket: Ticket, look: impl FnOnce(&Frame)) -> Option<()> {
        if ticket.depth >= depth() {
            return None;
        }
        self.at(ticket.depth, |frame| {
            let differs = (frame.number.get() ^ ticket.number) & !(Frame::DONE | Frame::AWAITED);
            (differs == 0).then(|| look(frame))
        })?
    }

    pub(super) fn pop_if_done(&self) -> Option<Context> {
        let top = depth().checked_sub(1)?;
        let context = self.at(top, |frame| {
            (frame.number.get() & Frame::DONE != 0).then(|| frame.context.take())
        })??;
        TOP.with(|tops| tops.fall(top));
        Some(context)
    }

    /// Ends the frames that waited for those above them.
    pub(super) fn pop_all_done(&self, left: &mut Vec<Context>) {
        while let Some(context) = self.pop_if_done() {
            left.push(context);
        }
    }

    pub(super) fn take(&self, start: usize, end: usize) -> Vec<Context> {
        (start..end)
            .filter_map(|depth| self.at(depth, |frame| frame.context.take()))
            .collect()
    }
}

pub(super) fn with_stack<R>(change: impl FnOnce(&Stack) -> Option<R>) -> Option<R> {
    STACK.try_with(change).ok().flatten()
}
