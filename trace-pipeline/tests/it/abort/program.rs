//! A program in which nothing unwinds: it is built with `panic = "abort"` by the test, which says in its arguments who panics.

use std::time::Duration;

use trace_pipeline::sampling::{Keep, Tail};
use trace_pipeline::{Batch, ExportError, Exporter, Pipeline};

/// Says the name of every span that leaves.
struct Lines;

impl Exporter for Lines {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        for span in batch.spans() {
            println!("{}", span.name());
        }
        Ok(())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (spans, who) = (arguments.next(), arguments.next());
    let mut builder = Pipeline::builder().service("orders").exporter(Lines);
    // Nothing leaves by time, and nothing for the number.
    builder = builder.schedule_delay(Duration::from_secs(3600));
    if arguments.next().as_deref() == Some("tail") {
        builder = builder.tail(Tail::new().keep(Keep::probability(1.0)));
    }
    let pipeline = builder.build().expect("threads");
    pipeline.flush_on_panic(Duration::from_secs(10));
    for number in 0..spans.and_then(|spans| spans.parse().ok()).unwrap_or(0) {
        let span = pipeline.tracer().span(&format!("span {number}")).start();
        span.end();
    }
    match who.as_deref() {
        Some("main") => panic!("the program is broken"),
        Some("thread") => {
            let thread = std::thread::spawn(|| panic!("a request is broken"));
            let _ = thread.join();
        }
        _ => {}
    }
    // Nobody comes here who panicked: where panics unwind, a thread's is none of the program's.
    std::process::exit(0);
}
