//! A program in which nothing unwinds, and what arrives of its spans.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use rustix::process::Signal;

/// Builds the program with a profile of its own: no test can be built with `panic = "abort"`, nor what it is built with.
fn build() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abort");
    let manifest = format!(
        "[package]\nname = \"aborts\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [[bin]]\nname = \"aborts\"\npath = {:?}\n\n\
         [dependencies]\ntrace-pipeline = {{ path = {ours:?}, default-features = false }}\n\n\
         [profile.dev]\ndebug = false\npanic = \"abort\"\n",
        ours.join("tests/it/abort/program.rs"),
    );
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The versions of the workspace, which are here already.
    fs::copy(ours.join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--offline", "--quiet", "--target-dir", "target"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    folder.join("target/debug/aborts")
}

#[test]
fn a_panic_of_any_thread_costs_no_span_where_panics_abort() {
    const SPANS: usize = 300;

    let program = build();
    for who in ["main", "thread"] {
        for tail in ["tail", "none"] {
            let program = Command::new(&program)
                .args([&SPANS.to_string(), who, tail])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&program.stderr);
            let signal = program.status.signal();
            assert_eq!(
                signal,
                Some(Signal::ABORT.as_raw()),
                "{who}, {tail}: {said}"
            );
            let arrived = String::from_utf8(program.stdout).unwrap();
            let expected: Vec<String> = (0..SPANS).map(|number| format!("span {number}")).collect();
            assert!(arrived.lines().eq(expected), "{who}, {tail}: {arrived}");
        }
    }
}
