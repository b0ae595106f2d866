use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::cpu::Cpu;
use crate::Error;
use crate::run::without_settings;

/// The argument with which the program is the server; a middleware and the receiver's address follow.
pub const SERVE: &str = "--serve";

/// The argument with which the program is the receiver.
pub const RECEIVE: &str = "--receive";

/// The program in another role, as a process that answers lines with lines. It ends with this value.
#[derive(Debug)]
pub struct Role {
    process: Child,
    /// Gone when it is to end.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Role {
    /// Starts `program`, which says its address first.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or ends at once.
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self, Error> {
        Self::of(Command::new(program).args(arguments))
    }

    /// The same for a command that is put together already.
    pub(super) fn of(command: &mut Command) -> Result<Self, Error> {
        let mut process = without_settings(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a child without pipes".into());
        };
        let mut role = Self {
            process,
            input: Some(input),
            output: BufReader::new(output),
            address: String::new(),
        };
        role.address = role.read()?;
        Ok(role)
    }

    /// Where it listens, as `127.0.0.1:4318`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks it how things are, and returns the two parts of its answer.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn ask(&mut self) -> Result<(u64, String), Error> {
        writeln!(self.input.as_ref().ok_or("it has ended")?)?;
        let answer = self.read()?;
        let (number, rest) = answer
            .split_once('\t')
            .ok_or("an answer without its parts")?;
        Ok((number.parse()?, rest.to_owned()))
    }

    /// Lets it end by itself, and waits for it.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        self.input = None;
        let status = self.process.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("a child failed ({status})").into()),
        }
    }

    pub(crate) fn cpu(&self) -> Result<Cpu, Error> {
        Cpu::of(self.process.id())
    }

    fn read(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err("a child has ended".into()),
            _ => Ok(line.trim_end_matches('\n').to_owned()),
        }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
