//! What goes when there is no room, or when it has been here for too long.

use std::time::Instant;

use super::Store;
use crate::counters::{Done, SpoolLoss};
use crate::outlet::Settle;
use crate::spool::Rank;

impl Store {
    /// Throws away the oldest segments of which nothing is under way, for what is of this rank: errors and what was kept for a reason go last, and only for
    /// their like. False if that is not enough.
    pub(super) fn make_room(&mut self, rank: Rank, bytes: u64, settle: &mut Settle<'_>) -> bool {
        let victims: &[Rank] = match rank {
            Rank::First => &[Rank::Rest, Rank::First],
            Rank::Rest => &[Rank::Rest],
        };
        if bytes > self.config.max_bytes {
            return false;
        }
        while self.bytes() + bytes > self.config.max_bytes {
            let victim = victims.iter().find_map(|&rank| {
                let stream = &self.streams[rank as usize];
                let index = stream.iter().position(|kept| !kept.segment.is_out())?;
                Some((rank, index))
            });
            let Some((rank, index)) = victim else {
                return false;
            };
            self.throw_away(rank, index, SpoolLoss::Full, settle);
        }
        true
    }

    /// Throws away what is too old.
    pub(crate) fn expire(&mut self, settle: &mut Settle<'_>) {
        let now = Instant::now();
        for rank in Rank::ALL {
            while let Some(index) = self.streams[rank as usize]
                .iter()
                .position(|kept| kept.expires <= now && !kept.segment.is_out())
            {
                self.throw_away(rank, index, SpoolLoss::Expired, settle);
            }
        }
    }

    fn throw_away(&mut self, rank: Rank, index: usize, why: SpoolLoss, settle: &mut Settle<'_>) {
        if let Some(kept) = self.streams[rank as usize].remove(index) {
            let spans = kept.segment.spans;
            if spans > 0 {
                settle(Done::SpoolLost { spans, why });
            }
            let deleted = kept.segment.delete();
            self.check(deleted);
        }
    }
}
