use std::hint::black_box;

/// Requests, or spans, in a batch.
pub const BATCH: usize = 64;

/// Work to be measured, in batches of [`BATCH`].
pub trait Subject {
    /// Makes ready what the next batch works on. Not measured.
    fn prepare(&mut self);

    /// The work of one batch, and nothing else: this is what is measured.
    fn run(&mut self);

    /// Takes back what was made ready, and empties the sink. Not measured.
    fn settle(&mut self);

    /// Spans that have arrived at the sink so far, up to the last [`settle`](Self::settle).
    fn delivered(&self) -> u64;
}

/// Runs so many batches, so that pools are filled and one-time work is done.
pub fn warm_up(subject: &mut dyn Subject, batches: usize) {
    for _ in 0..batches {
        subject.prepare();
        subject.run();
        subject.settle();
    }
}

/// Runs so many batches and lets `watch` call the measured part of each.
pub fn run_batches(
    subject: &mut dyn Subject,
    batches: usize,
    mut watch: impl FnMut(&mut dyn FnMut()),
) {
    for _ in 0..batches {
        subject.prepare();
        watch(&mut || measured(subject));
        subject.settle();
    }
}

/// The measured part of one batch, as a function that [`instructions`](crate::instructions) can name to callgrind.
#[inline(never)]
fn measured(subject: &mut dyn Subject) {
    subject.run();
    // Without something behind it the call would be a jump, and callgrind would see no return.
    black_box(subject);
}
