use std::collections::VecDeque;

use amq_protocol::protocol::{AMQPClass, basic};

/// The answers to the publications on a channel. They wait until the socket can take them; many equal ones in a row become one.
#[derive(Debug, Default)]
pub(super) struct Confirms {
    last: u64,
    runs: VecDeque<Run>,
}

#[derive(Debug)]
struct Run {
    last: u64,
    count: u64,
    is_ack: bool,
}

impl Confirms {
    /// Answers the next publication.
    pub(super) fn answer(&mut self, is_ack: bool) {
        self.last += 1;
        match self.runs.back_mut() {
            Some(run) if run.is_ack == is_ack => {
                run.last = self.last;
                run.count += 1;
            }
            _ => self.runs.push_back(Run {
                last: self.last,
                count: 1,
                is_ack,
            }),
        }
    }

    /// What there is to say.
    pub(super) fn take(&mut self) -> impl Iterator<Item = AMQPClass> + '_ {
        let runs = self.runs.drain(..);
        runs.map(|run| {
            let (delivery_tag, multiple) = (run.last, run.count > 1);
            AMQPClass::Basic(match run.is_ack {
                true => basic::AMQPMethod::Ack(basic::Ack {
                    delivery_tag,
                    multiple,
                }),
                false => basic::AMQPMethod::Nack(basic::Nack {
                    delivery_tag,
                    multiple,
                    requeue: false,
                }),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a client makes of the answers: the outcome of each publication, in their order.
    fn read(answers: impl Iterator<Item = AMQPClass>, known: &mut Vec<bool>) {
        for answer in answers {
            let (tag, multiple, is_ack) = match answer {
                AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => {
                    (ack.delivery_tag, ack.multiple, true)
                }
                AMQPClass::Basic(basic::AMQPMethod::Nack(nack)) => {
                    (nack.delivery_tag, nack.multiple, false)
                }
                other => panic!("{other:?}"),
            };
            let count = usize::try_from(tag).unwrap() - known.len();
            assert!(multiple || count == 1);
            known.extend(std::iter::repeat_n(is_ack, count));
        }
    }

    proptest! {
        #[test]
        fn every_publication_has_its_own_answer(batches in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..6), 0..6)) {
            let mut confirms = Confirms::default();
            let mut known = Vec::new();
            for batch in &batches {
                for is_ack in batch {
                    confirms.answer(*is_ack);
                }
                read(confirms.take(), &mut known);
            }
            prop_assert_eq!(known, batches.concat());
        }
    }
}
