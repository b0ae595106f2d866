//! This test program again, as a process that may be killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tracing_core_ctx::{Clock as _, SystemClock};

use crate::support::LONG;

/// What begins a line that a program says to its test.
const MARK: &str = ">> ";

/// A process that plays a role.
pub(crate) struct Program {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Program {
    /// Runs `test`, which is ignored otherwise, on the main thread of a process with these variables.
    pub(crate) fn start(test: &str, variables: &[(&str, &str)]) -> Self {
        let program = Command::new(std::env::current_exe().unwrap());
        Self::run(program, test, variables)
    }

    /// The same as the first process of a PID namespace, as in a container; its end is passed on. `None` where the system does not allow that.
    #[cfg(target_os = "linux")]
    #[expect(clippy::print_stderr, reason = "what is skipped is said")]
    pub(crate) fn start_as_first(test: &str, variables: &[(&str, &str)]) -> Option<Self> {
        const NAMESPACE: [&str; 4] = ["--map-root-user", "--pid", "--fork", "--kill-child"];

        let mut namespace = Command::new("unshare");
        namespace.args(NAMESPACE);
        if !namespace
            .arg("true")
            .status()
            .is_ok_and(|end| end.success())
        {
            eprintln!("SKIPPED: no process can be the first of a PID namespace here");
            return None;
        }
        let mut program = Command::new("unshare");
        program
            .args(NAMESPACE)
            .arg(std::env::current_exe().unwrap());
        Some(Self::run(program, test, variables))
    }

    fn run(mut program: Command, test: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = program
            .args([
                test,
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test harness may have begun the line.
                if let Some((_, said)) = line.split_once(MARK) {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for the next thing that the program says.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LONG).unwrap()
    }

    /// What it says until its end.
    pub(crate) fn all_lines(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < LONG, "the process does not end");
            rest(Duration::from_millis(1));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells the test something, as a program.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// A variable that the test has set.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The time of the machine, the same for both.
pub(crate) fn now() -> Duration {
    Duration::from_nanos(SystemClock::new().now().as_unix_nanos())
}

/// Lets time pass: the pace of a program.
pub(crate) fn rest(time: Duration) {
    std::thread::park_timeout(time);
}
