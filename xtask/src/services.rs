//! `cargo xtask services`: real brokers for the suites that also run without any.
//!
//! Nothing here is needed: where a broker cannot be had, it says so and goes on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Result, USAGE};

mod amqp;
mod daemon;
mod environment;
mod kafka;
mod packages;

pub(crate) use environment::Environment;

/// Where the brokers live, and what they write.
const FOLDER: &str = "target/services";

/// A broker that tests can be pointed at.
pub(crate) struct Service {
    /// What speaks the protocol: `AMQP`.
    pub(crate) name: &'static str,
    /// What tells the tests: `AMQP_URL`.
    pub(crate) variable: &'static str,
    /// Whether it is there and answers, given the value of the variable.
    answers: fn(&str) -> bool,
    /// Finds or starts one; the value of the variable, and in a line what was done.
    provide: fn(&Path) -> Result<(String, String)>,
}

pub(crate) const SERVICES: &[Service] = &[amqp::SERVICE, kafka::SERVICE];

/// Starts what is not there, or stops what was started.
pub(crate) fn run(arguments: &[String]) -> Result {
    match arguments {
        [] => start(),
        [stop] if stop == "stop" => stop_all(),
        [other, ..] => Err(format!("`services` knows `stop`, and got `{other}`\n\n{USAGE}").into()),
    }
}

fn start() -> Result {
    let mut environment = Environment::load();
    for service in SERVICES {
        let Service { name, variable, .. } = service;
        if let Some(value) = environment.get(variable)
            && (service.answers)(value)
        {
            eprintln!("{name}: {value} answers");
            continue;
        }
        match folder(name).and_then(|folder| (service.provide)(&folder)) {
            Ok((value, done)) => {
                eprintln!("{name}: {done}");
                environment.set(variable, value);
            }
            Err(error) => {
                environment.remove(variable);
                eprintln!("{name}: none, {error}; its suites run in the process alone");
            }
        }
        // At once, so that what was started is known even if the next one is given up on.
        environment.save()?;
    }
    let exports = environment.exports();
    if !exports.is_empty() {
        eprintln!("`cargo xtask test` takes them; for others: eval \"$(cargo xtask services)\"");
    }
    print!("{exports}");
    Ok(())
}

fn stop_all() -> Result {
    for Service { name, .. } in SERVICES {
        let done = daemon::stop(&folder(name)?)?;
        eprintln!("{name}: {done}");
    }
    Environment::forget()
}

/// The folder of a service, from the root of the file system: brokers change their own.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = Path::new(FOLDER).join(name.to_lowercase());
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}
