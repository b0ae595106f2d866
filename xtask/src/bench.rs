//! `cargo xtask bench`: what one traced request costs, beside the peers.

use crate::{Result, process};

/// Runs the benchmark program in release mode with `arguments`. Without valgrind it says how to install it, and prints what it can
/// measure without.
pub(crate) fn run(arguments: &[String]) -> Result {
    process::run(
        process::cargo()
            .args(["run", "--release", "--package", "benchmarks", "--"])
            .args(arguments),
    )
}
