use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

use super::SERVICES;
use crate::Result;

/// Where it is kept from task to task.
const FILE: &str = "target/services.env";

/// Which brokers there are, as variables for the tests. What a person has set wins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// Set by [`run`](super::run), and not by a person.
    kept: Vec<(String, String)>,
    set: Vec<(String, String)>,
}

impl Environment {
    /// What is set, and what was kept.
    pub(crate) fn load() -> Self {
        let names = SERVICES.iter().map(|service| service.variable);
        let set = names.filter_map(|name| Some((name.to_owned(), env::var(name).ok()?)));
        Self {
            set: set.filter(|(_, value)| !value.is_empty()).collect(),
            kept: parse(&fs::read_to_string(FILE).unwrap_or_default()),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.set.iter().chain(&self.kept);
        let (_, value) = all.find(|(each, _)| each == name)?;
        Some(value)
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.kept.push((name.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.set.retain(|(each, _)| each != name);
        self.kept.retain(|(each, _)| each != name);
    }

    /// For the next task.
    pub(super) fn save(&self) -> Result {
        if let Some(folder) = Path::new(FILE).parent() {
            fs::create_dir_all(folder)?;
        }
        let lines = self
            .kept
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"));
        Ok(fs::write(FILE, lines.collect::<String>())?)
    }

    /// For a shell to evaluate.
    pub(super) fn exports(&self) -> String {
        let values = SERVICES
            .iter()
            .filter_map(|service| Some((service.variable, self.get(service.variable)?)));
        values
            .map(|(name, value)| format!("export {name}='{value}'\n"))
            .collect()
    }

    pub(super) fn forget() -> Result {
        match fs::remove_file(FILE) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Points `command` at every broker that answers.
    pub(crate) fn apply(&self, command: &mut Command) {
        for service in SERVICES {
            let value = self.get(service.variable);
            match value.filter(|value| (service.answers)(value)) {
                Some(value) => command.env(service.variable, value),
                // What a person has named must answer.
                None if self.is_set(service.variable) => command,
                None => command.env_remove(service.variable),
            };
        }
    }

    /// Says of each service which brokers its suites run on.
    pub(crate) fn describe(&self) -> String {
        let each = SERVICES.iter().map(|service| {
            let name = service.name;
            match self.get(service.variable) {
                Some(value) if (service.answers)(value) => {
                    format!("{name} in the process AND on {value}")
                }
                Some(value) => format!("{name} in the process ALONE, {value} does not answer"),
                None => format!("{name} in the process ALONE, see `cargo xtask services`"),
            }
        });
        each.collect::<Vec<_>>().join("; ")
    }

    fn is_set(&self, name: &str) -> bool {
        self.set.iter().any(|(each, _)| each == name)
    }
}

fn parse(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_has_set_wins_over_what_was_kept() {
        let environment = Environment {
            set: parse("AMQP_URL=amqp://mine\n"),
            kept: parse("AMQP_URL=amqp://kept?heartbeat=5\nKAFKA_BOOTSTRAP=127.0.0.1:9\n"),
        };
        assert_eq!(environment.get("AMQP_URL"), Some("amqp://mine"));
        assert_eq!(
            environment.exports(),
            "export AMQP_URL='amqp://mine'\nexport KAFKA_BOOTSTRAP='127.0.0.1:9'\n"
        );
        assert_eq!(environment.kept[0].1, "amqp://kept?heartbeat=5");
    }

    #[test]
    fn a_broker_that_is_gone_is_kept_from_the_tests_and_named() {
        let environment = Environment {
            set: Vec::new(),
            kept: parse("KAFKA_BOOTSTRAP=127.0.0.1:9\n"),
        };
        let mut command = Command::new("true");
        environment.apply(&mut command);
        assert!(command.get_envs().all(|(_, value)| value.is_none()));
        assert_eq!(
            environment.describe(),
            "AMQP in the process ALONE, see `cargo xtask services`; \
             Kafka in the process ALONE, 127.0.0.1:9 does not answer"
        );
    }
}
