//! Where new ids come from.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use crate::{SpanId, TraceId};

/// Makes ids for new traces and spans. A seam for tests, which want to know them.
pub trait IdGenerator: fmt::Debug + Send + Sync {
    /// An id for a new trace.
    fn trace_id(&self) -> TraceId;

    /// An id for a new span.
    fn span_id(&self) -> SpanId;

    /// Both ids of a span that starts a trace. Default: [`trace_id`](Self::trace_id), then [`span_id`](Self::span_id).
    fn root_ids(&self) -> (TraceId, SpanId) {
        (self.trace_id(), self.span_id())
    }

    /// Whether the rightmost 7 bytes of trace ids are uniformly random, which new traces then say with the random flag. Default: yes.
    fn is_random(&self) -> bool {
        true
    }
}

/// Random ids: one generator for each thread (xoshiro256++), seeded by the operating system through the standard library's hasher keys, by the process
/// and by the time.
///
/// Ids are unpredictable enough never to meet by chance; they are not secrets.
///
/// A child of a `fork` has its parent's generator, and so have its brothers. It gets its own when it builds a tracer, or [says](Self::after_fork) that it is
/// one.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RandomIds;

/// The process, as far as somebody has looked: to ask for each id costs a call of the operating system.
static PROCESS: AtomicU32 = AtomicU32::new(0);

impl RandomIds {
    /// Ids differ from now on from those of the process that this one was forked from. Done whenever a tracer is built: only for a child that goes on with the
    /// tracer of its parent.
    pub fn after_fork() {
        PROCESS.store(std::process::id(), Ordering::Relaxed);
    }
}

impl IdGenerator for RandomIds {
    fn trace_id(&self) -> TraceId {
        with_rng(trace_id)
    }

    fn span_id(&self) -> SpanId {
        with_rng(span_id)
    }

    fn root_ids(&self) -> (TraceId, SpanId) {
        with_rng(|rng| (trace_id(rng), span_id(rng)))
    }
}

/// The generator of a thread, and the process for which it was seeded.
struct Seeded {
    process: u32,
    rng: Xoshiro256PlusPlus,
}

impl Seeded {
    fn new(process: u32) -> Self {
        Self {
            process,
            rng: seeded(),
        }
    }
}

fn trace_id(rng: &mut Xoshiro256PlusPlus) -> TraceId {
    loop {
        let value = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
        if let Some(id) = TraceId::from_u128(value) {
            return id;
        }
    }
}

fn span_id(rng: &mut Xoshiro256PlusPlus) -> SpanId {
    loop {
        if let Some(id) = SpanId::from_u64(rng.next_u64()) {
            return id;
        }
    }
}

thread_local! {
    static RNG: RefCell<Seeded> = RefCell::new(Seeded::new(PROCESS.load(Ordering::Relaxed)));
}

fn with_rng<R>(mut draw: impl FnMut(&mut Xoshiro256PlusPlus) -> R) -> R {
    RNG.try_with(|seeded| {
        let mut seeded = seeded.borrow_mut();
        let process = PROCESS.load(Ordering::Relaxed);
        if seeded.process != process {
            seed_anew(&mut seeded, process);
        }
        draw(&mut seeded.rng)
    })
    // The thread is being torn down: its generator is gone.
    .unwrap_or_else(|_| draw(&mut seeded()))
}

#[cold]
fn seed_anew(seeded: &mut Seeded, process: u32) {
    *seeded = Seeded::new(process);
}

/// The keys of a `RandomState` are random and differ for each one made; hashing under them spreads them over the whole seed. A child of a `fork` has those of
/// its parent: process and time are its own.
#[expect(
    clippy::disallowed_methods,
    reason = "no time of an operation: the process has none of its own yet"
)]
fn seeded() -> Xoshiro256PlusPlus {
    let mut seed = [0; 32];
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.map_or(0, |time| time.as_nanos());
    for (part, chunk) in seed.chunks_exact_mut(8).enumerate() {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(part);
        hasher.write_u32(std::process::id());
        hasher.write_u128(time);
        chunk.copy_from_slice(&hasher.finish().to_ne_bytes());
    }
    Xoshiro256PlusPlus::from_seed(seed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_several_threads_differ() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| (0..10_000).map(|_| RandomIds.span_id()).collect::<Vec<_>>())
            })
            .collect();
        let mut seen = HashSet::new();
        for thread in threads {
            for id in thread.join().unwrap() {
                assert!(seen.insert(id), "{id} came twice");
            }
        }
    }

    #[test]
    fn every_bit_of_a_trace_id_is_random() {
        let (mut ones, mut zeros) = (0u128, 0u128);
        for _ in 0..200 {
            let id = RandomIds.trace_id().to_u128();
            ones |= id;
            zeros |= !id;
        }
        assert_eq!(ones & zeros, u128::MAX);
    }
}
