//! Lists that stay: what callers send with every trace, a sampling threshold or a tenant, is some bytes that are the same for as long as the program runs.
//! A span shares its list with the thread that sends it away, and to count that takes longer than all else that is done with it.
//!
//! There are few, so that no caller can fill the memory; those that come later are counted.

use std::sync::{Mutex, PoisonError};

use super::keys::Keys;
use super::shared::List;

/// Of this process.
pub(super) static LISTS: Constants = Constants {
    lists: Mutex::new(Vec::new()),
};

pub(super) struct Constants {
    lists: Mutex<Vec<&'static List>>,
}

/// How many there are at most. Each is as long as what a thread keeps.
const MOST: usize = 64;

impl Constants {
    /// The list of this text; `None` where there are too many.
    pub(super) fn of(&self, text: &[u8], keys: Keys) -> Option<&'static List> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lists.iter().find(|known| known.text == text) {
            return Some(known);
        }
        if lists.len() == MOST {
            return None;
        }
        let list: &List = Box::leak(Box::new(List {
            text: text.to_vec(),
            keys,
        }));
        lists.push(list);
        Some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_once_and_there_is_a_limit() {
        let constants = Constants {
            lists: Mutex::new(Vec::new()),
        };
        let of = |number: usize| constants.of(format!("a={number}").as_bytes(), Keys::NONE);
        let first = of(0).unwrap();
        assert_eq!((1..1000).filter_map(of).count(), MOST - 1);
        assert!(std::ptr::eq(of(0).unwrap(), first));
        assert!(of(1000).is_none());
    }
}
