//! Ids of processes that were forked from one.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use tracing_core_ctx::{IdGenerator as _, RandomIds, Tracer};

/// What children of this process, forked from this thread, draw first.
fn drawn_by_children(children: usize) -> Vec<String> {
    let drawn = (0..children).map(|_| {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        match fork::fork().unwrap() {
            fork::Fork::Child => {
                let _tracer = Tracer::noop();
                let (trace_id, span_id) = RandomIds::default().root_ids();
                let _ = write!(theirs, "{trace_id} {span_id}");
                std::process::exit(0);
            }
            fork::Fork::Parent(_) => {
                drop(theirs);
                let mut ids = String::new();
                ours.read_to_string(&mut ids).unwrap();
                ids
            }
        }
    });
    drawn.collect()
}

#[test]
fn no_two_processes_draw_the_same_ids() {
    // Whether the parent has a generator already, or only what one is seeded from.
    let map = HashMap::from([(1, 1)]);
    let before = drawn_by_children(3);
    let own = RandomIds::default().root_ids();
    let after = drawn_by_children(3);
    let mut all: Vec<_> = before.into_iter().chain(after).collect();
    let (trace_id, span_id) = RandomIds::default().root_ids();
    all.push(format!("{trace_id} {span_id}"));
    assert!(all.iter().all(|ids| ids.len() == 49), "{all:?}");
    let different: HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{all:?}");
    assert_ne!(own, (trace_id, span_id));
    assert_eq!(map.len(), 1);
}
