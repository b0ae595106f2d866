use std::hint::black_box;

use crate::Delivery;

/// Requests, or spans, in a batch of the usual size.
pub(crate) const BATCH: usize = 64;

/// Work to be measured, in batches.
pub trait Work {
    /// Makes ready what the next batch works on. Not measured.
    fn prepare(&mut self);

    /// The work of one batch, and nothing else: this is what is measured.
    fn run(&mut self);

    /// Waits where the work of a batch has to: not measured. Says whether there is more of it, which [`run`](Self::run) then does.
    fn wait(&mut self) -> bool {
        false
    }

    /// Takes back what was made ready. Not measured.
    fn settle(&mut self);
}

/// How much work comes at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// What the figures are for: requests, traces or spans in a batch.
    pub(crate) units: usize,
    /// Spans that a batch hands over.
    pub(crate) spans: usize,
    /// Batches between two flushes, a sample: about a thousand spans, which every exporter's queue has room for.
    pub(crate) batches: usize,
    /// Whether a batch waits for brokers and the clients' threads, milliseconds at a time. Of such, fewer are timed.
    pub(crate) waits: bool,
    /// Whether most of what a unit allocates is freed by another thread.
    pub(crate) gives_away: bool,
}

impl Size {
    /// A batch whose units are one span each.
    pub(crate) const BATCH: Self = Self {
        units: BATCH,
        spans: BATCH,
        batches: 16,
        waits: false,
        gives_away: false,
    };

    /// The same where nothing is recorded.
    pub(crate) const fn unrecorded(self) -> Self {
        Self { spans: 0, ..self }
    }

    /// Units in a sample.
    pub(crate) const fn sample(self) -> usize {
        self.units * self.batches
    }
}

/// Does the work of one sample, with `run` for the part of each batch that is measured, and flushes.
pub(crate) fn run_sample(
    work: &mut dyn Work,
    delivery: Option<&dyn Delivery>,
    size: Size,
    mut run: impl FnMut(&mut dyn Work),
) {
    for _ in 0..size.batches {
        work.prepare();
        run(work);
        while work.wait() {
            run(work);
        }
        work.settle();
        if let Some(delivery) = delivery {
            delivery.settle();
        }
    }
    if let Some(delivery) = delivery {
        delivery.flush();
    }
}

/// The measured part of one batch, as a function that [`instructions`](crate::instructions) can name to callgrind.
#[inline(never)]
pub(crate) fn measured(work: &mut dyn Work) {
    work.run();
    // Without something behind it the call would be a jump, and callgrind would see no return.
    black_box(work);
}
