//! What the server says, as JSON or as a message of Protocol Buffers, and what it means.

use std::time::Duration;

use serde::Deserialize;

use crate::otlp::protobuf::{Field, Reader};
use crate::sampling::{RateLimit, Rule, Rules};

/// A `SamplingStrategyResponse` of `jaeger.api_v2`. Its `strategyType` says nothing that the others do not.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Strategy {
    probabilistic_sampling: Option<Probabilistic>,
    rate_limiting_sampling: Option<RateLimiting>,
    operation_sampling: Option<PerOperation>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct Probabilistic {
    sampling_rate: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct RateLimiting {
    max_traces_per_second: f64,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct PerOperation {
    default_sampling_probability: f64,
    default_lower_bound_traces_per_second: f64,
    per_operation_strategies: Option<Vec<Operation>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct Operation {
    operation: String,
    probabilistic_sampling: Option<Probabilistic>,
}

/// As many as Jaeger's own clients follow.
const OPERATIONS: usize = 2000;

impl Strategy {
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        let strategy = serde_json::from_slice::<Self>(json);
        strategy
            .map_err(|error| format!("the answer is no strategy: {error}"))?
            .checked()
    }

    pub(super) fn from_protobuf(message: &[u8]) -> Result<Self, String> {
        let mut strategy = Self::default();
        let is_read = each(message, |field| match field {
            (2, Field::Bytes(part)) => {
                strategy.probabilistic_sampling = Some(Probabilistic::read(part)?);
                Some(())
            }
            (3, Field::Bytes(part)) => {
                strategy.rate_limiting_sampling = Some(RateLimiting::read(part)?);
                Some(())
            }
            (4, Field::Bytes(part)) => {
                strategy.operation_sampling = Some(PerOperation::read(part)?);
                Some(())
            }
            _ => Some(()),
        });
        is_read.ok_or("the answer is no strategy: it is malformed")?;
        strategy.checked()
    }

    /// Only what can be followed.
    fn checked(self) -> Result<Self, String> {
        let wrong = self
            .numbers()
            .find(|number| !number.is_finite() || *number < 0.0);
        if let Some(number) = wrong {
            return Err(format!("the answer is no strategy: it says {number}"));
        }
        match self {
            Self {
                probabilistic_sampling: None,
                rate_limiting_sampling: None,
                operation_sampling: None,
            } => Err("the answer says nothing about sampling".to_owned()),
            strategy => Ok(strategy),
        }
    }

    fn numbers(&self) -> impl Iterator<Item = f64> {
        let probability = self.probabilistic_sampling.map(|part| part.sampling_rate);
        let limit = self
            .rate_limiting_sampling
            .map(|part| part.max_traces_per_second);
        let operations = self.operation_sampling.iter().flat_map(|part| {
            let own = part.operations().map(Operation::probability);
            own.chain([
                part.default_sampling_probability,
                part.default_lower_bound_traces_per_second,
            ])
        });
        probability.into_iter().chain(limit).chain(operations)
    }

    /// How many operations have a strategy of their own for which there is no room.
    pub(super) fn left_out(&self) -> usize {
        let operations = self.operation_sampling.as_ref();
        operations.map_or(0, |part| {
            part.operations().count().saturating_sub(OPERATIONS)
        })
    }

    /// "Check operationSampling first", then the limit, then the probability.
    pub(super) fn rules(&self) -> Rules {
        if let Some(part) = &self.operation_sampling {
            return part.rules();
        }
        if let Some(part) = self.rate_limiting_sampling {
            return Rules::new().rule(Rule::new().limit(limit(part.max_traces_per_second)));
        }
        let part = self.probabilistic_sampling.unwrap_or_default();
        Rules::new().otherwise(part.sampling_rate)
    }
}

impl PerOperation {
    fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.per_operation_strategies.iter().flatten()
    }

    fn rules(&self) -> Rules {
        let at_least = |probability| {
            let bound = limit(self.default_lower_bound_traces_per_second);
            Rule::new().at_least(probability, bound)
        };
        self.operations()
            .take(OPERATIONS)
            .fold(Rules::new(), |rules, one| {
                rules.named(&one.operation, at_least(one.probability()))
            })
            .rule(at_least(self.default_sampling_probability))
    }

    fn read(message: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        let mut operations = Vec::new();
        each(message, |field| {
            match field {
                (1, Field::Fixed64(bits)) => {
                    read.default_sampling_probability = f64::from_bits(bits);
                }
                (2, Field::Fixed64(bits)) => {
                    read.default_lower_bound_traces_per_second = f64::from_bits(bits);
                }
                (3, Field::Bytes(part)) => operations.push(Operation::read(part)?),
                _ => {}
            }
            Some(())
        })?;
        read.per_operation_strategies = Some(operations);
        Some(read)
    }
}

impl Operation {
    fn probability(&self) -> f64 {
        self.probabilistic_sampling
            .unwrap_or_default()
            .sampling_rate
    }

    fn read(message: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        each(message, |field| {
            match field {
                (1, Field::Bytes(name)) => {
                    read.operation = String::from_utf8(name.to_owned()).ok()?;
                }
                (2, Field::Bytes(part)) => {
                    read.probabilistic_sampling = Some(Probabilistic::read(part)?);
                }
                _ => {}
            }
            Some(())
        })?;
        Some(read)
    }
}

impl Probabilistic {
    fn read(message: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        each(message, |field| {
            if let (1, Field::Fixed64(bits)) = field {
                read.sampling_rate = f64::from_bits(bits);
            }
            Some(())
        })?;
        Some(read)
    }
}

impl RateLimiting {
    fn read(message: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        each(message, |field| {
            if let (1, Field::Varint(number)) = field {
                // An int32; a negative one is found out by `checked`.
                let number = i32::try_from(number.cast_signed()).ok()?;
                read.max_traces_per_second = number.into();
            }
            Some(())
        })?;
        Some(read)
    }
}

/// Hands over each field; `None` if one cannot be read.
fn each<'a>(message: &'a [u8], mut take: impl FnMut((u32, Field<'a>)) -> Option<()>) -> Option<()> {
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next() {
        take(field)?;
    }
    (!reader.is_malformed()).then_some(())
}

/// So many in a second, or one in several.
fn limit(per_second: f64) -> RateLimit {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither is negative, and what is too large becomes the largest"
    )]
    let whole = per_second.round() as u32;
    if per_second >= 1.0 || per_second <= 0.0 {
        return RateLimit::per_second(whole);
    }
    let period = Duration::try_from_secs_f64(per_second.recip());
    RateLimit::per(1, period.unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests;
