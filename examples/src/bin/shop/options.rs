use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use crate::draw::Ink;
use crate::sample;
use crate::visit::VISITS;

pub(crate) const USAGE: &str = "\
A small shop of ten services on loopback sockets and queues, and what its traces look like.

Usage: cargo demo [OPTIONS]

Options:
  --requests N  how many requests to send; default: one of each kind, with --serve none
  --sample      send 2000 requests and keep about 20: the failed, the slow, and a few of the rest
  --serve       keep the services up, and draw the trace of every request that comes
  --otlp URL    also send the spans to a back end, by OTLP over HTTP: http://localhost:4318
  --kafka HOST:PORT
                a real Kafka broker; default: one within this process
  --amqp URL    a real AMQP broker: amqp://localhost:5672; default: one within this process
  --json-logs   also print what the services log, as lines of JSON with the ids of the trace
  --no-color    no colours; also by NO_COLOR, and when the output is no terminal
  -h, --help    this text

The OTEL_* variables are heeded: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER send the spans on as
--otlp does. COLUMNS says how wide the terminal is; default: 100.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    requests: Option<usize>,
    pub(crate) sample: bool,
    pub(crate) serve: bool,
    pub(crate) json_logs: bool,
    pub(crate) otlp: Option<String>,
    pub(crate) kafka: Option<String>,
    pub(crate) amqp: Option<String>,
    pub(crate) ink: Ink,
    /// The width of the terminal in columns.
    pub(crate) width: usize,
}

impl Command {
    /// Reads the arguments of this program, without its name; the error says what is wrong with them.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Options {
            requests: None,
            sample: false,
            serve: false,
            json_logs: false,
            otlp: None,
            kafka: None,
            amqp: None,
            ink: ink(),
            width: width(env::var("COLUMNS").ok().as_deref()),
        };
        let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (&*argument, None),
            };
            let mut value_of = |what: &str| {
                value
                    .clone()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| format!("{name} needs {what}"))
            };
            match name {
                "--requests" => {
                    let count = value_of("a number")?;
                    let number = count
                        .parse()
                        .map_err(|_| format!("--requests needs a number, not `{count}`"))?;
                    options.requests = Some(number);
                }
                "--otlp" => options.otlp = Some(value_of("a URL")?),
                "--kafka" => options.kafka = Some(value_of("a host and a port")?),
                "--amqp" => options.amqp = Some(value_of("a URL")?),
                // Whoever is used to `cargo run -- ..` types one too many.
                "--" if value.is_none() => {}
                "--sample" if value.is_none() => options.sample = true,
                "--serve" if value.is_none() => options.serve = true,
                "--json-logs" if value.is_none() => options.json_logs = true,
                "--no-color" if value.is_none() => options.ink = Ink::Plain,
                "-h" | "--help" if value.is_none() => return Ok(Self::Help),
                _ => return Err(format!("unknown argument `{argument}`")),
            }
        }
        Ok(Self::Run(options))
    }
}

impl Options {
    /// How many requests to send.
    pub(crate) fn requests(&self) -> usize {
        self.requests.unwrap_or(match () {
            () if self.sample => sample::REQUESTS,
            () if self.serve => 0,
            () => VISITS.len(),
        })
    }
}

fn ink() -> Ink {
    let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_unwanted || !io::stdout().is_terminal() {
        Ink::Plain
    } else {
        Ink::Colored
    }
}

/// The drawings need room for a name and a bar, and a line must be read without moving the head.
fn width(columns: Option<&str>) -> usize {
    columns
        .and_then(|columns| columns.trim().parse().ok())
        .unwrap_or(100)
        .clamp(72, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        Command::parse(arguments.iter().map(OsString::from))
    }

    fn options(arguments: &[&str]) -> Options {
        match parse(arguments) {
            Ok(Command::Run(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_request_of_each_kind_is_sent_unless_something_else_is_said() {
        assert_eq!(options(&[]).requests(), VISITS.len());
        assert_eq!(options(&["--serve"]).requests(), 0);
        assert_eq!(options(&["--", "--sample"]).requests(), 2000);
        assert_eq!(options(&["--requests", "8", "--serve"]).requests(), 8);
        assert_eq!(options(&["--requests=0"]).requests(), 0);
    }

    #[test]
    fn a_value_follows_its_name_or_an_equals_sign() {
        let url = Some("http://h:4318/?a=b".to_owned());
        assert_eq!(options(&["--otlp", "http://h:4318/?a=b"]).otlp, url);
        assert_eq!(options(&["--otlp=http://h:4318/?a=b"]).otlp, url);
        assert!(options(&["--json-logs"]).json_logs && !options(&[]).json_logs);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (arguments, problem) in [
            (&["--frobnicate"][..], "unknown argument `--frobnicate`"),
            (&["8"], "unknown argument `8`"),
            (&["--serve=yes"], "unknown argument `--serve=yes`"),
            (&["--json-logs=no"], "unknown argument `--json-logs=no`"),
            (&["--requests"], "--requests needs a number"),
            (
                &["--requests", "many"],
                "--requests needs a number, not `many`",
            ),
            (&["--requests", "-1"], "--requests needs a number, not `-1`"),
            (&["--otlp"], "--otlp needs a URL"),
            (&["--kafka"], "--kafka needs a host and a port"),
            (&["--amqp"], "--amqp needs a URL"),
        ] {
            assert_eq!(parse(arguments), Err(problem.to_owned()), "{arguments:?}");
        }
    }

    #[test]
    fn help_is_given_wherever_it_is_asked_for() {
        assert_eq!(parse(&["--serve", "--help"]), Ok(Command::Help));
        assert_eq!(parse(&["-h"]), Ok(Command::Help));
    }

    #[test]
    fn the_width_is_never_absurd() {
        for (columns, expected) in [
            (None, 100),
            (Some("120"), 120),
            (Some("10"), 72),
            (Some("9999"), 200),
            (Some("wide"), 100),
        ] {
            assert_eq!(width(columns), expected, "{columns:?}");
        }
    }
}
