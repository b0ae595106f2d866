//! Child processes: cargo itself, and programs that must end within a limit.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::Result;

/// What a child wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Both streams, in the order in which the lines arrived.
    pub(crate) lines: Vec<String>,
}

/// Cargo as it was called, in an environment as if no xtask stood between.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if is_left_by_cargo_run(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether `program` answers to `--version`.
pub(crate) fn is_installed(command: &mut Command) -> bool {
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs `command` to its end on our own streams; a failure is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start `{}`: {error}", line(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed ({status})", line(command)).into())
    }
}

/// Runs `command` to its end, shows its output as it comes and keeps a copy.
pub(crate) fn run_and_keep(command: &mut Command) -> Result<Finished> {
    collect(command, true, None)
}

/// Runs `command` silently and keeps its output; ends it when it takes longer than `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Finished> {
    collect(command, false, Some(limit))
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = if command.get_program() == cargo().get_program() {
        "cargo".into()
    } else {
        command.get_program().to_string_lossy()
    };
    let words = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(program)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

fn collect(command: &mut Command, show: bool, limit: Option<Duration>) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start `{}`: {error}", line(command)))?;
    let (kept, arrived) = mpsc::channel();
    let readers = [
        child
            .stdout
            .take()
            .map(|stream| keep(stream, kept.clone(), show.then(io::stdout))),
        child
            .stderr
            .take()
            .map(|stream| keep(stream, kept, show.then(io::stderr))),
    ];

    // Both readers hang up when the child closes its streams: that is the end we wait for.
    let mut lines = Vec::new();
    let started = Instant::now();
    loop {
        let next = match limit {
            None => arrived
                .recv()
                .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            Some(limit) => arrived.recv_timeout(limit.saturating_sub(started.elapsed())),
        };
        match next {
            Ok(line) => lines.push(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                let limit = limit.unwrap_or_default();
                let said = lines.join("\n");
                return Err(
                    format!("`{}` did not end within {limit:?}\n{said}", line(command)).into(),
                );
            }
        }
    }
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    let status = child.wait()?;
    Ok(Finished { status, lines })
}

/// Sends each line of `stream` to `kept`, and shows it first when there is somewhere to show it.
fn keep<S, W>(stream: S, kept: mpsc::Sender<String>, mut show: Option<W>) -> thread::JoinHandle<()>
where
    S: Read + Send + 'static,
    W: Write + Send + 'static,
{
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(mut line) = line else { return };
            if let Some(show) = &mut show {
                line.push(b'\n');
                let _ = show.write_all(&line);
                line.pop();
            }
            let _ = kept.send(String::from_utf8_lossy(&line).into_owned());
        }
    })
}

/// `cargo run` describes the package that it runs in the environment. A build script that watches these variables (the
/// one of `ring` does) would build anew each time a task follows a plain cargo command.
pub(crate) fn is_left_by_cargo_run(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(&*name, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "OUT_DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_that_hangs_is_ended_and_what_it_said_is_told() {
        let limit = Duration::from_millis(200);
        let error = run_within(&mut shell("echo before; exec sleep 600"), limit).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("did not end within 200ms"), "{message}");
        assert!(message.contains("before"), "{message}");
    }

    #[test]
    fn both_streams_are_kept_with_the_status() {
        let limit = Duration::from_secs(60);
        let finished = run_within(&mut shell("echo out; echo err >&2; exit 3"), limit).unwrap();
        let mut lines = finished.lines;
        lines.sort_unstable();
        assert_eq!(lines, ["err", "out"]);
        assert_eq!(finished.status.code(), Some(3));
    }

    #[test]
    fn the_package_of_the_task_is_hidden_from_the_cargo_it_starts() {
        assert!(is_left_by_cargo_run("CARGO_PKG_VERSION".as_ref()));
        assert!(is_left_by_cargo_run("CARGO_MANIFEST_DIR".as_ref()));
        assert!(!is_left_by_cargo_run("CARGO_HOME".as_ref()));
        assert!(!is_left_by_cargo_run("CARGO_TARGET_DIR".as_ref()));
    }
}
