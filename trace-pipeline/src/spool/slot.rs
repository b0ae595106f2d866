//! Which part of a spool's directory a process has to itself.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Rank;
use super::segment::progress_path;

/// A folder with a lock that is held as long as this lives, or the process.
#[derive(Debug)]
pub(crate) struct Slot {
    folder: PathBuf,
    _lock: File,
}

/// More processes than that do not share a directory.
const SLOTS: usize = 256;

impl Slot {
    /// Takes the first folder that nobody has. One that can not be had is somebody else's.
    pub(crate) fn claim(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let mut first_error = None;
        for number in 0..SLOTS {
            let folder = directory.join(number.to_string());
            match fs::create_dir_all(&folder).and_then(|()| lock(&folder)) {
                Ok(Some(lock)) => {
                    return Ok(Self {
                        folder,
                        _lock: lock,
                    });
                }
                Ok(None) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| io::Error::other("too many processes use it")))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves here what is left in the folders of processes that have ended. What can not be moved stays where it is, and is told of.
    pub(super) fn adopt(&self, tell: &mut dyn FnMut(io::Error)) {
        let Some(directory) = self.folder.parent() else {
            return;
        };
        let entries = fs::read_dir(directory).map(|entries| {
            for entry in entries {
                let adopted = entry.and_then(|entry| self.adopt_folder(&entry.path(), tell));
                adopted.unwrap_or_else(&mut *tell);
            }
        });
        entries.unwrap_or_else(tell);
    }

    fn adopt_folder(&self, folder: &Path, tell: &mut dyn FnMut(io::Error)) -> io::Result<()> {
        if folder == self.folder || !is_slot(folder) {
            return Ok(());
        }
        let Some(_lock) = lock(folder)? else {
            return Ok(());
        };
        for segment in segments(folder)? {
            self.adopt_segment(&segment).unwrap_or_else(&mut *tell);
        }
        Ok(())
    }

    fn adopt_segment(&self, segment: &Path) -> io::Result<()> {
        let Some(name) = segment.file_name() else {
            return Ok(());
        };
        let here = self.folder.join(name);
        let progress = progress_path(segment);
        // Before the segment: one without its progress would be delivered again.
        if progress.exists() {
            fs::rename(progress, progress_path(&here))?;
        }
        fs::rename(segment, here)
    }
}

fn is_slot(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.parse::<usize>().is_ok_and(|number| number < SLOTS) && folder.is_dir()
}

/// The segments in a folder, in the order in which they were made.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if rank(&path).is_some() {
            segments.push(path);
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// The lock of a folder, unless somebody else has it.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt as _;
        const ERROR_SHARING_VIOLATION: i32 = 32;
        return match options.share_mode(0).open(folder.join("lock")) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(None),
            Err(error) => Err(error),
        };
    }
    #[cfg(not(windows))]
    {
        use rustix::fs::{FlockOperation, flock};
        let file = options.open(folder.join("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// By the name of the file.
pub(super) fn rank(path: &Path) -> Option<Rank> {
    let extension = path.extension()?;
    Rank::ALL
        .into_iter()
        .find(|rank| extension == rank.extension())
}
