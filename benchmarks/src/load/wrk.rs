//! [wrk](https://github.com/wg/wrk), which makes the load.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use crate::Error;
use crate::request::{CALLER, SAMPLED, TARGET, TRACE_STATE};

const CONNECTIONS: &str = "-c16";

/// What is sent with each request, beside what wrk sends itself.
pub(super) fn headers() -> [String; 4] {
    [
        format!("user-agent: {CALLER}"),
        "accept: application/json".to_owned(),
        format!("traceparent: {SAMPLED}"),
        format!("tracestate: {TRACE_STATE}"),
    ]
}

/// Called when all is over. Of wrk's own summary the percentiles are rounded too much.
const SCRIPT: &str = r#"
done = function(summary, latency, requests)
  local e = summary.errors
  local wrong = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format("FIGURES %d %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max, wrong))
end
"#;

/// What the clients saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Requests in a second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

/// The load generator, ready to run.
pub(crate) struct Wrk {
    script: PathBuf,
}

impl Wrk {
    /// Installs wrk if it is missing and the system lets us.
    pub(crate) fn prepare() -> Result<Self, Error> {
        if !is_there() {
            let installed = silent(Command::new("apt-get").args(["install", "--yes", "wrk"]));
            if !installed || !is_there() {
                return Err("wrk, which makes the load, is not installed: `apt-get install wrk`, `dnf install wrk`, \
                            `brew install wrk` or what your system has"
                    .into());
            }
        }
        let script = env::temp_dir().join(format!("figures.{}.lua", process::id()));
        fs::write(&script, SCRIPT)?;
        Ok(Self { script })
    }

    /// Asks the server at `address` as fast as it answers, over 16 connections.
    pub(crate) fn run(&self, address: &str, seconds: u32) -> Result<Seen, Error> {
        let output = Command::new("wrk")
            .args(["-t1", CONNECTIONS, "-d", &format!("{seconds}s"), "-s"])
            .arg(&self.script)
            .args(headers().iter().flat_map(|header| ["-H", header]))
            .arg(format!("http://{address}{TARGET}"))
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        match parse(&text) {
            Some((seen, 0)) => Ok(seen),
            Some((_, wrong)) => Err(format!("{wrong} requests went wrong").into()),
            None => Err(format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        // Left over in the folder for such files at worst.
        let _ = fs::remove_file(&self.script);
    }
}

fn is_there() -> bool {
    version().is_some()
}

/// Its first line, such as `wrk debian/4.1.0 [epoll]`, if it is installed.
pub(super) fn version() -> Option<String> {
    // It has no way to be called that does nothing and succeeds.
    let output = Command::new("wrk")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().next().unwrap_or_default();
    Some(line.split(" Copyright").next()?.trim().to_owned())
}

fn silent(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The figures, and how many requests went wrong.
fn parse(output: &str) -> Option<(Seen, u64)> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("FIGURES "))?;
    let figures: Vec<u64> = line
        .split(' ')
        .map(|figure| figure.parse().ok())
        .collect::<Option<_>>()?;
    let [requests, duration, p50, p99, max, wrong] = figures[..] else {
        return None;
    };
    #[expect(clippy::cast_precision_loss, reason = "the totals of a short run")]
    let seen = Seen {
        rate: requests as f64 / Duration::from_micros(duration).as_secs_f64(),
        p50: Duration::from_micros(p50),
        p99: Duration::from_micros(p99),
        max: Duration::from_micros(max),
    };
    Some((seen, wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_read() {
        let output = "Running 3s test @ http://..\nFIGURES 300000 3000000 131 412 9000 2\n";
        let (seen, wrong) = parse(output).unwrap();
        assert_eq!((seen.rate, wrong), (100_000.0, 2));
        assert_eq!(seen.p99, Duration::from_micros(412));
        assert_eq!(parse("unable to connect"), None);
    }
}
