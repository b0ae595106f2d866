//! Which context is current on a thread: a stack of frames, the topmost current.
//!
//! Frames carry a number, so that a guard dropped late or in the wrong order takes away its own frame or nothing, never
//! somebody else's. Contexts that are taken off are dropped when the stack is in order again: what they
//! hold may use it.

mod stack;

use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};

use stack::{Frame, STACK, TOP, Ticket, Top, depth, with_stack};

use super::{Context, Owner, neighbour};

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
            tell_ended();
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
    depth() == 0 && neighbour::get().is_none()
}

/// A number that is another one after each change of what is current here.
#[inline]
pub(super) fn moment() -> u64 {
    TOP.with(|top| top.next.get())
}

#[inline]
fn with_ours<R>(read: impl FnOnce(&Context) -> R) -> Option<R> {
    STACK
        .try_with(|stack| match depth().checked_sub(1) {
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

/// Attaches without a guard. A thread that does so and never detaches holds no more than a bounded number; those beyond are not made current.
#[inline(always)]
pub(super) fn attach_as(context: Context, owner: Owner) {
    let left = STACK.try_with(|stack| {
        let ticket = Ticket::next().owned();
        let Some(frame) = stack.near.get(ticket.depth) else {
            return Some((ticket, context));
        };
        frame.number.set(ticket.number);
        frame.owner.set(owner);
        // What an ended frame holds is the empty context, which has nothing to drop.
        let _empty = ManuallyDrop::new(frame.context.replace(context));
        TOP.with(Top::rise);
        None
    });
    match left {
        Ok(None) if neighbour::get().is_some() => tell_entered(),
        Ok(Some((ticket, context))) => attach_far(ticket, context, owner),
        Ok(None) | Err(_) => {}
    }
}

#[cold]
fn attach_far(ticket: Ticket, mut context: Context, owner: Owner) {
    let is_there = with_stack(|stack| {
        let is_there = stack.push_far(ticket, &mut context, Some(owner));
        is_there.then(|| TOP.with(Top::rise))
    });
    if is_there.is_some() {
        tell_entered();
    }
}

/// Ends the frame of an owner, the uppermost if he has several, and gives back what was attached; the empty context if others stand
/// above it, `None` if there was none.
#[inline]
pub(super) fn take(owner: Owner) -> Option<Context> {
    let left = STACK.try_with(|stack| {
        let top = depth().checked_sub(1)?;
        let frame = stack.near.get(top)?;
        if !frame.is_of(owner) || frame.is_awaited() {
            return None;
        }
        TOP.with(|tops| tops.fall(top));
        Some(frame.context.take())
    });
    let taken = match left {
        Ok(Some(context)) => Some(context),
        Ok(None) => take_late(owner),
        Err(_) => None,
    };
    if taken.is_some() && neighbour::get().is_some() {
        tell_left();
    }
    taken
}

/// The same far up, and in any order.
#[cold]
fn take_late(owner: Owner) -> Option<Context> {
    let (ticket, _) = with_stack(|stack| stack.find(|of| of == owner))?;
    let Some((context, below)) = leave_late(ticket) else {
        return Some(Context::new());
    };
    drop(below);
    Some(context)
}

/// The uppermost owner that is wanted.
pub(super) fn find(is_wanted: impl Fn(Owner) -> bool) -> Option<Owner> {
    let (_, owner) = with_stack(|stack| stack.find(is_wanted))?;
    Some(owner)
}

/// Moves the context onto the stack, or leaves it where it is when there is none (the thread is being torn down).
#[inline(always)]
fn push(context: &mut Context) -> Ticket {
    let pushed = STACK.try_with(|stack| {
        let ticket = Ticket::next();
        if let Some(frame) = stack.near.get(ticket.depth) {
            frame.number.set(ticket.number);
            frame.swap(context);
        } else if !stack.push_far(ticket, context, None) {
            return Ticket::NONE;
        }
        TOP.with(Top::rise);
        ticket
    });
    let ticket = pushed.unwrap_or(Ticket::NONE);
    if neighbour::get().is_some() && ticket.number != Ticket::NONE.number {
        tell_entered();
    }
    ticket
}

/// Tells the neighbour of the frame that has just been taken.
#[cold]
fn tell_entered() {
    if let Some(neighbour) = neighbour::get()
        && let Some(context) = with_ours(Context::clone)
    {
        neighbour.entered(&context, depth());
    }
}

#[cold]
fn tell_left() {
    if let Some(neighbour) = neighbour::get() {
        neighbour.left(depth());
    }
}

#[cold]
fn tell_ended() {
    if let Some(neighbour) = neighbour::get() {
        neighbour.ended(depth());
    }
}

/// Ends the frame of a scope.
///
/// What was taken off the stack is dropped outside of it.
#[inline]
fn leave(ticket: Ticket) {
    let left = STACK.try_with(|stack| {
        if depth() == ticket.depth + 1
            && let Some(frame) = stack.near.get(ticket.depth)
            && frame.number.get() == ticket.number
        {
            TOP.with(|top| top.fall(ticket.depth));
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
        stack.frame(ticket, |frame| frame.mark(Frame::DONE))?;
        let Some(top) = stack.pop_if_done() else {
            stack.at(ticket.depth + 1, |above| above.mark(Frame::AWAITED));
            return None;
        };
        let mut below = Vec::new();
        stack.pop_all_done(&mut below);
        Some((top, below))
    })
}

/// Ends the frame of an entered context, which moves back, together with everything that was left above it.
#[inline]
fn come_home(ticket: Ticket, home: &mut Context) {
    let is_home = STACK.try_with(|stack| {
        if depth() == ticket.depth + 1
            && let Some(frame) = stack.near.get(ticket.depth)
            && frame.number.get() == ticket.number
        {
            // What was at home is the empty context, which is what an ended frame holds.
            frame.swap(home);
            TOP.with(|top| top.fall(ticket.depth));
            return true;
        }
        false
    });
    if is_home == Ok(false) {
        come_home_late(ticket, home);
    }
}

/// The same far up, where others were left above or wait below, or where the frame is gone.
#[cold]
fn come_home_late(ticket: Ticket, home: &mut Context) {
    let left = with_stack(|stack| {
        stack.frame(ticket, |frame| frame.swap(home))?;
        let end = depth();
        TOP.with(|top| top.fall(ticket.depth));
        let mut left = stack.take(ticket.depth + 1, end);
        stack.pop_all_done(&mut left);
        Some(left)
    });
    drop(left);
}
