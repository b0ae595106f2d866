use super::*;
use crate::test_spans::spans;

fn bounds(spans: usize, bytes: usize, batch_spans: usize, batch_bytes: usize) -> Bounds {
    Bounds {
        spans,
        bytes,
        batch_spans,
        batch_bytes,
    }
}

const ROOMY: usize = 1 << 30;

/// Both kinds of queue, which differ for nobody but the clock.
fn queues(bounds: Bounds) -> [Queue; 2] {
    [Queue::new(bounds), Queue::of_one_thread(bounds)]
}

/// Takes all out, whose bytes stay counted.
fn pop_all(queue: &Queue) -> Vec<SpanRecord> {
    let mut spans = Vec::new();
    queue.pop_into(&mut spans, (usize::MAX, usize::MAX), |_| {});
    spans
}

#[test]
fn spans_come_out_in_the_order_in_which_they_went_in() {
    for queue in queues(bounds(4, ROOMY, 4, ROOMY)) {
        for span in spans(3) {
            assert_eq!(queue.push(span).outcome, Ok(()));
        }
        let names: Vec<String> = pop_all(&queue)
            .iter()
            .map(|span| span.name().to_owned())
            .collect();
        assert_eq!(names, ["span 0", "span 1", "span 2"]);
        assert_eq!(queue.len(), 0);
    }
}

#[test]
fn the_span_that_is_one_too_many_is_refused_and_counts_nothing() {
    for queue in queues(bounds(2, ROOMY, 2, ROOMY)) {
        let outcomes: Vec<_> = spans(3)
            .into_iter()
            .map(|span| queue.push(span).outcome)
            .collect();
        assert_eq!(outcomes, [Ok(()), Ok(()), Err(Full::Spans)]);
        assert_eq!(queue.len(), 2);
        let held: usize = pop_all(&queue).iter().map(SpanRecord::weight).sum();
        assert_eq!(queue.bytes(), held);
    }
}

#[test]
fn bytes_are_held_until_they_are_released() {
    let mut made = spans(4);
    // Memory that is used again may be more than a span needs: the heaviest first.
    made.sort_by_key(|span| std::cmp::Reverse(span.weight()));
    let weight = made[0].weight();
    let lightest = made.pop().unwrap();
    let room = weight + made[1].weight();
    let queue = Queue::new(bounds(100, room, 100, ROOMY));
    let outcomes: Vec<_> = made
        .into_iter()
        .map(|span| queue.push(span).outcome)
        .collect();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(Full::Bytes)]);
    assert_eq!(queue.len(), 2);

    // It is with the exporter now, and still there.
    queue.pop_into(&mut Vec::new(), (1, ROOMY), |_| {});
    assert_eq!(queue.push(lightest.clone()).outcome, Err(Full::Bytes));
    queue.release(weight);
    assert_eq!(queue.push(lightest).outcome, Ok(()));
}

#[test]
fn the_push_that_completes_a_batch_says_so_and_no_other() {
    let queue = Queue::new(bounds(100, ROOMY, 3, ROOMY));
    let full: Vec<bool> = spans(5)
        .into_iter()
        .map(|span| queue.push(span).batch_is_full)
        .collect();
    assert_eq!(full, [false, false, true, false, false]);
    assert!(queue.has_batch());
}

#[test]
fn few_large_spans_are_a_batch_too() {
    let made = spans(4);
    // Memory that was used before may be larger: they are not all alike.
    let two = made[0].weight() + made[1].weight();
    let queue = Queue::new(bounds(100, ROOMY, 100, two));
    let full: Vec<bool> = made
        .into_iter()
        .map(|span| queue.push(span).batch_is_full)
        .collect();
    assert_eq!(full, [false, true, false, false]);
    assert!(queue.has_batch());
}

#[test]
fn what_leaves_no_room_is_a_batch_until_some_of_it_is_taken_out() {
    let queue = Queue::of_one_thread(bounds(100, ROOMY, 100, ROOMY));
    queue.ask_for_room();
    assert!(!queue.has_batch());
    for span in spans(3) {
        assert_eq!(queue.push(span).outcome, Ok(()));
    }
    assert!(queue.has_batch());
    queue.pop_into(&mut Vec::new(), (1, ROOMY), |_| {});
    assert!(queue.len() == 2 && !queue.has_batch());
}

#[test]
fn bounds_that_do_not_fit_each_other_are_made_to() {
    let sound = bounds(10, 1000, 50, 5000).sound();
    assert_eq!(sound, bounds(10, 1000, 10, 500));
    let sound = bounds(0, 0, 0, 0).sound();
    assert_eq!(sound, bounds(1, 0, 1, 1));
    assert_eq!(Bounds::default().sound(), Bounds::default());
}

#[test]
fn four_threads_lose_and_gain_nothing() {
    const EACH: usize = 2_000;
    let queue = Queue::new(bounds(64, ROOMY, 16, ROOMY));
    let (taken, refused) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let refused = |span| queue.push(span).outcome.is_err();
                    spans(EACH)
                        .into_iter()
                        .filter_map(|span| refused(span).then_some(()))
                        .count()
                })
            })
            .collect();
        let mut taken = 0;
        while !threads
            .iter()
            .all(std::thread::ScopedJoinHandle::is_finished)
            || queue.len() > 0
        {
            let mut spans = Vec::new();
            let bytes = queue.pop_into(&mut spans, (10, ROOMY), |_| {});
            queue.release(bytes);
            taken += spans.len();
            std::thread::yield_now();
        }
        let refused: usize = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        (taken, refused)
    });
    assert_eq!(taken + refused, 4 * EACH);
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn many_spans_go_in_and_out_as_each_by_itself() {
    for queue in queues(bounds(4, ROOMY, 3, ROOMY)) {
        many_go_in_and_out(&queue);
    }
}

fn many_go_in_and_out(queue: &Queue) {
    let made = spans(5);
    let weight: usize = made.iter().map(SpanRecord::weight).sum();
    assert!(queue.has_room(4, weight) && !queue.has_room(5, weight));
    let mut refused = Vec::new();
    assert!(queue.push_all(made.into_iter(), weight, |span| refused.push(span)));
    assert_eq!((queue.len(), refused.len()), (4, 1));

    let mut counted = Vec::new();
    let mut taken = Vec::new();
    let bytes = queue.pop_into(&mut taken, (3, ROOMY), |count| {
        counted.push((count, queue.len()));
    });
    // Counted elsewhere before it is not counted here any more.
    assert_eq!(counted, [(3, 4)]);
    assert_eq!((taken.len(), queue.len()), (3, 1));
    assert_eq!(bytes, taken.iter().map(SpanRecord::weight).sum::<usize>());
    // As many as weigh so much, and one at least.
    assert_eq!(
        queue.pop_into(&mut taken, (3, 1), |_| {}),
        taken[3].weight()
    );
    assert_eq!(queue.bytes(), weight - refused[0].weight());
    queue.release(queue.bytes());
    let weight = taken[..2].iter().map(SpanRecord::weight).sum();
    assert!(!queue.push_all(taken.drain(..2), weight, |_| {}));
    queue.discard(|_| {});
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn what_one_thread_hands_another_by_handfuls_arrives_whole_and_in_order() {
    const HANDFULS: usize = 500;
    let queue = Queue::of_one_thread(bounds(16, ROOMY, 8, ROOMY));
    let (names, refused) = std::thread::scope(|scope| {
        let pusher = scope.spawn(|| {
            let mut refused = 0;
            for _ in 0..HANDFULS {
                let handful = spans(7);
                let weight = handful.iter().map(SpanRecord::weight).sum();
                queue.push_all(handful.into_iter(), weight, |_| refused += 1);
                std::thread::yield_now();
            }
            refused
        });
        let (mut names, mut taken) = (Vec::new(), Vec::new());
        while !pusher.is_finished() || queue.len() > 0 {
            let bytes = queue.pop_into(&mut taken, (10, ROOMY), |_| {});
            queue.release(bytes);
            names.extend(taken.drain(..).map(|span| span.name().to_owned()));
            std::thread::yield_now();
        }
        (names, pusher.join().unwrap())
    });
    assert_eq!(names.len() + refused, 7 * HANDFULS);
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
    // Of a handful that does not fit the last ones are refused.
    let mut expected = 0;
    for name in names {
        let number: usize = name.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(number == expected || number == 0, "{name} after {expected}");
        expected = (number + 1) % 7;
    }
}
