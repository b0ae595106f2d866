//! The segments of one process: what is written to which, what is read next, what goes when there is no room.

mod room;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracing_core_ctx::{Clock as _, IdGenerator as _, RandomIds, SystemClock};

use super::Rank;
use super::config::{SpoolConfig, SpoolSync};
use super::group::Group;
use super::record::RecordHead;
use super::segment::{Found, Segment};
use super::slot::{self, Slot};
use super::sync::Syncer;
use crate::counters::{Done, SpoolLoss};
use crate::outlet::Settle;

/// How long settled records may be unknown to the next process.
const PROGRESS: Duration = Duration::from_millis(100);

pub(crate) struct Store {
    config: SpoolConfig,
    slot: Slot,
    /// By rank, the oldest first.
    streams: [VecDeque<Kept>; 2],
    /// Of the next record.
    number: u64,
    /// Of the next segment.
    segment: u64,
    last_sync: Instant,
    written: bool,
    syncer: Syncer,
    last_progress: Instant,
    /// Errors of the disk, and segments whose end could not be read, since they were last asked for.
    pub(crate) errors: usize,
    pub(crate) cut: usize,
    pub(crate) last_error: Option<io::Error>,
}

struct Kept {
    id: u64,
    segment: Segment,
    expires: Instant,
    /// Records may be added.
    open: bool,
}

impl Store {
    /// Finds what earlier processes left, and tells how many spans that is.
    pub(crate) fn open(config: SpoolConfig, slot: Slot, settle: &mut Settle<'_>) -> Self {
        let now = Instant::now();
        let mut store = Self {
            config,
            slot,
            streams: Default::default(),
            number: 0,
            segment: 0,
            last_sync: now,
            written: false,
            syncer: Syncer::default(),
            last_progress: now,
            errors: 0,
            cut: 0,
            last_error: None,
        };
        let mut errors = Vec::new();
        store.slot.adopt(&mut |error| errors.push(error));
        for error in errors {
            store.check_error(error);
        }
        let segments = slot::segments(store.slot.folder());
        let wall = wall_clock();
        for path in store.check(segments).unwrap_or_default() {
            let Some(rank) = slot::rank(&path) else {
                continue;
            };
            match Segment::open(path.clone()) {
                Ok(found) => store.keep(rank, found, wall, settle),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    store.cut += 1;
                    let removed = std::fs::remove_file(path);
                    store.check(removed);
                }
                Err(error) => store.check_error(error),
            }
        }
        // Such as have nothing that can be read.
        store.tidy();
        store
    }

    fn keep(&mut self, rank: Rank, found: Found, wall: Duration, settle: &mut Settle<'_>) {
        self.cut += usize::from(found.is_cut);
        self.number = self.number.max(found.last_number + 1);
        settle(Done::Recovered {
            spans: found.segment.spans,
        });
        let age = wall.saturating_sub(found.made);
        let left = self.config.max_age.saturating_sub(age);
        let id = self.next_id();
        self.streams[rank as usize].push_back(Kept {
            id,
            segment: found.segment,
            expires: crate::cutoff::after(left),
            open: false,
        });
    }

    /// Writes a record, making room for it where it has to; where there is none, it is lost. After `Err` nothing has
    /// become of it.
    pub(crate) fn append(
        &mut self,
        rank: Rank,
        spans: usize,
        payload: &[u8],
        settle: &mut Settle<'_>,
    ) -> io::Result<()> {
        let head = RecordHead::new(self.number, spans, payload)
            .ok_or_else(|| io::Error::other("a batch is larger than a record may be"))?;
        if !self.make_room(rank, head.len(), settle) {
            settle(Done::Spooled { spans });
            settle(Done::SpoolLost {
                spans,
                why: SpoolLoss::Full,
            });
            return Ok(());
        }
        let appended = self.write(rank, head, payload);
        if let Err(error) = &appended {
            self.check_error(io::Error::new(error.kind(), error.to_string()));
        } else {
            self.number += 1;
            self.written = true;
            settle(Done::Spooled { spans });
            if self.config.sync == SpoolSync::Always {
                self.sync_now();
            }
        }
        appended
    }

    fn write(&mut self, rank: Rank, head: RecordHead, payload: &[u8]) -> io::Result<()> {
        let full = self.config.segment_bytes();
        let open = self.streams[rank as usize]
            .back_mut()
            .filter(|kept| kept.open && kept.segment.len() < full);
        let kept = match open {
            Some(kept) => kept,
            None => self.create(rank)?,
        };
        let appended = kept.segment.append(head, payload);
        kept.open = appended.is_ok();
        appended
    }

    fn create(&mut self, rank: Rank) -> io::Result<&mut Kept> {
        // What was written to the last one is not synced with this one.
        self.sync();
        let made = wall_clock();
        let id = self.next_id();
        // Another process may be in another container with the same clock and process id, and in this folder later.
        let name = format!(
            "{:013}-{id:06}-{}.{}",
            made.as_millis(),
            RandomIds::default().span_id(),
            rank.extension()
        );
        let segment = Segment::create(self.slot.folder().join(name), made)?;
        let stream = &mut self.streams[rank as usize];
        if let Some(last) = stream.back_mut() {
            last.open = false;
        }
        stream.push_back(Kept {
            id,
            segment,
            expires: crate::cutoff::after(self.config.max_age),
            open: true,
        });
        stream.back_mut().ok_or_else(|| io::ErrorKind::Other.into())
    }

    const fn next_id(&mut self) -> u64 {
        self.segment += 1;
        self.segment
    }

    /// The oldest records, as many as make a request.
    pub(crate) fn next(
        &mut self,
        max_spans: usize,
        max_bytes: usize,
        settle: &mut Settle<'_>,
    ) -> Option<Group> {
        let mut group: Option<Group> = None;
        let mut payloads = Vec::new();
        while let Some(rank) = self.oldest() {
            let stream = &mut self.streams[rank as usize];
            let Some(kept) = stream
                .iter_mut()
                .find(|kept| kept.segment.next_number().is_some())
            else {
                break;
            };
            if let Some(group) = &group
                && (group.spans >= max_spans
                    || payloads.len() + kept.segment.next_bytes() > max_bytes)
            {
                break;
            }
            let number = kept.segment.next_number().unwrap_or_default();
            let mut lost = 0;
            let record = kept.segment.read(&mut lost);
            if lost > 0 {
                self.cut += 1;
            }
            if let Some(record) = record {
                match record.payload {
                    Some(payload) => {
                        let group = group.get_or_insert_with(|| Group {
                            number,
                            payload: Bytes::new(),
                            spans: 0,
                            expires: kept.expires,
                            parts: Vec::new(),
                        });
                        // Messages of Protocol Buffers one behind the other are one message with the fields of both.
                        payloads.extend_from_slice(&payload);
                        group.spans += record.spans;
                        group.parts.push((rank, kept.id, record.end));
                    }
                    None => {
                        lost += record.spans;
                        kept.segment.settle(record.end);
                    }
                }
            }
            if lost > 0 {
                settle(Done::SpoolLost {
                    spans: lost,
                    why: SpoolLoss::Damaged,
                });
            }
        }
        if group.is_none() {
            // All that was left was damaged.
            self.tidy();
        }
        group.map(|group| Group {
            payload: payloads.into(),
            ..group
        })
    }

    /// In which stream the oldest record lies that is not read.
    fn oldest(&self) -> Option<Rank> {
        Rank::ALL
            .into_iter()
            .filter(|rank| self.next_of(*rank).is_some())
            .min_by_key(|rank| self.next_of(*rank))
    }

    fn next_of(&self, rank: Rank) -> Option<u64> {
        let stream = &self.streams[rank as usize];
        stream.iter().find_map(|kept| kept.segment.next_number())
    }

    /// The number of the oldest record that is not read.
    pub(crate) fn next_unread(&self) -> Option<u64> {
        Rank::ALL
            .into_iter()
            .filter_map(|rank| self.next_of(rank))
            .min()
    }

    /// The number of the next record that is written.
    pub(crate) const fn next_number(&self) -> u64 {
        self.number
    }

    /// These records are delivered, or lost: they are not needed any more.
    pub(crate) fn settle(&mut self, group: &Group) {
        for (rank, id, end) in &group.parts {
            let stream = &mut self.streams[*rank as usize];
            if let Some(kept) = stream.iter_mut().find(|kept| kept.id == *id) {
                kept.segment.settle(*end);
            }
        }
        self.tidy();
    }

    /// Deletes segments that are done.
    fn tidy(&mut self) {
        for rank in Rank::ALL {
            while let Some(index) = self.streams[rank as usize]
                .iter()
                .position(|kept| kept.segment.is_done())
            {
                if let Some(kept) = self.streams[rank as usize].remove(index) {
                    let deleted = kept.segment.delete();
                    self.check(deleted);
                }
            }
        }
    }

    /// Writes down what is due by time.
    pub(crate) fn keep_up(&mut self) {
        if let SpoolSync::Every(interval) = self.config.sync
            && self.last_sync.elapsed() >= interval
        {
            self.sync();
        }
        for error in self.syncer.take_errors() {
            self.check_error(error);
        }
        if self.last_progress.elapsed() >= PROGRESS {
            self.write_progress();
        }
    }

    /// The process ends: everything is written down.
    pub(crate) fn close(&mut self) {
        self.tidy();
        self.sync_now();
        self.write_progress();
    }

    /// Has what was written brought onto the disk, and does not wait for it.
    fn sync(&mut self) {
        self.last_sync = Instant::now();
        if self.config.sync == SpoolSync::Never || !std::mem::take(&mut self.written) {
            return;
        }
        for rank in Rank::ALL {
            let open = self.streams[rank as usize].back();
            let asked = open.map_or(Ok(true), |kept| kept.segment.sync(&mut self.syncer));
            self.written |= self.check(asked) == Some(false);
        }
    }

    /// Brings it onto the disk.
    fn sync_now(&mut self) {
        self.last_sync = Instant::now();
        if self.config.sync == SpoolSync::Never || !std::mem::take(&mut self.written) {
            return;
        }
        for rank in Rank::ALL {
            let open = self.streams[rank as usize].back();
            let synced = open.map_or(Ok(()), |kept| kept.segment.sync_now());
            self.check(synced);
        }
    }

    fn write_progress(&mut self) {
        self.last_progress = Instant::now();
        let mut failed = Vec::new();
        for kept in self.streams.iter_mut().flatten() {
            failed.extend(kept.segment.write_progress().err());
        }
        for error in failed {
            self.check_error(error);
        }
    }

    /// Spans that nobody has read.
    pub(crate) fn unread(&self) -> usize {
        let segments = self.streams.iter().flatten();
        segments.map(|kept| kept.segment.unread).sum()
    }

    pub(crate) const fn max_bytes(&self) -> u64 {
        self.config.max_bytes
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        let segments = self.streams.iter().flatten();
        segments.map(|kept| kept.segment.len()).sum()
    }

    fn check<T>(&mut self, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| self.check_error(error)).ok()
    }

    fn check_error(&mut self, error: io::Error) {
        self.errors += 1;
        self.last_error = Some(error);
    }
}

fn wall_clock() -> Duration {
    Duration::from_nanos(SystemClock::new().now().as_unix_nanos())
}
