//! Which context is current on a thread: a stack of frames, the topmost current.
//!
//! Frames carry a number, so that a guard dropped late or in the wrong order takes away its own frame or nothing, never
//! somebody else's. Contexts that are taken off are dropped when the stack is in order again: what they
//! hold may use it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};

use super::{Context, neighbour};

thread_local! {
    static STACK: Stack = const {
        Stack {
            depth: Cell::new(0),
            next: Cell::new(Frame::FIRST),
            near: [const { Frame::new() }; NEAR],
            far: RefCell::new(Vec::new()),
        }
    };
}

/// Frames that lie on the thread itself. Deeper than that is hardly anybody.
const NEAR: usize = 16;

/// Frames stay when they end, with the empty context, for the next ones to move in: contexts come and go in every poll.
///
/// Cells, each for itself: to move a context in takes two words, and nothing that is borrowed has to be counted.
struct Stack {
    /// How many frames are in use.
    depth: Cell<usize>,
    /// The number of the next frame.
    next: Cell<u64>,
    near: [Frame; NEAR],
    far: RefCell<Vec<Frame>>,
}

struct Frame {
    /// Even numbers; the lowest bit says that its guard was dropped while frames above it were still in use.
    number: Cell<u64>,
    context: Cell<Context>,
}

/// Where a guard's frame stands. `depth` is a position, `number` proves that the frame there is still the same.
#[derive(Clone, Copy)]
struct Ticket {
    depth: usize,
    number: u64,
}

impl Ticket {
    /// Of no frame: numbers begin with [`Frame::FIRST`].
    const NONE: Self = Self {
        depth: 0,
        number: 0,
    };
}

/// Keeps a context current; see [`Context::attach`].
///
/// Not `Send`, and not to be held across an `.await`, where it would be current in other tasks: use [`FutureExt::with_context`](super::FutureExt::with_context) there.
pub struct Scope {
    ticket: Ticket,
    // A guard must be dropped on the thread that made it.
    not_send: PhantomData<*const ()>,
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        leave(self.ticket);
        if neighbour::get().is_some() {
            tell_left();
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Keeps a context current that was moved from its owner; see [`Context::enter`].
pub struct Entered<'a> {
    home: &'a mut Context,
    ticket: Ticket,
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        come_home(self.ticket, self.home);
        if neighbour::get().is_some() {
            tell_left();
        }
    }
}

impl fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

/// Shows the current context to `read`; `None` when the thread is being torn down or the stack is in use.
#[inline]
pub(super) fn with_current<R>(read: impl FnOnce(&Context) -> R) -> Option<R> {
    match neighbour::get() {
        None => with_ours(read),
        Some(neighbour) => {
            let ours = with_ours(Context::clone)?;
            Some(read(neighbour.above(&ours).as_ref().unwrap_or(&ours)))
        }
    }
}

/// Whether nothing is current here, and no neighbour can know better.
#[inline]
pub(super) fn is_empty() -> bool {
    STACK
        .try_with(|stack| stack.depth.get() == 0)
        .unwrap_or(true)
        && neighbour::get().is_none()
}

#[inline]
fn with_ours<R>(read: impl FnOnce(&Context) -> R) -> Option<R> {
    STACK
        .try_with(|stack| match stack.depth.get().checked_sub(1) {
            None => Some(read(&Context::new())),
            Some(top) => stack.at(top, |frame| read(&Look::at(frame).context)),
        })
        .ok()
        .flatten()
}

/// Takes the context of a frame out to look at it. It is back in place afterwards, also when who looked panics.
struct Look<'a> {
    frame: &'a Frame,
    context: Context,
}

impl<'a> Look<'a> {
    #[inline]
    fn at(frame: &'a Frame) -> Self {
        let context = frame.context.take();
        Self { frame, context }
    }
}

impl Drop for Look<'_> {
    #[inline]
    fn drop(&mut self) {
        let context = mem::take(&mut self.context);
        // What lay there meanwhile is the empty context, which has nothing to drop.
        let _empty = ManuallyDrop::new(self.frame.context.replace(context));
    }
}

#[inline]
pub(super) fn attach(mut context: Context) -> Scope {
    Scope {
        ticket: push(&mut context),
        not_send: PhantomData,
    }
}

#[inline]
pub(super) fn enter(home: &mut Context) -> Entered<'_> {
    Entered {
        ticket: push(home),
        home,
        not_send: PhantomData,
    }
}

/// Moves the context onto the stack, or leaves it where it is when there is none (the thread is being torn down).
#[inline]
fn push(context: &mut Context) -> Ticket {
    let pushed = STACK.try_with(|stack| {
        let ticket = Ticket {
            depth: stack.depth.get(),
            number: stack.next.get(),
        };
        if let Some(frame) = stack.near.get(ticket.depth) {
            frame.number.set(ticket.number);
            frame.swap(context);
        } else if !stack.push_far(ticket, context) {
            return Ticket::NONE;
        }
        stack.depth.set(ticket.depth + 1);
        stack.next.set(ticket.number + Frame::STEP);
        ticket
    });
    let ticket = pushed.unwrap_or(Ticket::NONE);
    if neighbour::get().is_some() {
        tell_entered(ticket);
    }
    ticket
}

#[cold]
fn tell_entered(ticket: Ticket) {
    if let Some(neighbour) = neighbour::get()
        && ticket.number != Ticket::NONE.number
        && let Some(context) = with_ours(Context::clone)
    {
        neighbour.entered(&context, ticket.depth + 1);
    }
}

#[cold]
fn tell_left() {
    let depth = STACK.try_with(|stack| stack.depth.get());
    if let (Some(neighbour), Ok(depth)) = (neighbour::get(), depth) {
        neighbour.left(depth);
    }
}

/// Ends the frame of a scope.
///
/// What was taken off the stack is dropped outside of it.
#[inline]
fn leave(ticket: Ticket) {
    let left = STACK.try_with(|stack| {
        if stack.depth.get() == ticket.depth + 1
            && let Some(frame) = stack.near.get(ticket.depth)
            && frame.number.get() == ticket.number
            && !stack.is_done_below(ticket.depth)
        {
            stack.depth.set(ticket.depth);
            return Some(frame.context.take());
        }
        None
    });
    match left {
        Ok(Some(context)) => drop(context),
        Ok(None) => drop(leave_late(ticket)),
        Err(_) => {}
    }
}

/// The same far up, and in any order. When others stand above the frame, it only stops counting and goes when they do.
#[cold]
fn leave_late(ticket: Ticket) -> Option<(Context, Vec<Context>)> {
    with_stack(|stack| {
        stack.frame(ticket, |frame| {
            frame.number.set(ticket.number | Frame::DONE);
        })?;
        let top = stack.pop_if_done()?;
        let mut below = Vec::new();
        while let Some(context) = stack.pop_if_done() {
            below.push(context);
        }
        Some((top, below))
    })
}

/// Ends the frame of an entered context, which moves back, together with everything that was left above it.
#[inline]
fn come_home(ticket: Ticket, home: &mut Context) {
    let is_home = STACK.try_with(|stack| {
        if stack.depth.get() == ticket.depth + 1
            && let Some(frame) = stack.near.get(ticket.depth)
            && frame.number.get() == ticket.number
        {
            // What was at home is the empty context, which is what an ended frame holds.
            frame.swap(home);
            stack.depth.set(ticket.depth);
            return true;
        }
        false
    });
    if is_home == Ok(false) {
        come_home_late(ticket, home);
    }
}

/// The same far up, where others were left above, or where the frame is gone.
#[cold]
fn come_home_late(ticket: Ticket, home: &mut Context) {
    let left = with_stack(|stack| {
        stack.frame(ticket, |frame| frame.swap(home))?;
        let end = stack.depth.replace(ticket.depth);
        (end > ticket.depth + 1).then(|| stack.take(ticket.depth + 1, end))
    });
    drop(left);
}

impl Frame {
    const FIRST: u64 = Self::STEP;
    const STEP: u64 = 2;
    const DONE: u64 = 1;

    const fn new() -> Self {
        Self {
            number: Cell::new(0),
            context: Cell::new(Context::new()),
        }
    }

    #[inline]
    fn swap(&self, context: &mut Context) {
        *context = self.context.replace(mem::take(context));
    }
}

impl Stack {
    /// Shows the frame at a position to `look`; `None` if there is none.
    #[inline]
    fn at<R>(&self, depth: usize, look: impl FnOnce(&Frame) -> R) -> Option<R> {
        match self.near.get(depth) {
            Some(frame) => Some(look(frame)),
            None => self.far_at(depth, look),
        }
    }

    #[cold]
    fn far_at<R>(&self, depth: usize, look: impl FnOnce(&Frame) -> R) -> Option<R> {
        self.far.try_borrow().ok()?.get(depth - NEAR).map(look)
    }

    /// Moves a context in beyond what lies near; says whether it did.
    #[cold]
    fn push_far(&self, ticket: Ticket, context: &mut Context) -> bool {
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
        frame.swap(context);
        true
    }

    /// Shows the frame of a guard to `look`, if it is still there.
    fn frame(&self, ticket: Ticket, look: impl FnOnce(&Frame)) -> Option<()> {
        if ticket.depth >= self.depth.get() {
            return None;
        }
        self.at(ticket.depth, |frame| {
            (frame.number.get() & !Frame::DONE == ticket.number).then(|| look(frame))
        })?
    }

    /// Whether the frame below this one waits for it to go.
    #[inline]
    fn is_done_below(&self, depth: usize) -> bool {
        match depth.checked_sub(1) {
            Some(below) => {
                let is_done = |frame: &Frame| frame.number.get() & Frame::DONE != 0;
                self.near.get(below).is_none_or(is_done)
            }
            None => false,
        }
    }

    fn pop_if_done(&self) -> Option<Context> {
        let top = self.depth.get().checked_sub(1)?;
        let context = self.at(top, |frame| {
            (frame.number.get() & Frame::DONE != 0).then(|| frame.context.take())
        })??;
        self.depth.set(top);
        Some(context)
    }

    fn take(&self, start: usize, end: usize) -> Vec<Context> {
        (start..end)
            .filter_map(|depth| self.at(depth, |frame| frame.context.take()))
            .collect()
    }
}

fn with_stack<R>(change: impl FnOnce(&Stack) -> Option<R>) -> Option<R> {
    STACK.try_with(change).ok().flatten()
}
