//! Which context is current on a thread: a stack of frames, the topmost current.
//!
//! Frames carry a number, so that a guard dropped late or in the wrong order takes away its own frame or nothing, never
//! somebody else's. No user code runs while the stack is borrowed: contexts are dropped after it is given back.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::mem;

use super::{Context, neighbour};

thread_local! {
    static STACK: RefCell<Stack> = const {
        RefCell::new(Stack {
            frames: Vec::new(),
            depth: 0,
            next: 1,
        })
    };
}

/// Frames stay when they end, with the empty context, for the next ones to move in: contexts come and go in every poll.
struct Stack {
    frames: Vec<Frame>,
    /// How many frames are in use.
    depth: usize,
    /// The number of the next frame.
    next: u64,
}

#[derive(Default)]
struct Frame {
    number: u64,
    context: Context,
    /// Its guard was dropped while frames above it were still in use.
    done: bool,
}

/// Where a guard's frame stands. `depth` is a position, `number` proves that the frame there is still the same.
#[derive(Clone, Copy)]
struct Ticket {
    depth: usize,
    number: u64,
}

impl Ticket {
    /// Of no frame: numbers begin with 1.
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
    fn drop(&mut self) {
        drop(leave(self.ticket));
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

#[inline]
fn with_ours<R>(read: impl FnOnce(&Context) -> R) -> Option<R> {
    STACK
        .try_with(|stack| {
            let stack = stack.try_borrow().ok()?;
            Some(
                match stack
                    .depth
                    .checked_sub(1)
                    .and_then(|top| stack.frames.get(top))
                {
                    Some(frame) => read(&frame.context),
                    None => read(&Context::new()),
                },
            )
        })
        .ok()
        .flatten()
}

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
        let Ok(mut stack) = stack.try_borrow_mut() else {
            return Ticket::NONE;
        };
        let stack = &mut *stack;
        let ticket = Ticket {
            depth: stack.depth,
            number: stack.next,
        };
        if stack.frames.len() <= ticket.depth {
            grow(&mut stack.frames);
        }
        let Some(frame) = stack.frames.get_mut(ticket.depth) else {
            return Ticket::NONE;
        };
        frame.number = ticket.number;
        frame.done = false;
        mem::swap(&mut frame.context, context);
        stack.depth = ticket.depth + 1;
        stack.next = ticket.number + 1;
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
    let depth = STACK.try_with(|stack| stack.try_borrow().map_or(0, |stack| stack.depth));
    if let (Some(neighbour), Ok(depth)) = (neighbour::get(), depth) {
        neighbour.left(depth);
    }
}

#[cold]
fn grow(frames: &mut Vec<Frame>) {
    frames.push(Frame::default());
}

/// Ends the frame of a scope. When others stand above it, it only stops counting and goes when they do.
///
/// What was taken off the stack is dropped outside of it.
fn leave(ticket: Ticket) -> Option<(Context, Vec<Context>)> {
    with_stack(|stack| {
        stack.frame(ticket)?.done = true;
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
        let Ok(mut stack) = stack.try_borrow_mut() else {
            return true;
        };
        let stack = &mut *stack;
        if stack.depth == ticket.depth + 1
            && let Some(frame) = stack.frames.get_mut(ticket.depth)
            && frame.number == ticket.number
        {
            // What was at home is the empty context, which is what an ended frame holds.
            mem::swap(&mut frame.context, home);
            stack.depth = ticket.depth;
            return true;
        }
        false
    });
    if is_home == Ok(false) {
        drop(come_home_late(ticket, home));
    }
}

/// The same where others were left above, or the frame is gone.
#[cold]
fn come_home_late(ticket: Ticket, home: &mut Context) -> Option<Vec<Context>> {
    with_stack(|stack| {
        mem::swap(&mut stack.frame(ticket)?.context, home);
        let end = mem::replace(&mut stack.depth, ticket.depth);
        (end > ticket.depth + 1).then(|| stack.take(ticket.depth + 1, end))
    })
}

impl Stack {
    /// The frame of a guard, if it is still there.
    fn frame(&mut self, ticket: Ticket) -> Option<&mut Frame> {
        self.frames[..self.depth]
            .get_mut(ticket.depth)
            .filter(|frame| frame.number == ticket.number)
    }

    fn pop_if_done(&mut self) -> Option<Context> {
        let top = self.depth.checked_sub(1)?;
        let frame = self.frames.get_mut(top).filter(|frame| frame.done)?;
        self.depth = top;
        Some(mem::take(&mut frame.context))
    }

    #[cold]
    fn take(&mut self, start: usize, end: usize) -> Vec<Context> {
        let left = self.frames.get_mut(start..end).unwrap_or_default();
        left.iter_mut()
            .map(|frame| mem::take(&mut frame.context))
            .collect()
    }
}

fn with_stack<R>(change: impl FnOnce(&mut Stack) -> Option<R>) -> Option<R> {
    STACK
        .try_with(|stack| change(&mut *stack.try_borrow_mut().ok()?))
        .ok()
        .flatten()
}
