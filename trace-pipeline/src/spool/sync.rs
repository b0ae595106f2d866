//! Brings what was written onto the disk on a thread of its own: a disk may take its time for that, and meanwhile spans end that have to be written.

use std::fs::File;
use std::io;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Files that wait for their turn. When there are as many, more can wait until the next time.
const WAITING: usize = 4;

/// The thread begins with the first file and ends with this, when it has brought the last one.
#[derive(Debug, Default)]
pub(super) struct Syncer {
    files: Option<SyncSender<File>>,
    errors: Arc<Mutex<Vec<io::Error>>>,
}

impl Syncer {
    /// Has a file brought onto the disk, soon; false if it has to be asked for again.
    pub(super) fn bring(&mut self, file: &File) -> io::Result<bool> {
        let file = file.try_clone()?;
        let files = match self.files.take() {
            Some(files) => files,
            None => self.spawn()?,
        };
        let sent = self.files.insert(files).try_send(file);
        Ok(!matches!(sent, Err(TrySendError::Full(_))))
    }

    fn spawn(&self) -> io::Result<SyncSender<File>> {
        let (sender, files) = mpsc::sync_channel::<File>(WAITING);
        let errors = Arc::clone(&self.errors);
        let work = move || {
            for file in files {
                if let Err(error) = file.sync_data() {
                    lock(&errors).push(error);
                }
            }
        };
        thread::Builder::new()
            .name("trace-spool".into())
            .spawn(work)?;
        Ok(sender)
    }

    /// What has gone wrong since it was last asked.
    pub(super) fn take_errors(&self) -> Vec<io::Error> {
        std::mem::take(&mut lock(&self.errors))
    }
}

fn lock(errors: &Mutex<Vec<io::Error>>) -> std::sync::MutexGuard<'_, Vec<io::Error>> {
    errors.lock().unwrap_or_else(PoisonError::into_inner)
}
