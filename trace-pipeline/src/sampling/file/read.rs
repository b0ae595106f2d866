//! The words of the file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tracing_core_ctx::SpanKind;
use tracing_core_ctx::attribute::Value;

use super::{InvalidRules, RulesFile};
use crate::sampling::rule::Rate;
use crate::sampling::{Adaptive, Keep, RateLimit, Rule, Rules, Tail};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    otherwise: Option<f64>,
    own_rates: Option<bool>,
    rule: Option<Vec<HeadRule>>,
    tail: Option<TailRules>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadRule {
    kind: Option<String>,
    route: Option<String>,
    method: Option<String>,
    host: Option<String>,
    topic: Option<String>,
    name: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Scalar>,
    keep: How,
    reason: Option<String>,
}

/// Which traces a rule keeps.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a probability, \"always\", \"never\", { per_second = .. }, { traces = .., seconds = .. }, { probability = .., at_least = .. } or { target = .. }"
)]
enum How {
    Probability(f64),
    Whole(i64),
    Word(String),
    Limit(PerSecond),
    LongLimit(PerPeriod),
    AtLeast(AtLeast),
    Adaptive(Target),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerSecond {
    per_second: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerPeriod {
    traces: u32,
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtLeast {
    probability: f64,
    at_least: u32,
    seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    target: f64,
    after_deployment: Option<f64>,
    deployment_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, a number or a truth value")]
enum Scalar {
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TailRules {
    limit: Option<u32>,
    bytes: Option<usize>,
    wait_seconds: Option<f64>,
    part_spans: Option<usize>,
    #[serde(default)]
    keep: Vec<TailKeep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TailKeep {
    when: When,
    probability: Option<f64>,
    reason: Option<String>,
    seconds: Option<f64>,
    share: Option<f64>,
    route: Option<String>,
    key: Option<String>,
    value: Option<Scalar>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum When {
    Always,
    Attribute,
    Callee,
    Endpoint,
    Error,
    Rare,
    SlowerThan,
    Slowest,
    Thinned,
}

pub(super) fn read(text: &str) -> Result<RulesFile, InvalidRules> {
    let file: File =
        toml::from_str(text).map_err(|error| InvalidRules::new(error.to_string().trim_end()))?;
    if file.says_nothing() {
        return Err(InvalidRules::new(
            "it says nothing; `otherwise = 1.0` keeps all",
        ));
    }
    let mut rules = Rules::new();
    for (number, rule) in (1..).zip(file.rule.into_iter().flatten()) {
        let rule = rule.read();
        rules = rules.rule(rule.map_err(|problem| at(&format!("rule {number}"), &problem))?);
    }
    if let Some(probability) = file.otherwise {
        let share = part("otherwise", probability).map_err(InvalidRules::new)?;
        rules = rules.otherwise(share);
    }
    if file.own_rates == Some(true) {
        rules = rules.own_rates();
    }
    let tail = match file.tail {
        Some(tail) => Some(tail.read()?),
        None => None,
    };
    Ok(RulesFile { rules, tail })
}

impl File {
    /// As a file does that is being written.
    const fn says_nothing(&self) -> bool {
        matches!(
            self,
            Self {
                otherwise: None,
                own_rates: None,
                rule: None,
                tail: None,
            }
        )
    }
}

fn at(place: &str, problem: &str) -> InvalidRules {
    InvalidRules::new(format!("{place}: {problem}"))
}

fn part(name: &str, number: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(format!("`{name}` is {number}, but should be from 0 to 1"))
    }
}

fn seconds(name: &str, number: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number)
        .map_err(|_| format!("`{name}` is {number}, but should be a number of seconds"))
}

/// The period of a limit.
fn period_of(number: f64) -> Result<Duration, String> {
    if (0.0..1.0).contains(&number) {
        return Err(format!("`seconds` is {number}, but should be 1 or more"));
    }
    seconds("seconds", number)
}

impl HeadRule {
    fn read(self) -> Result<Rule, String> {
        let mut rule = Rule::new();
        if let Some(kind) = &self.kind {
            rule = rule.kind(match kind.as_str() {
                "client" => SpanKind::Client,
                "consumer" => SpanKind::Consumer,
                "internal" => SpanKind::Internal,
                "producer" => SpanKind::Producer,
                "server" => SpanKind::Server,
                _ => {
                    return Err(format!(
                        "`kind` is `{kind}`, but should be client, consumer, internal, producer or server"
                    ));
                }
            });
        }
        let texts: [(Option<String>, fn(Rule, String) -> Rule); 5] = [
            (self.route, Rule::route),
            (self.method, Rule::method),
            (self.host, Rule::host),
            (self.topic, Rule::topic),
            (self.name, Rule::name),
        ];
        for (text, set) in texts {
            if let Some(text) = text {
                rule = set(rule, text);
            }
        }
        for (key, value) in self.attributes {
            rule = rule.attribute(key, Value::from(value));
        }
        if let Some(reason) = self.reason {
            rule = rule.because(reason);
        }
        Ok(rule.rate(self.keep.read()?))
    }
}

impl How {
    fn read(self) -> Result<Rate, String> {
        Ok(match self {
            Self::Probability(probability) => Rate::of_probability(part("keep", probability)?),
            Self::Whole(0) => Rate::of_probability(0.0),
            Self::Whole(1) => Rate::of_probability(1.0),
            Self::Whole(number) => {
                return Err(format!("`keep` is {number}, but should be from 0 to 1"));
            }
            Self::Word(word) => match word.as_str() {
                "always" => Rate::of_probability(1.0),
                "never" => Rate::Never,
                _ => {
                    return Err(format!(
                        "`keep` is `{word}`, but should be always, never, or a number from 0 to 1"
                    ));
                }
            },
            Self::Limit(PerSecond { per_second }) => {
                Rate::Limit(RateLimit::per_second(per_second).into())
            }
            Self::LongLimit(PerPeriod {
                traces,
                seconds: period,
            }) => Rate::Limit(RateLimit::per(traces, period_of(period)?).into()),
            Self::AtLeast(AtLeast {
                probability,
                at_least,
                seconds: period,
            }) => {
                let period = period_of(period.unwrap_or(1.0))?;
                let part = part("probability", probability)?;
                Rate::at_least(part, RateLimit::per(at_least, period))
            }
            Self::Adaptive(target) => Rate::Adaptive(target.read()?.into()),
        })
    }
}

impl Target {
    fn read(self) -> Result<Adaptive, String> {
        let number = |name: &str, number: f64| match number.is_finite() && number >= 0.0 {
            true => Ok(number),
            false => Err(format!("`{name}` is {number}, but should be 0 or more")),
        };
        let adaptive = Adaptive::per_second(number("target", self.target)?);
        Ok(match (self.after_deployment, self.deployment_seconds) {
            (None, None) => adaptive,
            (times, period) => adaptive.after_deployment(
                number("after_deployment", times.unwrap_or(2.0))?,
                seconds("deployment_seconds", period.unwrap_or(3600.0))?,
            ),
        })
    }
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Bool(flag) => Self::Bool(flag),
            Scalar::I64(number) => Self::I64(number),
            Scalar::F64(number) => Self::F64(number),
            Scalar::Text(text) => Self::Str(text.into()),
        }
    }
}

impl TailRules {
    fn read(self) -> Result<Tail, InvalidRules> {
        let mut tail = Tail::new();
        if let Some(limit) = self.limit {
            tail = tail.limit(limit);
        }
        if let Some(bytes) = self.bytes {
            if bytes < Tail::LEAST_BYTES {
                let least = Tail::LEAST_BYTES;
                let problem = format!("`bytes` is {bytes}, but should be {least} or more");
                return Err(at("tail", &problem));
            }
            tail = tail.bytes(bytes);
        }
        if let Some(wait) = self.wait_seconds {
            let wait = seconds("wait_seconds", wait).map_err(|problem| at("tail", &problem))?;
            tail = tail.wait(wait);
        }
        if let Some(spans) = self.part_spans {
            tail = tail.part_spans(spans);
        }
        for (number, keep) in (1..).zip(self.keep) {
            let keep = keep.read();
            tail = tail.keep(keep.map_err(|problem| at(&format!("tail.keep {number}"), &problem))?);
        }
        Ok(tail)
    }
}

impl TailKeep {
    fn read(mut self) -> Result<Keep, String> {
        let when = self.when;
        let missing = |name: &str| format!("`{name}` is missing");
        let mut keep = match when {
            When::Always => Keep::probability(1.0),
            When::Attribute => Keep::attribute(
                self.key.take().ok_or_else(|| missing("key"))?,
                Value::from(self.value.take().ok_or_else(|| missing("value"))?),
            ),
            When::Callee => Keep::callees(),
            When::Endpoint => Keep::endpoint(self.route.take().ok_or_else(|| missing("route"))?),
            When::Error => Keep::errors(),
            When::Rare => Keep::rare(),
            When::SlowerThan => {
                let limit = self.seconds.take().ok_or_else(|| missing("seconds"))?;
                Keep::slower_than(seconds("seconds", limit)?)
            }
            When::Slowest => {
                let share = self.share.take().ok_or_else(|| missing("share"))?;
                Keep::slowest(part("share", share)?)
            }
            When::Thinned => Keep::thinned(1.0),
        };
        let left = [
            ("key", self.key.is_some()),
            ("route", self.route.is_some()),
            ("seconds", self.seconds.is_some()),
            ("share", self.share.is_some()),
            ("value", self.value.is_some()),
        ];
        if let Some((name, _)) = left.iter().find(|(_, is_left)| *is_left) {
            return Err(format!("`{name}` says nothing here"));
        }
        if let Some(probability) = self.probability {
            keep = keep.at(part("probability", probability)?);
        }
        if let Some(reason) = self.reason {
            keep = keep.because(reason);
        }
        Ok(keep)
    }
}

#[cfg(test)]
mod tests;
