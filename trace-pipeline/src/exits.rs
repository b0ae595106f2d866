//! The ends of a process other than that of `main`.

mod panics;
#[cfg(all(unix, feature = "signals"))]
mod signals;

#[cfg(all(unix, feature = "signals"))]
use std::io;
use std::time::Duration;

use crate::pipeline::Pipeline;

impl Pipeline {
    /// At SIGTERM or SIGINT: shuts the pipeline down, which takes no longer than `timeout`, and then ends the process as
    /// the signal would have. For programs that do not handle these signals.
    ///
    /// The first process of a container (PID 1), which no signal ends that it does not handle, ends with the code 128 + the signal's number, as a shell would say: 143 at SIGTERM.
    ///
    /// The second signal ends the process at once. A signal that is ignored, as `nohup` and shells do for what runs in the background, stays so. One thread
    /// waits for signals.
    ///
    /// A child that was forked after this does not end by these signals before it has called [`flush`](Self::flush) or [`shutdown`](Self::shutdown) of
    /// this pipeline, which return at once there: it has the handler and not the thread.
    ///
    /// A program that ends in its own way, for example by axum's graceful shutdown, calls [`shutdown`](Self::shutdown) when it has, and
    /// [`flush_on_signals`](Self::flush_on_signals) if it likes.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let pipeline = trace_pipeline::Pipeline::builder().service("indexer").build()?;
    /// pipeline.end_on_signals(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is a handler for one of the signals already (found on Linux), which is left alone. Handlers by way of `tokio::signal` or
    /// `signal-hook` that come later are called as well, but the process ends after `timeout` whatever they do. Or when the operating system
    /// gives no thread.
    #[cfg(all(unix, feature = "signals"))]
    pub fn end_on_signals(&self, timeout: Duration) -> io::Result<()> {
        signals::watch(&self.shared, timeout, signals::Then::End)
    }

    /// At SIGTERM or SIGINT: [flushes](Self::flush) at once, and leaves the rest to the program, which has to handle the signal: it does not end the process any more.
    ///
    /// So the spans until then have left also where the program's own way to its end takes longer than it gets. Handlers by way of `tokio::signal` or `signal-hook` are
    /// called, whichever comes first.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    #[cfg(all(unix, feature = "signals"))]
    pub fn flush_on_signals(&self, timeout: Duration) -> io::Result<()> {
        signals::watch(&self.shared, timeout, signals::Then::GoOn)
    }

    /// When a panic is about to end the process: sends what has ended until then, which takes no longer than `timeout`.
    ///
    /// That is a panic that cannot unwind (`panic = "abort"`, a destructor during another panic, a function of C), after which the pipeline is shut down, and
    /// one of the main thread. Panics of other threads, and of tasks of tokio on the main thread (with the feature `otlp`), end a request and not the process: nobody
    /// waits for them. The hook that was there runs first.
    ///
    /// Spans that have not ended are lost where nothing unwinds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let pipeline = trace_pipeline::Pipeline::builder().service("indexer").build()?;
    /// pipeline.flush_on_panic(Duration::from_secs(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_on_panic(&self, timeout: Duration) {
        panics::watch(&self.shared, timeout);
    }
}
