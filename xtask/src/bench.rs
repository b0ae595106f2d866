//! `cargo xtask bench`: what one traced request costs.

use std::process::Command;

use crate::{Result, process};

/// Runs the benchmark program in release mode with `arguments`.
pub(crate) fn run(arguments: &[String]) -> Result {
    if !process::is_installed(&mut Command::new("valgrind")) {
        return Err(
            "the benchmarks count instructions under valgrind, and there is none; install it with \
             `apt-get install valgrind`, `dnf install valgrind` or what your system has"
                .into(),
        );
    }
    process::run(
        process::cargo()
            .args(["run", "--release", "--package", "benchmarks", "--"])
            .args(arguments),
    )
}
