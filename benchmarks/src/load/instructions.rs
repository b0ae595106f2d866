//! Instructions of a whole server for each request, by callgrind: what no other program on the machine can change.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

use super::client::ask;
use super::middleware::Middleware;
use super::process::{RECEIVE, Role, SERVE};
use crate::Error;
use crate::instructions::{KEPT, callgrind, read_total};

// Two runs, whose difference is what the requests cost, without the start and the end. Their spans are whole batches.
const FEW: usize = 1024;
const MANY: usize = 4096;

/// For each request, outside of the kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Instructions {
    /// The thread that serves.
    pub(crate) serving: f64,
    /// All others, which send spans.
    pub(crate) others: f64,
}

/// Counts a server's instructions.
///
/// # Errors
///
/// When there is no valgrind, or spans are missing.
pub(crate) fn count(middleware: &Middleware) -> Result<Instructions, Error> {
    let few = run(middleware, FEW)?;
    let many = run(middleware, MANY)?;
    #[expect(clippy::cast_precision_loss, reason = "the totals of short runs")]
    let each = |few: u64, many: u64| many.saturating_sub(few) as f64 / (MANY - FEW) as f64;
    Ok(Instructions {
        serving: each(few.0, many.0),
        others: each(few.1, many.1),
    })
}

/// The instructions of the first thread, and of the others.
fn run(middleware: &Middleware, requests: usize) -> Result<(u64, u64), Error> {
    let program = env::current_exe()?;
    let mut receiver = Role::start(&program, &[RECEIVE])?;
    let counted = by_thread(|callgrind| {
        let mut server =
            Role::of(
                callgrind
                    .arg(&program)
                    .args([SERVE, middleware.name(), receiver.address()]),
            )?;
        ask(server.address(), requests)?;
        server.ask()?;
        server.end()
    })?;
    let arrived = receiver.ask()?.0;
    let expected = if middleware.traces() {
        requests as u64
    } else {
        0
    };
    if arrived != expected {
        return Err(format!("{}: {arrived} spans of {expected}", middleware.name()).into());
    }
    Ok(counted)
}

/// The instructions of the first thread, and of the others, of a program that `run` runs to its end with this command.
pub(crate) fn by_thread(
    run: impl FnOnce(&mut Command) -> Result<(), Error>,
) -> Result<(u64, u64), Error> {
    let profiles = Profiles::new()?;
    run(callgrind(&profiles.0.join("profile"), KEPT).arg("--separate-threads=yes"))?;
    profiles.totals()
}

/// The folder into which callgrind writes a file for each thread; gone afterwards.
struct Profiles(PathBuf);

impl Profiles {
    fn new() -> Result<Self, Error> {
        let folder = env::temp_dir().join(format!("callgrind.{}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn totals(&self) -> Result<(u64, u64), Error> {
        let (mut first, mut others) = (0, 0);
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            // A thread that did nothing has none.
            let total = read_total(&fs::read_to_string(entry.path())?).unwrap_or_default();
            match entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix("profile-"))
            {
                Some("01") => first += total,
                Some(_) => others += total,
                // What threads have in common: nothing.
                None => {}
            }
        }
        Ok((first, others))
    }
}

impl Drop for Profiles {
    fn drop(&mut self) {
        // It lies where such files are cleared away.
        let _ = fs::remove_dir_all(&self.0);
    }
}
