use proptest::prelude::{any, proptest};
use prost::Message;
use tracing_core_ctx::sampler::{Decision, SamplingInput, threshold::Threshold};
use tracing_core_ctx::{Sampler as _, TraceId};

use super::Strategy;
use crate::sampling::Rules;

/// The messages of `jaeger.api_v2`, by another implementation of Protocol Buffers.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(int32, tag = "1")]
    strategy_type: i32,
    #[prost(message, optional, tag = "2")]
    probabilistic: Option<ProbabilisticPart>,
    #[prost(message, optional, tag = "3")]
    rate_limiting: Option<RateLimitingPart>,
    #[prost(message, optional, tag = "4")]
    operations: Option<OperationsPart>,
}

#[derive(Clone, PartialEq, Message)]
struct ProbabilisticPart {
    #[prost(double, tag = "1")]
    sampling_rate: f64,
}

#[derive(Clone, PartialEq, Message)]
struct RateLimitingPart {
    #[prost(int32, tag = "1")]
    max_traces_per_second: i32,
}

#[derive(Clone, PartialEq, Message)]
struct OperationsPart {
    #[prost(double, tag = "1")]
    default_sampling_probability: f64,
    #[prost(double, tag = "2")]
    default_lower_bound: f64,
    #[prost(message, repeated, tag = "3")]
    per_operation: Vec<OperationPart>,
    #[prost(double, tag = "4")]
    default_upper_bound: f64,
}

#[derive(Clone, PartialEq, Message)]
struct OperationPart {
    #[prost(string, tag = "1")]
    operation: String,
    #[prost(message, optional, tag = "2")]
    probabilistic: Option<ProbabilisticPart>,
}

/// What Jaeger answers, once in each of its languages.
fn everything() -> (&'static str, Response) {
    let json = r#"{
        "strategyType": "PROBABILISTIC",
        "probabilisticSampling": {"samplingRate": 0.5},
        "rateLimitingSampling": {"maxTracesPerSecond": 7},
        "operationSampling": {
            "defaultSamplingProbability": 0.25,
            "defaultLowerBoundTracesPerSecond": 0.5,
            "defaultUpperBoundTracesPerSecond": 100,
            "perOperationStrategies": [
                {"operation": "GET /health", "probabilisticSampling": {"samplingRate": 0}},
                {"operation": "POST /*", "probabilisticSampling": {"samplingRate": 1}}
            ]
        },
        "somethingNew": []
    }"#;
    let operation = |name: &str, sampling_rate| OperationPart {
        operation: name.to_owned(),
        probabilistic: Some(ProbabilisticPart { sampling_rate }),
    };
    let message = Response {
        strategy_type: 0,
        probabilistic: Some(ProbabilisticPart { sampling_rate: 0.5 }),
        rate_limiting: Some(RateLimitingPart {
            max_traces_per_second: 7,
        }),
        operations: Some(OperationsPart {
            default_sampling_probability: 0.25,
            default_lower_bound: 0.5,
            per_operation: vec![operation("GET /health", 0.0), operation("POST /*", 1.0)],
            default_upper_bound: 100.0,
        }),
    };
    (json, message)
}

/// How many of a hundred traces are kept, evenly spread over all randomness.
fn kept(rules: &Rules, name: &str) -> usize {
    (0..100u128)
        .filter(|number| {
            let randomness = (number << 56) / 100;
            let trace = TraceId::from_bytes(((1 << 64) | randomness).to_be_bytes()).unwrap();
            let sampling = rules.sample(&SamplingInput::new(trace, name));
            sampling.decision == Decision::RecordAndSample
        })
        .count()
}

#[test]
fn json_and_protobuf_say_the_same() {
    let (json, message) = everything();
    let strategy = Strategy::from_json(json.as_bytes()).unwrap();
    assert_eq!(
        Strategy::from_protobuf(&message.encode_to_vec()).unwrap(),
        strategy
    );
    assert_eq!(
        strategy
            .operation_sampling
            .as_ref()
            .unwrap()
            .operations()
            .count(),
        2
    );
}

#[test]
fn operations_come_before_the_limit_and_the_limit_before_the_probability() {
    let (_, mut message) = everything();
    let rules = |message: &Response| {
        Strategy::from_protobuf(&message.encode_to_vec())
            .unwrap()
            .rules()
    };
    // The lower bound keeps one of those that come in one moment, besides.
    assert_eq!(kept(&rules(&message), "POST /*"), 100);
    assert!(matches!(kept(&rules(&message), "GET /health"), 0 | 1));
    assert!(matches!(kept(&rules(&message), "another"), 25 | 26));
    message.operations = None;
    assert!(kept(&rules(&message), "another") <= 14);
    message.rate_limiting = None;
    assert_eq!(kept(&rules(&message), "another"), 50);
}

#[test]
fn the_name_of_an_operation_is_no_pattern() {
    let (json, _) = everything();
    let rules = Strategy::from_json(json.as_bytes()).unwrap().rules();
    assert!(kept(&rules, "POST /orders") < 50);
}

#[test]
fn what_the_lower_bound_keeps_has_the_weight_of_then() {
    let json = r#"{"operationSampling": {"defaultSamplingProbability": 0, "defaultLowerBoundTracesPerSecond": 1000}}"#;
    let rules = Strategy::from_json(json.as_bytes()).unwrap().rules();
    let sampling = rules.sample(&SamplingInput::new(
        TraceId::from_bytes([7; 16]).unwrap(),
        "seldom",
    ));
    assert_eq!(sampling.decision, Decision::RecordAndSample);
    let state = sampling.trace_state.unwrap().to_string();
    assert_eq!(state, format!("ot=th:{}", Threshold::ALWAYS));
}

#[test]
fn what_cannot_be_followed_is_an_error() {
    for json in [
        "",
        "[]",
        "{}",
        "null",
        "<html>",
        r#"{"strategyType": "PROBABILISTIC"}"#,
        r#"{"probabilisticSampling": {"samplingRate": -0.1}}"#,
        r#"{"probabilisticSampling": {"samplingRate": "much"}}"#,
        r#"{"rateLimitingSampling": {"maxTracesPerSecond": -1}}"#,
        r#"{"operationSampling": {"defaultLowerBoundTracesPerSecond": 1e999}}"#,
    ] {
        assert!(Strategy::from_json(json.as_bytes()).is_err(), "{json}");
    }
    let nan = Response {
        probabilistic: Some(ProbabilisticPart {
            sampling_rate: f64::NAN,
        }),
        ..Response::default()
    };
    assert!(Strategy::from_protobuf(&nan.encode_to_vec()).is_err());
    assert!(Strategy::from_protobuf(&[]).is_err());
    assert!(Strategy::from_protobuf(&[0x12, 0x7f]).is_err());
}

#[test]
fn what_is_left_out_or_null_is_not_there() {
    let json =
        r#"{"probabilisticSampling": {}, "rateLimitingSampling": null, "operationSampling": null}"#;
    let rules = Strategy::from_json(json.as_bytes()).unwrap().rules();
    assert_eq!(kept(&rules, "any"), 0);
    let json = r#"{"operationSampling": {"perOperationStrategies": null, "defaultSamplingProbability": 1}}"#;
    let rules = Strategy::from_json(json.as_bytes()).unwrap().rules();
    assert_eq!(kept(&rules, "any"), 100);
}

#[test]
fn too_many_operations_are_left_out() {
    let operations: Vec<String> = (0..2005)
        .map(|number| {
            format!(
                r#"{{"operation": "op {number}", "probabilisticSampling": {{"samplingRate": 1}}}}"#
            )
        })
        .collect();
    let json = format!(
        r#"{{"operationSampling": {{"perOperationStrategies": [{}]}}}}"#,
        operations.join(",")
    );
    let strategy = Strategy::from_json(json.as_bytes()).unwrap();
    assert_eq!(strategy.left_out(), 5);
    let rules = strategy.rules();
    assert_eq!(kept(&rules, "op 1999"), 100);
    assert_eq!(kept(&rules, "op 2000"), 0);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(bytes in any::<Vec<u8>>()) {
        for strategy in [Strategy::from_json(&bytes), Strategy::from_protobuf(&bytes)].into_iter().flatten() {
            let _ = kept(&strategy.rules(), "any");
        }
    }

    #[test]
    fn no_number_makes_it_panic(rate in any::<f64>(), bound in any::<f64>(), most in any::<i32>()) {
        let message = Response {
            rate_limiting: Some(RateLimitingPart { max_traces_per_second: most }),
            operations: Some(OperationsPart {
                default_sampling_probability: rate,
                default_lower_bound: bound,
                ..OperationsPart::default()
            }),
            ..Response::default()
        };
        if let Ok(strategy) = Strategy::from_protobuf(&message.encode_to_vec()) {
            let _ = kept(&strategy.rules(), "any");
        }
    }
}
