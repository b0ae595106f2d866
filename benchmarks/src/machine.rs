//! On what the figures were taken.

use std::process::Command;
use std::{env, fs};

use crate::instructions;

/// Lines such as `rustc: rustc 1.95.0`. What cannot be found out is left out.
#[must_use]
pub fn describe() -> Vec<String> {
    let profile = if cfg!(debug_assertions) {
        "unoptimised: the figures mean nothing"
    } else {
        "release, fat LTO, one codegen unit"
    };
    [
        processor().map(|model| format!("processor: {model}")),
        rustc().map(|version| format!("compiler: {version}")),
        Some(format!("profile: {profile}")),
        // Our crates have one version.
        Some(concat!("version: ", env!("CARGO_PKG_VERSION")).to_owned()),
        instructions::valgrind().map(|version| format!("instructions: {version}, callgrind")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn rustc() -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
