use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::{TestResult, program};

fn emit() -> Command {
    program(env!("CARGO_BIN_EXE_emit"))
}

/// Without a back end and without waiting for one.
fn emit_to_nobody() -> Command {
    let mut command = emit();
    command.env("OTEL_TRACES_EXPORTER", "none");
    command
}

fn last_line(output: &Output) -> Result<Value, serde_json::Error> {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().next_back().unwrap_or_default())
}

#[test]
fn the_last_line_tells_the_outcome() -> TestResult {
    for count in [0, 3] {
        let output = emit_to_nobody().arg(count.to_string()).output()?;
        assert!(output.status.success(), "{output:?}");
        let outcome = last_line(&output)?;
        assert_eq!(
            (&outcome["emitted"], &outcome["shutdown_ok"]),
            (&count.into(), &true.into())
        );
        assert!(
            outcome["emit_ms"].is_u64() && outcome["shutdown_ms"].is_u64(),
            "{outcome}"
        );
        assert!(outcome.get("why").is_none(), "{outcome}");
    }
    Ok(())
}

#[test]
fn every_span_has_its_number() -> TestResult {
    let output = emit()
        .env("OTEL_TRACES_EXPORTER", "console")
        .arg("3")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    for name in ["emit-0", "emit-1", "emit-2"] {
        assert_eq!(text.matches(name).count(), 1, "{text}");
    }
    Ok(())
}

#[test]
fn a_back_end_that_is_not_there_costs_the_spans_and_nothing_else() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let output = emit()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
        .arg("7")
        .output()?;
    assert!(output.status.success(), "{output:?}");
    let outcome = last_line(&output)?;
    assert_eq!(
        (&outcome["emitted"], &outcome["shutdown_ok"]),
        (&7.into(), &false.into())
    );
    assert!(
        outcome["why"].as_str().is_some_and(|why| why.contains('7')),
        "{outcome}"
    );
    Ok(())
}

#[test]
fn the_gap_is_kept_between_spans() -> TestResult {
    let output = emit_to_nobody()
        .env("ACCEPT_GAP_MS", "20")
        .arg("3")
        .output()?;
    let outcome = last_line(&output)?;
    assert!(
        outcome["emit_ms"]
            .as_u64()
            .is_some_and(|millis| millis >= 40),
        "{outcome}"
    );
    Ok(())
}

#[test]
fn a_wrong_gap_is_a_warning_that_stays_out_of_the_output() -> TestResult {
    let output = emit_to_nobody()
        .env("ACCEPT_GAP_MS", "soon")
        .arg("2")
        .output()?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(last_line(&output)?["emitted"], 2);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("ACCEPT_GAP_MS is `soon`"),
        "{output:?}"
    );
    assert!(
        !String::from_utf8_lossy(&output.stdout).contains("soon"),
        "{output:?}"
    );
    Ok(())
}

#[test]
fn what_is_no_count_gets_the_usage_and_status_2() -> TestResult {
    for arguments in [
        &[][..],
        &["x"],
        &["-1"],
        &["1.5"],
        &["99999999999999999999"],
        &["1", "2"],
    ] {
        let output = emit_to_nobody().args(arguments).output()?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("Usage: emit N"),
            "{arguments:?}"
        );
    }
    Ok(())
}

#[test]
fn nobody_who_reads_is_no_failure() -> TestResult {
    let mut child = emit_to_nobody()
        .env("ACCEPT_GAP_MS", "soon")
        .arg("1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait()?.success());
    Ok(())
}

#[test]
fn what_one_run_leaves_in_the_spool_is_for_the_next() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let directory = std::env::temp_dir().join(format!("emit-spool-{}", std::process::id()));
    let run = |count: &str| {
        emit()
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
            .env("ACCEPT_SPOOL", &directory)
            .arg(count)
            .output()
    };
    for (count, line) in [
        ("7", "exported 0, spooled 7, recovered 0, dropped 0;"),
        ("2", "exported 0, spooled 9, recovered 7, dropped 0;"),
    ] {
        let output = run(count)?;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(line), "{text}");
        assert_eq!(last_line(&output)?["shutdown_ok"], true);
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
