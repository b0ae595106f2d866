//! How deep tables and lists lie in each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Deeper than any client writes. The decoder calls itself for each level, and the stack has an end.
const DEEPEST: usize = 64;

/// What stands before the content of a table or a list: its type and its length.
const HEAD: usize = 5;

/// Whether a payload may have more than [`DEEPEST`] tables and lists in each other. It is not decoded for that: whatever could be the beginning of one
/// counts, so it never says less than there are.
pub(super) fn is_too_deep(payload: &[u8]) -> bool {
    let mut open = BinaryHeap::new();
    for (start, head) in payload.windows(HEAD).enumerate() {
        let [b'A' | b'F', length @ ..] = head else {
            continue;
        };
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let end = start + HEAD + length;
        if end > payload.len() {
            continue;
        }
        while open.peek().is_some_and(|Reverse(first)| *first <= start) {
            open.pop();
        }
        open.push(Reverse(end));
        if open.len() > DEEPEST {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use amq_protocol::types::generation::gen_field_table;
    use amq_protocol::types::{AMQPValue, FieldArray, FieldTable};
    use proptest::prelude::*;

    use super::*;

    /// Lists and tables in each other, by turns.
    fn nested(depth: usize) -> FieldTable {
        let mut value = AMQPValue::Boolean(true);
        for level in 0..depth {
            value = match level % 2 {
                0 => AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::Void, value])),
                _ => {
                    let mut table = FieldTable::default();
                    table.insert("within".into(), value);
                    AMQPValue::FieldTable(table)
                }
            };
        }
        let mut table = FieldTable::default();
        table.insert("outermost".into(), value);
        table
    }

    fn bytes(table: &FieldTable) -> Vec<u8> {
        let written = gen_field_table(table)(Vec::new().into());
        written.unwrap().into_inner().0
    }

    #[test]
    fn as_many_as_anybody_needs_are_let_through_and_one_more_is_not() {
        assert!(!is_too_deep(&bytes(&nested(DEEPEST))));
        assert!(is_too_deep(&bytes(&nested(DEEPEST + 1))));
    }

    #[test]
    fn many_beside_each_other_are_not_deep() {
        let list = FieldArray::from(vec![AMQPValue::FieldTable(nested(3)); 1000]);
        let mut table = FieldTable::default();
        table.insert("x-death".into(), AMQPValue::FieldArray(list));
        assert!(!is_too_deep(&bytes(&table)));
    }

    proptest! {
        #[test]
        fn what_is_deep_is_seen_wherever_it_lies(before in proptest::collection::vec(any::<u8>(), 0..40), depth in 65..200_usize) {
            let mut payload = before;
            payload.extend(bytes(&nested(depth)));
            prop_assert!(is_too_deep(&payload));
        }
    }
}
