//! Which context is current on a thread: a stack of frames, the topmost current.
//!
//! Frames carry a number, so that a guard dropped late or in the wrong order takes away its own frame or nothing, never
//! somebody else's. No user code runs while the stack is borrowed: contexts are dropped after it is given back.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem;

use super::Context;

thread_local! {
    static STACK: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(1) };
}

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

/// Keeps a context current; see [`Context::attach`].
///
/// Not `Send`, and not to be held across an `.await`, where it would be current in other tasks: use [`FutureExt::with_context`](super::FutureExt::with_context) there.
pub struct Scope {
    ticket: Option<Ticket>,
    // A guard must be dropped on the thread that made it.
    not_send: PhantomData<*const ()>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            drop(leave(ticket));
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
    ticket: Option<Ticket>,
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else {
            return;
        };
        let mut left = unwind_to(ticket);
        if let Some(frame) = left.frame.take() {
            *self.home = frame.context;
        }
    }
}

impl fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

/// Shows the current context to `read`; `None` when the thread is being torn down or the stack is in use.
pub(super) fn with_current<R>(read: impl FnOnce(&Context) -> R) -> Option<R> {
    STACK
        .try_with(|stack| {
            let stack = stack.try_borrow().ok()?;
            Some(match stack.last() {
                Some(frame) => read(&frame.context),
                None => read(&Context::new()),
            })
        })
        .ok()
        .flatten()
}

pub(super) fn attach(context: Context) -> Scope {
    Scope {
        ticket: push(context).ok(),
        not_send: PhantomData,
    }
}

pub(super) fn enter(home: &mut Context) -> Entered<'_> {
    let ticket = match push(mem::take(home)) {
        Ok(ticket) => Some(ticket),
        Err(context) => {
            *home = context;
            None
        }
    };
    Entered {
        home,
        ticket,
        not_send: PhantomData,
    }
}

/// Gives the context back when there is no stack to push it on (the thread is being torn down).
fn push(context: Context) -> Result<Ticket, Context> {
    let mut context = Some(context);
    let ticket = STACK.try_with(|stack| {
        let mut stack = stack.try_borrow_mut().ok()?;
        let number = NEXT.with(|next| next.replace(next.get() + 1));
        let depth = stack.len();
        stack.push(Frame {
            number,
            context: context.take()?,
            done: false,
        });
        Some(Ticket { depth, number })
    });
    ticket
        .ok()
        .flatten()
        .ok_or_else(|| context.unwrap_or_default())
}

/// What was taken off the stack, to be dropped outside of it.
struct Left {
    frame: Option<Frame>,
    _above: Vec<Frame>,
}

/// Ends the frame of a scope. When others stand above it, it only stops counting and goes when they do.
fn leave(ticket: Ticket) -> Left {
    take(|stack| {
        if stack.get(ticket.depth).is_none_or(|frame| frame.number != ticket.number) {
            return (None, Vec::new());
        }
        stack[ticket.depth].done = true;
        let mut gone = Vec::new();
        let mut own = None;
        while stack.last().is_some_and(|frame| frame.done) {
            match (stack.pop(), own.is_none()) {
                (Some(frame), true) => own = Some(frame),
                (Some(frame), false) => gone.push(frame),
                (None, _) => break,
            }
        }
        (own, gone)
    })
}

/// Ends the frame of a poll together with everything that was left above it.
fn unwind_to(ticket: Ticket) -> Left {
    take(|stack| {
        if stack.get(ticket.depth).is_none_or(|frame| frame.number != ticket.number) {
            return (None, Vec::new());
        }
        let above = if stack.len() > ticket.depth + 1 {
            stack.drain(ticket.depth + 1..).collect()
        } else {
            Vec::new()
        };
        (stack.pop(), above)
    })
}

fn take(remove: impl FnOnce(&mut Vec<Frame>) -> (Option<Frame>, Vec<Frame>)) -> Left {
    let removed = STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| remove(&mut stack)));
    let (frame, above) = removed.ok().flatten().unwrap_or_default();
    Left {
        frame,
        _above: above,
    }
}
