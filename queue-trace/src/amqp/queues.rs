use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lapin::options::QueueDeclareOptions;
use lapin::types::ShortString;

/// The queues that a channel has declared, as far as they matter to the names of spans.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<Declared>);

#[derive(Debug, Default)]
struct Declared {
    /// For the broker, a queue without name is this one.
    last: ShortString,
    /// They are gone with their connection or their last consumer.
    temporary: VecDeque<ShortString>,
}

/// So many temporary ones are known, the last ones.
const MOST: usize = 64;

impl Queues {
    /// Remembers a queue that the broker has declared.
    pub(super) fn declared(&self, name: &ShortString, options: QueueDeclareOptions) {
        let mut declared = self.lock();
        declared.last = name.clone();
        let is_temporary = options.exclusive || options.auto_delete;
        // Who asks for a queue that is there does not say what it is.
        if !is_temporary || options.passive || declared.temporary.contains(name) {
            return;
        }
        if declared.temporary.len() >= MOST {
            declared.temporary.pop_front();
        }
        declared.temporary.push_back(name.clone());
    }

    /// The queue that the broker takes for the one of this name.
    pub(super) fn resolve(&self, name: ShortString) -> ShortString {
        match name.as_str() {
            "" => self.lock().last.clone(),
            _ => name,
        }
    }

    /// Whether it is a temporary one.
    pub(super) fn is_temporary(&self, name: &str) -> bool {
        let declared = self.lock();
        declared.temporary.iter().any(|each| each.as_str() == name)
    }

    fn lock(&self) -> MutexGuard<'_, Declared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCLUSIVE: QueueDeclareOptions = QueueDeclareOptions {
        passive: false,
        durable: false,
        exclusive: true,
        auto_delete: false,
        nowait: false,
    };

    #[test]
    fn a_queue_without_name_is_the_one_that_was_declared_last() {
        let queues = Queues::default();
        assert_eq!(queues.resolve("".into()).as_str(), "");
        queues.declared(&"first".into(), QueueDeclareOptions::default());
        queues.declared(&"amq.gen-7x".into(), EXCLUSIVE);
        assert_eq!(queues.resolve("".into()).as_str(), "amq.gen-7x");
        assert_eq!(queues.resolve("first".into()).as_str(), "first");
    }

    #[test]
    fn queues_that_go_with_their_users_are_temporary() {
        let queues = Queues::default();
        let auto_delete = QueueDeclareOptions::default().auto_delete();
        queues.declared(&"replies-7x".into(), EXCLUSIVE);
        queues.declared(&"news-7x".into(), auto_delete);
        queues.declared(&"jobs".into(), QueueDeclareOptions::durable());
        queues.declared(&"theirs".into(), auto_delete.passive());
        for (name, is_temporary) in [
            ("replies-7x", true),
            ("news-7x", true),
            ("jobs", false),
            ("theirs", false),
        ] {
            assert_eq!(queues.is_temporary(name), is_temporary, "{name}");
        }
    }

    #[test]
    fn no_more_than_a_few_are_known_and_each_once() {
        let queues = Queues::default();
        for number in 0..1000 {
            for _ in 0..2 {
                queues.declared(&format!("replies-{number}").into(), EXCLUSIVE);
            }
        }
        assert_eq!(queues.lock().temporary.len(), MOST);
        assert!(queues.is_temporary("replies-999"));
    }
}
