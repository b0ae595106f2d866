//! What open spans hold, and that all of them arrive.

use std::process::Command;

/// More is a mistake.
const BYTES_OF_A_SPAN: f64 = 1024.0;

/// The figures of a work of the program, which fails when spans are missing.
fn figures(work: &[&str]) -> Vec<f64> {
    let output = Command::new(env!("CARGO_BIN_EXE_scaling"))
        .arg("--run")
        .args(work)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .map(|figure| figure.parse().expect("a number"))
        .collect()
}

#[test]
fn an_open_span_with_the_full_set_of_attributes_is_small() {
    let bytes = figures(&["open", "10000", "spans"])[0];
    // Less than its texts have is not possible: then nothing was open.
    assert!(bytes > 200.0, "{bytes} bytes");
    assert!(bytes <= BYTES_OF_A_SPAN, "{bytes} bytes");
}

#[test]
fn a_thousand_requests_at_once_lose_no_span() {
    let [_, _, arrived] = figures(&["concurrent", "1000", "2048"])[..] else {
        panic!("three figures were expected");
    };
    assert_eq!(arrived, 1.0);
}

#[test]
fn traces_of_any_size_deliver_each_span() {
    for shape in ["flat", "deep"] {
        assert_eq!(figures(&["traces", shape, "1000", "once"]).len(), 1);
    }
}
