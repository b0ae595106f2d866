use tracing_core_ctx::Tracer;
use tracing_core_ctx::semconv::ctx_message_settlement as settlement;

use super::*;
use crate::QueueTracer;

fn from(held: &Held) -> Whence {
    let delivery = Delivery::mock(1, "".into(), "jobs".into(), false, Vec::new());
    let queue = QueueTracer::new(Tracer::noop());
    let source = Source::new(queue, "jobs".into(), false, held.clone(), Arc::default());
    Whence::new(&delivery, &Context::new(), &Arc::new(source))
}

/// Takes in those with the tags up to `count`.
fn hold(held: &Held, count: u64) -> Vec<Number> {
    (1..=count)
        .map(|tag| held.insert(tag, from(held)))
        .collect()
}

fn let_go(held: &Held, numbers: &[Number]) -> Vec<&'static str> {
    let tags = 1..;
    let how = tags
        .zip(numbers)
        .map(|(tag, number)| held.remove(tag, *number));
    how.map(|how| how.unwrap_or("-")).collect()
}

#[test]
fn the_first_settlement_that_covers_a_tag_counts() {
    let held = Held::default();
    let numbers = hold(&held, 7);
    assert_eq!(held.settle(3, true, settlement::ACK), Some(3));
    assert_eq!(held.settle(5, false, settlement::REJECT), None, "no batch");
    assert_eq!(held.settle(6, true, settlement::REQUEUE), Some(2));
    let how = let_go(&held, &numbers);
    assert_eq!(
        how,
        ["ack", "ack", "ack", "requeue", "reject", "requeue", "-"]
    );
}

#[test]
fn however_many_are_settled_in_whichever_order_all_are_known() {
    let held = Held::default();
    let numbers = hold(&held, 1000);
    for tag in (1..=1000).rev() {
        held.settle(tag, false, settlement::ACK);
    }
    assert_eq!(let_go(&held, &numbers), ["ack"; 1000]);
    assert!(held.lock().by_tag.is_empty());
}

#[test]
fn tag_zero_stands_for_all_that_were_handed_over() {
    let held = Held::default();
    let numbers = hold(&held, 7);
    assert_eq!(held.settle(0, true, settlement::ACK), Some(7));
    let later = held.insert(8, from(&held));
    assert_eq!(let_go(&held, &numbers), ["ack"; 7]);
    assert_eq!(held.remove(8, later), None);
}

#[test]
fn after_a_recovery_a_tag_is_that_of_another_delivery() {
    let held = Held::default();
    let before = hold(&held, 2);
    held.settle(1, false, settlement::ACK);
    let after = hold(&held, 2);
    held.settle(2, false, settlement::REJECT);
    assert_eq!(let_go(&held, &before), ["ack", "-"]);
    assert_eq!(let_go(&held, &after), ["-", "reject"]);
    assert!(held.lock().replaced.is_empty());
}

#[test]
fn what_is_covered_is_told_before_it_is_settled() {
    let held = Held::default();
    let _numbers = hold(&held, 2);
    held.settle(2, false, settlement::ACK);
    assert!(held.covered(2, false).is_none(), "settled already");
    assert!(held.covered(7, false).is_none(), "never seen");
    let covered = held.covered(7, true).unwrap();
    assert!(covered.is_one_place);
    assert_eq!(covered.last.way().routing_key, "jobs");
}

#[test]
fn how_many_are_settled_at_once_is_not_said_where_some_are_not_known() {
    let held = Held::default();
    let _numbers = hold(&held, 2);
    held.pass();
    assert_eq!(held.settle(2, true, settlement::ACK), None);
}
