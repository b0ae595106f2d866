use std::ffi::OsString;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
Sends or receives N traced messages, and prints what was on the wire and which spans came of it.

Usage: queue-peer kafka-produce|kafka-consume BOOTSTRAP TOPIC N [OPTIONS]
       queue-peer amqp-publish|amqp-consume URL QUEUE N [OPTIONS]

Options:
  --group NAME       the group of a Kafka consumer; default: one of its own
  --timeout SECONDS  how long to wait for a message or for the broker's answer; default: 30
  --durable          declares the AMQP queue as durable, and publishes persistent messages
  --gap MS           the time between two messages that are sent; default: 0
  --persist          goes on when the broker is lost: connects and sends again until N different messages are through,
                     or nothing was for as long as --timeout says; a line COUNT tells how it went
  -h, --help         this text

Each line of the output is a word and JSON:

  HEADER {\"key\":..,\"value\":..,\"type\":..}   a trace header of a message, as it was on the wire
  SPAN {\"name\":..,\"kind\":..,\"trace_id\":..,\"span_id\":..,\"parent\":..,\"links\":[\"trace-span\"]}
                                           a span that has ended; one that failed has an \"error\" too

A topic or queue that does not exist is made. Spans are also exported as the OTEL_* variables say, if these name a back
end. The exit status is 0 after N messages, and 1 when the broker fails or the time is over.";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    KafkaProduce,
    KafkaConsume,
    AmqpPublish,
    AmqpConsume,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) role: Role,
    /// Bootstrap servers or a URL.
    pub(crate) broker: String,
    /// The topic or the queue.
    pub(crate) destination: String,
    /// How many messages.
    pub(crate) count: usize,
    pub(crate) group: Option<String>,
    /// The longest wait.
    pub(crate) limit: Duration,
    pub(crate) gap: Duration,
    pub(crate) durable: bool,
    pub(crate) persist: bool,
}

impl Command {
    /// Reads the arguments of this program, without its name; the error says what is wrong with them.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut words = Vec::new();
        let (mut group, mut limit, mut gap) = (None, Duration::from_secs(30), Duration::ZERO);
        let (mut durable, mut persist) = (false, false);
        let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let missing = || format!("{argument} needs a value");
                arguments.next().ok_or_else(missing)
            };
            match argument.as_str() {
                "-h" | "--help" => return Ok(Self::Help),
                "--group" => group = Some(value()?),
                "--timeout" => limit = Duration::from_secs(number(&value()?)?),
                "--gap" => gap = Duration::from_millis(number(&value()?)?),
                "--durable" => durable = true,
                "--persist" => persist = true,
                option if option.starts_with("--") => {
                    return Err(format!("there is no option `{option}`"));
                }
                _ => words.push(argument),
            }
        }
        let [role, broker, destination, count] = &*words else {
            return Err(format!("4 arguments are needed, not {}", words.len()));
        };
        let role = match role.as_str() {
            "kafka-produce" => Role::KafkaProduce,
            "kafka-consume" => Role::KafkaConsume,
            "amqp-publish" => Role::AmqpPublish,
            "amqp-consume" => Role::AmqpConsume,
            _ => return Err(format!("there is no command `{role}`")),
        };
        Ok(Self::Run(Options {
            role,
            broker: broker.clone(),
            destination: destination.clone(),
            count: number(count)?,
            group,
            limit,
            gap,
            durable,
            persist,
        }))
    }
}

impl Options {
    /// What message `number` says.
    pub(crate) fn payload(number: usize) -> String {
        format!("message-{number}")
    }

    /// Waits as long as was asked for before message `number`.
    pub(crate) async fn pause(&self, number: usize) {
        if number > 0 && !self.gap.is_zero() {
            tokio::time::sleep(self.gap).await;
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("`{text}` should be a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_and_options_come_in_any_order() {
        let Ok(Command::Run(options)) =
            parse("kafka-consume --group g 127.0.0.1:9092 orders --timeout 5 3")
        else {
            panic!("it is right");
        };
        assert_eq!(options.role, Role::KafkaConsume);
        assert_eq!(options.broker, "127.0.0.1:9092");
        assert_eq!((options.destination.as_str(), options.count), ("orders", 3));
        assert_eq!(options.group.as_deref(), Some("g"));
        assert_eq!(options.limit, Duration::from_secs(5));
        assert!(!options.durable && !options.persist);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, problem) in [
            ("", "4 arguments are needed, not 0"),
            ("kafka-produce b t", "4 arguments are needed, not 3"),
            ("nats-publish b t 1", "there is no command `nats-publish`"),
            ("amqp-publish b q many", "`many` should be a whole number"),
            ("amqp-publish b q 1 --gap", "--gap needs a value"),
            ("amqp-publish b q 1 --fast", "there is no option `--fast`"),
        ] {
            assert_eq!(parse(line), Err(problem.to_owned()), "{line}");
        }
        assert_eq!(parse("--help"), Ok(Command::Help));
    }
}
