//! The other side of a foreign producer or consumer: `queue-peer kafka-consume 127.0.0.1:9092 orders 3`.
//!
//! It sends or receives N messages through the wrappers of `queue-trace`, as a user would, and prints which trace headers were on the wire and
//! which spans it made, for a check to compare with what the other side says. Spans are also exported as the `OTEL_*` variables say.

mod amqp;
mod kafka;
mod options;
mod output;
mod patience;
mod telemetry;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use options::{Command, Options, Role, USAGE};
use output::{complain, say};
use queue_trace::QueueTracer;
use telemetry::Telemetry;
use tokio::runtime::Runtime;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// How long the last spans may take to be printed and exported.
const FLUSH: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match Command::parse(env::args_os().skip(1)) {
        Ok(Command::Help) => say(USAGE),
        Ok(Command::Run(options)) => {
            if let Err(error) = run(&options) {
                complain(&format!("queue-peer: {error}"));
                return ExitCode::FAILURE;
            }
        }
        Err(problem) => {
            complain(&format!("queue-peer: {problem}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(options: &Options) -> Result {
    let telemetry = Telemetry::start()?;
    let runtime = Runtime::new()?;
    let queue = QueueTracer::new(telemetry.tracer().clone());
    let worked = runtime.block_on(work(options, queue));
    // What is still under way ends here, and its spans with it: before the pipeline, so that these are printed too.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let told = telemetry.shutdown(FLUSH);
    worked.and(told)
}

async fn work(options: &Options, queue: QueueTracer) -> Result {
    match options.role {
        Role::KafkaProduce => kafka::produce(options, queue).await,
        Role::KafkaConsume => kafka::consume(options, queue).await,
        Role::AmqpPublish => amqp::publish(options, queue).await,
        Role::AmqpConsume => amqp::consume(options, queue).await,
    }
}
