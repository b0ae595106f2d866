//! Processes that outlive the task that starts them.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Result, process};

/// How long a broker may take to listen, on a machine with much else to do.
const START: Duration = Duration::from_secs(120);

/// How long it may take to end.
const STOP: Duration = Duration::from_secs(30);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A port on the loopback address that nobody has at the moment.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether somebody listens there.
pub(super) fn listens(address: &str) -> bool {
    let address = address.parse::<SocketAddr>();
    address
        .is_ok_and(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
}

/// Starts `command` and waits until it listens on `address`. What it writes goes to `log` in its folder, and who it is to `process`.
///
/// A later [`stop`] knows it by `mark`, a word of its command line.
pub(super) fn start(command: &mut Command, folder: &Path, address: &str, mark: &str) -> Result {
    // One that hangs would stay for ever.
    stop(folder)?;
    let log = folder.join("output.log");
    let output = File::create(&log)?;
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    // What is typed at the terminal is for others.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot start `{}`: {error}", process::line(command)))?;
    fs::write(folder.join("process"), format!("{} {mark}\n", child.id()))?;
    let listens = wait(START, || {
        listens(address) || !matches!(child.try_wait(), Ok(None))
    });
    if let Ok(Some(status)) = child.try_wait() {
        return Err(format!("it ended ({status}), see {}", log.display()).into());
    }
    if !listens {
        stop(folder)?;
        return Err(format!("it did not listen in time, see {}", log.display()).into());
    }
    Ok(())
}

/// Ends what was started in this folder, and says how that went.
pub(super) fn stop(folder: &Path) -> Result<String> {
    let file = folder.join("process");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok("nothing was started".to_owned());
    };
    let (id, mark) = text
        .trim()
        .split_once(' ')
        .ok_or("its file `process` is broken")?;
    // By now the number may be that of another process.
    let runs = || command_line(id).map(|line| line.contains(mark));
    let mut done = "it was gone already";
    for (signal, how) in [("-TERM", "stopped"), ("-KILL", "killed")] {
        if runs()? {
            // The shell's own: not every machine has the program.
            let mut kill = Command::new("sh");
            process::run(kill.args(["-c", &format!("kill {signal} {id}")]))?;
            done = how;
            wait(STOP, || has_ended(id, mark));
        }
    }
    if runs()? {
        return Err(format!("process {id} does not end").into());
    }
    fs::remove_file(file)?;
    Ok(done.to_owned())
}

/// Whether it is gone with all that it held: of a process that ends the command line goes first, and its sockets after that.
fn has_ended(id: &str, mark: &str) -> bool {
    match fs::read_to_string(format!("/proc/{id}/stat")) {
        // Behind the name, which may hold anything, stands what it does: `Z` is dead and waited for by nobody.
        Ok(stat) => stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => !command_line(id).is_ok_and(|line| line.contains(mark)),
    }
}

/// With what a process was started; empty if there is none of this number. The kernel tells where it has such files, else `ps`.
fn command_line(id: &str) -> Result<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        return Ok(String::from_utf8_lossy(&line).replace('\0', " "));
    }
    let line = Command::new("ps").args(["-o", "args=", "-p", id]).output();
    let line = line.map_err(|error| format!("cannot start `ps`: {error}"))?;
    Ok(String::from_utf8_lossy(&line.stdout).into_owned())
}

/// Waits until `done`, and says whether it came to that within `limit`.
fn wait(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        // Nobody tells when a stranger's process begins to listen.
        thread::park_timeout(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_is_started_listens_and_is_stopped_by_who_it_is() {
        let folder = folder("daemon");
        let port = free_port().unwrap();
        let address = format!("127.0.0.1:{port}");
        let script = format!(
            "import socket; s = socket.create_server(('127.0.0.1', {port})); s.accept(); s.accept()"
        );
        let mut command = Command::new("python3");
        command.args(["-c", &script]);
        if !process::is_installed(&mut Command::new("python3")) {
            eprintln!("SKIPPED: there is no python3");
            return;
        }
        start(&mut command, &folder, &address, &port.to_string()).unwrap();
        // It is waited for by nobody: a zombie has no command line.
        assert_eq!(stop(&folder).unwrap(), "stopped");
        assert!(!listens(&address));
        assert_eq!(stop(&folder).unwrap(), "nothing was started");
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_needs_neither_ps_nor_kill() {
        let folder = folder("slim");
        for program in ["sh", "python3"] {
            let mut find = Command::new("sh");
            find.args(["-c", &format!("command -v {program}")]);
            let found = String::from_utf8(find.output().unwrap().stdout).unwrap();
            if found.is_empty() {
                eprintln!("SKIPPED: there is no {program}");
                return;
            }
            std::os::unix::fs::symlink(found.trim(), folder.join(program)).unwrap();
        }
        let test = "services::daemon::tests::what_is_started_listens_and_is_stopped_by_who_it_is";
        let mut again = Command::new(std::env::current_exe().unwrap());
        let again = again.args(["--exact", test]).env("PATH", &folder).output();
        let said = String::from_utf8(again.unwrap().stdout).unwrap();
        assert!(said.contains("1 passed"), "{said}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_process_of_somebody_else_is_left_alone() {
        let folder = folder("stranger");
        let own = std::process::id();
        fs::write(folder.join("process"), format!("{own} no-such-word\n")).unwrap();
        assert_eq!(stop(&folder).unwrap(), "it was gone already");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_that_ends_at_once_is_said_to_have() {
        let folder = folder("ends");
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let error = start(&mut command, &folder, "127.0.0.1:9", "exit 3").unwrap_err();
        assert!(error.to_string().contains("it ended"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
