//! What is not there yet, from those who keep it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Result, process};

/// How long one installation may take.
pub(super) const LIMIT: Duration = Duration::from_secs(300);

/// Installs packages of the distribution, if it is one with `apt-get` and we may.
pub(super) fn install(packages: &[&str]) -> Result {
    let names = packages.join(" ");
    if !process::is_installed(&mut Command::new("apt-get")) {
        return Err(format!("there is no {names}, and no apt-get to install it").into());
    }
    let apt = |arguments: &[&str]| {
        let mut command = match is_root() {
            true => Command::new("apt-get"),
            false => {
                let mut sudo = Command::new("sudo");
                // A question would wait for ever.
                sudo.args(["--non-interactive", "apt-get"]);
                sudo
            }
        };
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        quietly(&mut command)
    };
    // Lists that cannot be had anew may still do.
    let updated = apt(&["update", "-qq"]);
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments).map_err(|error| match updated {
        Ok(()) => format!("{names} could not be installed: {error}").into(),
        Err(update) => format!("{names} could not be installed: {update}").into(),
    })
}

/// Makes a Python environment, for which Debian needs a package of its own.
pub(super) fn make_venv(folder: &Path) -> Result {
    let make = || {
        quietly(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )
    };
    make().or_else(|_| {
        install(&["python3", "python3-venv"])?;
        make()
    })
}

/// Runs a command that says something only if it fails.
pub(super) fn quietly(command: &mut Command) -> Result {
    let finished = process::run_within(command, LIMIT)?;
    if finished.status.success() {
        return Ok(());
    }
    let last = finished.lines.last().map_or("", |line| line.trim());
    Err(format!("`{}` failed: {last}", process::line(command)).into())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_told_by_its_last_line() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 1"]);
        let error = quietly(&mut command).unwrap_err().to_string();
        assert!(error.starts_with("`sh -c "), "{error}");
        assert!(
            error.ends_with("failed: two") || error.ends_with("failed: one"),
            "{error}"
        );
        assert!(quietly(&mut Command::new("true")).is_ok());
    }
}
