//! A lock for a few writes, by threads that hardly ever meet.

use std::thread;
use std::time::Duration;

use spin::mutex::{SpinMutex, SpinMutexGuard};

/// What one thread at a time writes to, and never for long.
///
/// To take it is one exchange between processors and to give it back is none, where the standard library's lock has to exchange twice: who gives
/// that back asks whether anybody sleeps. Here nobody is woken, so who finds it taken looks again. A thread that panics gives it back too.
pub(crate) struct Lock<T>(SpinMutex<T>);

impl<T> Lock<T> {
    #[inline]
    pub(crate) const fn new(inner: T) -> Self {
        Self(SpinMutex::new(inner))
    }

    /// What is in it, where nobody else can have it.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    #[inline]
    pub(crate) fn lock(&self) -> SpinMutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.wait(),
        }
    }

    /// Whoever has it needs some dozen instructions, unless its thread has lost its processor: it gets that back at the latest when this one sleeps,
    /// whatever their priorities are.
    #[cold]
    #[inline(never)]
    #[expect(
        clippy::disallowed_methods,
        reason = "to park would take the word away with which somebody else wakes this thread"
    )]
    fn wait(&self) -> SpinMutexGuard<'_, T> {
        const LOOKS: u32 = 64;
        const AWAKE: u32 = LOOKS + 16;
        const REST: Duration = Duration::from_micros(50);

        let mut looks = 0;
        loop {
            match looks {
                0..LOOKS => std::hint::spin_loop(),
                LOOKS..AWAKE => thread::yield_now(),
                _ => thread::sleep(REST),
            }
            looks = looks.saturating_add(1);
            if !self.0.is_locked()
                && let Some(guard) = self.0.try_lock()
            {
                return guard;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_meet_lose_no_write() {
        let sum = Lock::new(0_u64);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100_000).for_each(|_| *sum.lock() += 1));
            }
        });
        assert_eq!(*sum.lock(), 400_000);
    }

    #[test]
    fn who_waits_sleeps_until_it_is_given_back_also_by_a_panic() {
        let lock = Lock::new(0);
        let (held, is_held) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let holder = scope.spawn(|| {
                let mut guard = lock.lock();
                held.send(()).unwrap();
                // Longer than anybody looks or yields.
                thread::park_timeout(Duration::from_millis(20));
                *guard = 1;
                panic!("with the lock taken");
            });
            is_held.recv().unwrap();
            assert_eq!(*lock.lock(), 1);
            assert!(holder.join().is_err());
        });
    }
}
