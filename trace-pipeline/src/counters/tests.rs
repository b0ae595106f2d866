use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::*;

#[test]
fn numbers_read_while_others_count_add_up() {
    let counters = Counters::default();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(30);
            while !stop.load(Ordering::Relaxed) && Instant::now() < deadline {
                (0..3).for_each(|_| counters.requests.submitted());
                counters.requests.queue_full.add(1);
                counters.exports.exporting.add(2);
                counters.exports.settle(&Done::Exported {
                    spans: 2,
                    outcome: Ok(Err(ExportError::Rejected {
                        spans: 1,
                        reason: String::new(),
                    })),
                    took: Duration::from_micros(3),
                    #[cfg(feature = "otlp")]
                    spooled: false,
                });
            }
        });
        for _ in 0..10_000 {
            let stats = counters.stats(0, 0, || 0);
            assert!(stats.is_balanced(), "{stats:?}");
            // Both are counted at once, and nobody sees one without the other.
            assert_eq!(stats.exported, stats.dropped.rejected);
            assert_eq!(stats.exports, stats.exported);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let stats = counters.stats(0, 0, || 0);
    assert_eq!((stats.in_flight, stats.exporting), (0, 0));
    assert_eq!(stats.submitted, 3 * stats.exports);
    assert_eq!(stats.export_errors, stats.exports);
}

#[cfg(feature = "otlp")]
#[test]
fn a_span_in_the_spool_is_not_in_flight_and_not_lost() {
    let counters = Counters::default();
    let exports = &counters.exports;
    (0..5).for_each(|_| counters.requests.submitted());
    exports.exporting.add(5);
    exports.settle(&Done::Spooled { spans: 5 });
    exports.settle(&Done::Recovered { spans: 4 });
    let stats = counters.stats(0, 0, || 0);
    assert_eq!((stats.in_flight, stats.spooled, stats.recovered), (0, 9, 4));
    exports.settle(&Done::PutOff {
        error: ExportError::failed("down"),
        took: Duration::ZERO,
    });
    exports.settle(&Done::SpoolLost {
        spans: 2,
        why: SpoolLoss::Expired,
    });
    exports.settle(&Done::Exported {
        spans: 7,
        outcome: Ok(Ok(())),
        took: Duration::ZERO,
        spooled: true,
    });
    let stats = counters.stats(0, 0, || 0);
    assert!(stats.is_balanced(), "{stats:?}");
    assert_eq!(
        (stats.spooled, stats.exported, stats.dropped.spool_expired),
        (0, 7, 2)
    );
    assert_eq!((stats.exports, stats.export_errors), (2, 1));
}
