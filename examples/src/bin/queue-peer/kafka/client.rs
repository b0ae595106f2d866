use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext};

use crate::Result;
use crate::options::Options;
use crate::output::complain;

/// How long to wait for a broker that may not know how to make a topic.
const ADMIN: Duration = Duration::from_secs(5);

/// What the client said last: why a broker cannot be reached is told there alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Said(Arc<Mutex<Option<String>>>);

impl Said {
    pub(super) fn keep(&self, what: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// A problem, and what the client said of it.
    pub(super) fn about(&self, problem: &dyn fmt::Display) -> String {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(said) => format!("{problem}; the client said: {said}"),
            None => problem.to_string(),
        }
    }
}

impl ClientContext for Said {
    fn error(&self, _error: KafkaError, reason: &str) {
        self.keep(reason.to_owned());
    }
}

impl ConsumerContext for Said {}

pub(super) fn config(options: &Options) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.broker)
        .set("client.id", "queue-peer");
    config
}

/// Makes the topic if it is not there. A broker that makes topics when it is asked about them need not know how to be told.
pub(super) async fn create_topic(options: &Options) -> Result {
    let said = Said::default();
    let admin: AdminClient<Said> = config(options).create_with_context(said.clone())?;
    let ask = || {
        admin
            .inner()
            .fetch_metadata(Some(&options.destination), options.limit)
    };
    let is_there = match tokio::task::block_in_place(ask) {
        Ok(known) => known
            .topics()
            .iter()
            .any(|topic| topic.error().is_none() && !topic.partitions().is_empty()),
        Err(error) => {
            let broker = &options.broker;
            return Err(said
                .about(&format!("{broker} does not answer: {error}"))
                .into());
        }
    };
    if is_there {
        return Ok(());
    }
    let topic = NewTopic::new(&options.destination, 1, TopicReplication::Fixed(1));
    let limit = Some(ADMIN.min(options.limit));
    let limits = AdminOptions::new()
        .request_timeout(limit)
        .operation_timeout(limit);
    let problem = match admin.create_topics([&topic], &limits).await {
        Err(KafkaError::AdminOp(
            RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::UnsupportedVersion,
        )) => None,
        Err(error) => Some(error.to_string()),
        Ok(answers) => answers.into_iter().find_map(|answer| match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => None,
            Err((_, code)) => Some(code.to_string()),
        }),
    };
    if let Some(problem) = problem {
        let topic = &options.destination;
        complain(&format!("queue-peer: {topic} was not made: {problem}"));
    }
    Ok(())
}
