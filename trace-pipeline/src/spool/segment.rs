//! A file of records: written at its end, read from its beginning, deleted when all of it is settled.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::record::{RecordHead, SegmentHead, progress_to_bytes, read_progress};
use super::sync::Syncer;

#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// Where the next record is written.
    end: u64,
    /// The next record to read, and where it lies.
    next: Option<RecordHead>,
    cursor: u64,
    /// Records that were read and are not settled, in their order, and settled ones behind such.
    out: VecDeque<Out>,
    /// Where the first record begins that is not settled.
    settled: u64,
    progress_is_old: bool,
    /// Spans that are not settled.
    pub(super) spans: usize,
    /// Spans that are not read.
    pub(super) unread: usize,
}

#[derive(Debug)]
struct Out {
    end: u64,
    spans: usize,
    settled: bool,
}

/// A record that was read.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) spans: usize,
    /// Where it ends, which is its name in this segment.
    pub(super) end: u64,
    /// `None` if it is damaged.
    pub(super) payload: Option<Vec<u8>>,
}

/// A segment of an earlier process.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) segment: Segment,
    pub(super) made: Duration,
    /// The highest number of a record.
    pub(super) last_number: u64,
    /// The rest of it can not be read.
    pub(super) is_cut: bool,
}

impl Segment {
    pub(super) fn create(path: PathBuf, made: Duration) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        if let Err(error) = file.write_all(&SegmentHead { made }.to_bytes()) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self::at(path, file, SegmentHead::LEN as u64))
    }

    const fn at(path: PathBuf, file: File, start: u64) -> Self {
        Self {
            path,
            file,
            end: start,
            next: None,
            cursor: start,
            out: VecDeque::new(),
            settled: start,
            progress_is_old: false,
            spans: 0,
            unread: 0,
        }
    }

    /// Opens what an earlier process left. An error of kind `InvalidData` is a file that is no segment.
    pub(super) fn open(path: PathBuf) -> io::Result<Found> {
        let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
        let len = file.metadata()?.len();
        let mut head = [0; SegmentHead::LEN];
        let head = file.read_exact(&mut head).map(|()| head);
        let Some(head) = head.ok().and_then(|head| SegmentHead::read(&head)) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let start = fs::read(progress_path(&path))
            .ok()
            .and_then(|bytes| read_progress(&bytes))
            .filter(|offset| (SegmentHead::LEN as u64..=len).contains(offset))
            .unwrap_or(SegmentHead::LEN as u64);
        let mut segment = Self::at(path, file, start);
        let mut last_number = 0;
        while let Some(head) = segment.head_at(segment.end)?
            && segment.end + head.len() <= len
        {
            segment.next = segment.next.or(Some(head));
            segment.end += head.len();
            segment.spans += head.spans as usize;
            last_number = head.number;
        }
        segment.unread = segment.spans;
        Ok(Found {
            is_cut: segment.end < len,
            segment,
            made: head.made,
            last_number,
        })
    }

    /// The head of a record, unless there is none or it is damaged.
    fn head_at(&mut self, offset: u64) -> io::Result<Option<RecordHead>> {
        let mut head = [0; RecordHead::LEN];
        self.file.seek(SeekFrom::Start(offset))?;
        match self.file.read_exact(&mut head) {
            Ok(()) => Ok(RecordHead::read(&head)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a record at the end. When that fails, the segment is as it was, but should not be written any more.
    pub(super) fn append(&mut self, head: RecordHead, payload: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        // A head without its payload, as a process leaves it that is killed in between, is not taken for a record.
        let written = self
            .file
            .write_all(&head.to_bytes())
            .and_then(|()| self.file.write_all(payload));
        if let Err(error) = written {
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        if self.next.is_none() {
            self.next = Some(head);
        }
        self.end += head.len();
        self.spans += head.spans as usize;
        self.unread += head.spans as usize;
        Ok(())
    }

    /// The number of the next record to read.
    pub(super) fn next_number(&self) -> Option<u64> {
        self.next.map(|head| head.number)
    }

    pub(super) fn next_bytes(&self) -> usize {
        self.next.map_or(0, |head| head.bytes as usize)
    }

    /// Reads the next record, which is under way then until it is [settled](Self::settle). Spans that can not be read
    /// any more are added to `lost`.
    pub(super) fn read(&mut self, lost: &mut usize) -> Option<Record> {
        let head = self.next.take()?;
        let Ok(payload) = self.payload(head) else {
            *lost += self.give_up();
            return None;
        };
        let spans = head.spans as usize;
        self.cursor += head.len();
        self.unread -= spans;
        self.out.push_back(Out {
            end: self.cursor,
            spans,
            settled: false,
        });
        let record = Record {
            spans,
            end: self.cursor,
            payload: head.fits(&payload).then_some(payload),
        };
        if self.cursor < self.end {
            // It was sound when it was written, or when the segment was opened.
            match self.head_at(self.cursor) {
                Ok(Some(next)) => self.next = Some(next),
                Ok(None) | Err(_) => *lost += self.give_up(),
            }
        }
        Some(record)
    }

    fn payload(&mut self, head: RecordHead) -> io::Result<Vec<u8>> {
        let mut payload = vec![0; head.bytes as usize];
        self.file
            .seek(SeekFrom::Start(self.cursor + RecordHead::LEN as u64))?;
        self.file.read_exact(&mut payload)?;
        Ok(payload)
    }

    /// Nothing of it is read any more.
    fn give_up(&mut self) -> usize {
        let lost = std::mem::take(&mut self.unread);
        self.spans -= lost;
        self.end = self.cursor;
        lost
    }

    /// The record that ends there is delivered, or lost.
    pub(super) fn settle(&mut self, end: u64) {
        if let Some(out) = self
            .out
            .iter_mut()
            .find(|out| out.end == end && !out.settled)
        {
            out.settled = true;
            self.spans -= out.spans;
        }
        while self.out.front().is_some_and(|out| out.settled)
            && let Some(out) = self.out.pop_front()
        {
            self.settled = out.end;
            self.progress_is_old = true;
        }
    }

    /// Nothing in it is needed any more.
    pub(super) fn is_done(&self) -> bool {
        self.next.is_none() && self.out.is_empty()
    }

    /// Records of it are under way.
    pub(super) fn is_out(&self) -> bool {
        !self.out.is_empty()
    }

    pub(super) const fn len(&self) -> u64 {
        self.end
    }

    /// Has it brought onto the disk; false if it has to be asked for again.
    pub(super) fn sync(&self, syncer: &mut Syncer) -> io::Result<bool> {
        syncer.bring(&self.file)
    }

    pub(super) fn sync_now(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Writes down how far it is settled, if that has changed: all or nothing of it can be read afterwards. Nobody waits for the disk: where the machine
    /// ends before it is there, more is sent again.
    pub(super) fn write_progress(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.progress_is_old) {
            return Ok(());
        }
        let path = progress_path(&self.path);
        let new = with_extension(&path, ".new");
        let mut file = File::create(&new)?;
        file.write_all(&progress_to_bytes(self.settled))?;
        fs::rename(new, path)
    }

    pub(super) fn delete(self) -> io::Result<()> {
        let progress = fs::remove_file(progress_path(&self.path));
        fs::remove_file(&self.path)?;
        match progress {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

pub(super) fn progress_path(segment: &Path) -> PathBuf {
    with_extension(segment, ".ack")
}

fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(extension);
    path.into()
}
