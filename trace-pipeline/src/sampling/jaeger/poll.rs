//! The server is asked again and again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tracing_core_ctx::diagnostics::{self, Level};

use super::strategy::Strategy;
use super::{JaegerRemote, Way};
use crate::otlp::client::{BodyError, Client, Response};
use crate::otlp::endpoint::shown;
use crate::otlp::protobuf::message_of;
use crate::otlp::{InvalidEndpoint, Protocol, TlsConfig, grpc};
use crate::sampling::current::follow;
use crate::sampling::{CurrentRules, Rules};
use crate::shared::Shared;

/// How long an answer may take, and how large it may be.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 4 << 20;

/// Asks, on a thread that ends with the pipeline.
pub(crate) struct Poll {
    remote: JaegerRemote,
    uri: Uri,
    question: Bytes,
    rules: Arc<CurrentRules>,
    /// What was answered last. What is the same is not set again: limits would begin anew.
    last: Option<Strategy>,
    is_failing: bool,
}

impl Poll {
    pub(crate) fn new(remote: JaegerRemote, service: &str) -> Result<Self, InvalidEndpoint> {
        let uri = remote.uri(service)?;
        let question = match remote.way {
            Way::Grpc => parameters(service),
            Way::Http => Bytes::new(),
        };
        let initial = Rules::new().otherwise(remote.initial);
        let rules = Arc::new(CurrentRules::new(remote.with_parents(initial)));
        Ok(Self {
            remote,
            uri,
            question,
            rules,
            last: None,
            is_failing: false,
        })
    }

    /// The rules that follow the server.
    pub(crate) const fn rules(&self) -> &Arc<CurrentRules> {
        &self.rules
    }

    pub(crate) fn spawn(mut self, shared: &Arc<Shared>) -> io::Result<()> {
        // Made by the thread that asks.
        let mut client = None;
        follow(shared, self.remote.every, move |shared| {
            drop(shared);
            match self.ask(&mut client) {
                Ok(strategy) => self.follow(strategy),
                Err(problem) => self.fail(&problem),
            }
        })
    }

    fn client(&self) -> io::Result<Client> {
        let protocol = match self.remote.way {
            Way::Grpc => Protocol::Grpc,
            Way::Http => Protocol::HttpProtobuf,
        };
        let tls = TlsConfig::default().load().map_err(io::Error::other)?;
        Client::new(protocol, &self.uri, &tls, LARGEST, PATIENCE)
    }

    fn ask(&self, client: &mut Option<Client>) -> Result<Strategy, String> {
        let client = match client {
            Some(client) => client,
            None => client.insert(self.client().map_err(|error| error.to_string())?),
        };
        let exchange = async {
            let sent = client.http().send(self.request());
            match tokio::time::timeout(PATIENCE, sent).await {
                Ok(answer) => answer,
                Err(_) => Err("the server does not answer".to_owned()),
            }
        };
        let response = client
            .block_on(exchange)
            .map_err(|error| error.to_string())??;
        match self.remote.way {
            Way::Grpc => Strategy::from_protobuf(&grpc::message(&response)?),
            Way::Http => Strategy::from_json(body(&response)?),
        }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.question.clone()));
        *request.uri_mut() = self.uri.clone();
        match self.remote.way {
            Way::Grpc => {
                *request.method_mut() = Method::POST;
                grpc::describe(&mut request, None, PATIENCE);
            }
            Way::Http => {
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(ACCEPT, json);
            }
        }
        request
    }

    fn follow(&mut self, strategy: Strategy) {
        self.is_failing = false;
        if self.last.as_ref() == Some(&strategy) {
            return;
        }
        self.rules.set(self.remote.with_parents(strategy.rules()));
        let endpoint = shown(&self.uri);
        match strategy.left_out() {
            0 => diagnostics::report(
                Level::Info,
                format_args!("{endpoint}: a new sampling strategy"),
            ),
            more => diagnostics::report(
                Level::Warn,
                format_args!(
                    "{endpoint}: a new sampling strategy; {more} operations are too many and are kept as unknown ones are"
                ),
            ),
        }
        self.last = Some(strategy);
    }

    /// Not told again before there was an answer in between.
    fn fail(&mut self, problem: &str) {
        if std::mem::replace(&mut self.is_failing, true) {
            return;
        }
        diagnostics::report(
            Level::Error,
            format_args!(
                "{}: {problem}; the last sampling strategy stays",
                shown(&self.uri)
            ),
        );
    }
}

impl JaegerRemote {
    fn with_parents(&self, rules: Rules) -> Rules {
        if self.own_rates {
            return rules.own_rates();
        }
        rules
    }
}

/// A `SamplingStrategyParameters`, framed.
fn parameters(service: &str) -> Bytes {
    grpc::frame(&message_of(1, service), false).unwrap_or_default()
}

fn body(response: &Response) -> Result<&[u8], String> {
    if response.status != StatusCode::OK {
        return Err(format!("the server answered {}", response.status));
    }
    match &response.body {
        Ok(body) => Ok(&body.bytes),
        Err(BodyError::Packed) => Err("the answer can not be unpacked".to_owned()),
        Err(BodyError::TooLarge) => Err("the answer is larger than is allowed".to_owned()),
        Err(BodyError::Broken(reason)) => Err(format!("the answer broke off: {reason}")),
    }
}
