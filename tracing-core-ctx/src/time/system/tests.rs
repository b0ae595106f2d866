use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::time::source::wall;

const DAY: u64 = 86_400_000_000_000;
const START: u64 = 20_000 * DAY;
const SECOND: u64 = 1_000_000_000;

/// A counter and a wall clock that are set by hand.
#[derive(Clone, Debug)]
struct Hand(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    count: AtomicU64,
    wall: AtomicU64,
    /// What the counter gains with every reading.
    gain: AtomicU64,
}

impl Hand {
    fn new() -> Self {
        Self(Arc::new(Hands {
            count: AtomicU64::new(5_000),
            wall: AtomicU64::new(START),
            gain: AtomicU64::new(0),
        }))
    }

    /// Lets `nanos` pass on the wall clock, and as many counts on the counter.
    fn pass(&self, nanos: u64, counts: u64) {
        self.0.wall.fetch_add(nanos, Ordering::Relaxed);
        self.0.count.fetch_add(counts, Ordering::Relaxed);
    }

    fn set_wall(&self, unix: u64) {
        self.0.wall.store(unix, Ordering::Relaxed);
    }
}

/// Two counts for a nanosecond.
impl Source for Hand {
    fn count(&self) -> u64 {
        let gain = self.0.gain.load(Ordering::Relaxed);
        self.0.count.fetch_add(gain, Ordering::Relaxed)
    }

    fn rate(&self) -> u64 {
        1 << 31
    }

    fn wall(&self) -> u64 {
        self.0.wall.load(Ordering::Relaxed)
    }
}

fn clock() -> (Hand, Steered<Hand>) {
    let hand = Hand::new();
    (hand.clone(), Steered::new(hand))
}

#[test]
fn between_two_looks_the_counter_tells_the_time() {
    let (hand, clock) = clock();
    assert_eq!(clock.now(), Some(START));
    hand.pass(0, 2 * 500);
    assert_eq!(clock.now(), Some(START + 500));
    hand.set_wall(0);
    hand.pass(0, 2 * (SECOND - 501));
    assert_eq!(clock.now(), Some(START + SECOND - 1), "not looked at yet");
}

#[test]
fn a_step_forwards_and_a_step_backwards_are_followed_at_the_next_look() {
    for step in [START + DAY, START - DAY, 7 * SECOND] {
        let (hand, clock) = clock();
        hand.set_wall(step);
        hand.pass(0, 2 * SECOND);
        assert_eq!(clock.now(), Some(step));
        hand.pass(0, 2 * 100);
        assert_eq!(clock.now(), Some(step + 100));
    }
}

#[test]
fn a_small_difference_is_made_up_for_without_a_step_in_either_direction() {
    for difference in [3_000_000_i64, -3_000_000] {
        let (hand, clock) = clock();
        hand.set_wall(START.wrapping_add_signed(difference));
        let mut last = START;
        for _ in 0..20_000 {
            hand.pass(SECOND / 1_000, 2 * SECOND / 1_000);
            let now = clock.now().unwrap();
            let gone = now - last;
            assert!(gone.abs_diff(SECOND / 1_000) <= 501, "{gone}");
            last = now;
        }
        assert!(
            last.abs_diff(hand.wall()) < 50_000,
            "{}",
            last.abs_diff(hand.wall())
        );
    }
}

#[test]
fn a_counter_that_runs_a_little_off_its_rate_is_measured_and_does_not_drift() {
    let (hand, clock) = clock();
    for second in 0..100 {
        // 200 parts in a million too fast.
        hand.pass(SECOND, 2 * SECOND + 2 * 200_000);
        let now = clock.now().unwrap();
        let off = now.abs_diff(hand.wall());
        assert!(off <= 500_000, "{off}");
        if second > 30 {
            assert!(off < 1_000, "{off} after {second} seconds");
        }
    }
}

#[test]
fn a_clock_that_nobody_asked_for_hours_is_right_at_once() {
    let (hand, clock) = clock();
    hand.pass(10_000 * SECOND, 2 * 10_000 * SECOND - 2 * 4_000_000);
    assert_eq!(clock.now(), Some(hand.wall()));
}

#[test]
fn a_counter_that_turns_out_to_be_uneven_is_not_believed_any_more() {
    let (hand, clock) = clock();
    for _ in 0..20 {
        hand.pass(SECOND, 3 * SECOND);
        let _ = clock.now();
    }
    assert_eq!(clock.now(), None);
}

#[test]
fn a_counter_that_starts_again_is_not_believed_any_more() {
    let (hand, clock) = clock();
    hand.pass(3 * SECOND, 6 * SECOND);
    assert!(clock.now().is_some());
    hand.0.count.store(17, Ordering::Relaxed);
    assert_eq!(clock.now(), None);
    assert_eq!(clock.now(), None);
}

#[test]
fn one_step_of_the_wall_clock_every_now_and_then_does_not_spoil_the_counter() {
    let (hand, clock) = clock();
    for second in 0..200 {
        hand.pass(SECOND, 2 * SECOND);
        if second % 3 == 0 {
            hand.pass(DAY, 0);
        }
        assert_eq!(clock.now(), Some(hand.wall()));
    }
}

#[test]
fn a_processor_whose_counter_is_a_little_behind_tells_the_time_of_the_last_look() {
    let (hand, clock) = clock();
    let anchor = clock.anchors.load();
    hand.0.count.fetch_sub(50, Ordering::Relaxed);
    assert_eq!(clock.now(), Some(anchor.unix));
}

#[test]
fn a_look_in_which_the_thread_was_put_aside_tells_nothing_and_the_next_one_does() {
    let (hand, clock) = clock();
    hand.set_wall(START + DAY);
    hand.pass(0, 2 * SECOND);
    hand.0.gain.store(2 * 20_000_000, Ordering::Relaxed);
    assert!(clock.now().unwrap() < START + 2 * SECOND);
    hand.0.gain.store(0, Ordering::Relaxed);
    assert_eq!(clock.now(), Some(START + DAY));
}

#[test]
fn on_a_busy_computer_two_readings_need_not_be_so_near_after_some_attempts() {
    let (hand, clock) = clock();
    hand.set_wall(START + DAY);
    hand.pass(0, 2 * SECOND);
    hand.0.gain.store(2 * 1_000_000, Ordering::Relaxed);
    let followed = (0..20).any(|_| clock.now().unwrap() > START + DAY / 2);
    assert!(followed);
}

/// A counter that gains with every reading, and a wall clock that agrees with it.
#[derive(Debug)]
struct Even(AtomicU64);

impl Source for Even {
    fn count(&self) -> u64 {
        self.0.fetch_add(2_000, Ordering::Relaxed)
    }

    fn rate(&self) -> u64 {
        1 << 31
    }

    fn wall(&self) -> u64 {
        START + self.count() / 2
    }
}

#[test]
fn threads_that_look_at_once_see_a_time_that_does_not_run_backwards() {
    let clock = Steered::new(Even(AtomicU64::new(0)));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..1_000_000 {
                    let now = clock.now().unwrap();
                    // One that reads the counter by the anchor of a moment ago is nanoseconds off.
                    assert!(now + 100 >= last, "{last} {now}");
                    last = now;
                }
            });
        }
    });
    assert!(clock.now().unwrap() > START + 3 * SECOND, "looked");
}

#[test]
fn the_clock_shows_the_wall_time() {
    let now = SystemClock::new().now();
    assert!(now.since(wall()) + wall().since(now) < Duration::from_secs(1));
}

#[test]
fn the_clock_never_runs_backwards() {
    let clock = SystemClock::new();
    let mut last = clock.now();
    for _ in 0..1000 {
        let now = clock.now();
        assert!(now >= last);
        last = now;
    }
}

#[test]
fn without_a_counter_the_monotonic_clock_tells_the_time() {
    let clock = SystemClock {
        processor: None,
        monotonic: Steered::new(Monotonic::new()),
    };
    let now = clock.now();
    assert!(now.since(wall()) + wall().since(now) < Duration::from_secs(1));
}
