//! What happens when more waits than there is room for.
//!
//! Not the oldest go, nor the newest, but those of the lowest randomness: the same as if the rules had kept fewer from the beginning, so
//! that the rest can be counted with the threshold that this amounts to.

use std::time::Duration;

use super::{ALL, Reason, Stage};
use crate::tail::local::{Fate, Key, Local, is_certain};
use crate::tail::window::Window;

/// However little room there is, this part of all traces is not refused: else it would take long to find out that there is room again.
pub(super) const HIGHEST_FLOOR: u64 = ALL - (ALL >> 10);

impl Stage {
    /// Raises the threshold of all until the rest fits.
    pub(super) fn make_room(&mut self, now: Duration) {
        let room = self.tail.bytes;
        if self.held <= room {
            return;
        }
        self.floor = self
            .floor
            .max(self.find_floor(self.held - (room - room / 8)));
        let (floor, thins) = (self.floor, self.thins);
        let goes = |local: &Local| local.randomness < floor && !is_certain(local, thins);
        let gone: Vec<(Key, Local)> = self.open.extract_if(|_, local| goes(local)).collect();
        for (key, local) in gone {
            self.settle(key, local, Fate::Dropped, None, Reason::Room);
        }
        if let Some(window) = &mut self.window {
            let gone = window.take_out(goes);
            for local in window.locals() {
                local.floor = local.floor.max(floor);
            }
            self.drop_all(gone, Reason::Room);
        }
        for local in self.open.values_mut() {
            local.floor = local.floor.max(floor);
        }
        if self.held > room {
            // All that is left leaves in any case: it need not wait here.
            self.decide_early(now, |_| true);
            self.close_window(now);
        }
    }

    /// The threshold below which lie `bytes` of what can be dropped, or all of it if that is less.
    fn find_floor(&mut self, bytes: usize) -> u64 {
        let thins = self.thins;
        let waiting = self.window.iter_mut().flat_map(Window::locals);
        let mut all: Vec<(u64, usize)> = waiting
            .map(|local| &*local)
            .chain(self.open.values())
            .filter(|local| !is_certain(local, thins))
            .map(|local| (local.randomness, local.bytes))
            .collect();
        all.sort_unstable();
        let (mut freed, mut floor) = (0, 0);
        for (randomness, bytes_of) in all {
            if freed >= bytes {
                break;
            }
            freed += bytes_of;
            floor = randomness + 1;
        }
        floor.min(HIGHEST_FLOOR)
    }
}
