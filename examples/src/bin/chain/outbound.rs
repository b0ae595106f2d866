//! Requests to other services, each with a client span.

use std::error::Error;
use std::iter;
use std::time::Duration;

use bytes::Bytes;
use examples::service::Telemetry;
use http_body_util::{BodyExt as _, Limited};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Body, Response, StatusCode, Url};
use serde_json::Value;
use tower_trace::ClientTraceLayer;
use tower_trace::reqwest::Client;

use crate::problem::Problem;

/// How long another service may take, its body included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const LIMIT: usize = 4 * 1024 * 1024;

/// A client whose requests are traced and carry the current context on.
pub(crate) fn client(telemetry: &Telemetry) -> Result<Client, reqwest::Error> {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        // The services of a chain are neighbours; a proxy of the environment would not know them.
        .no_proxy()
        // A redirect is an answer like any other: one request, one span.
        .redirect(Policy::none())
        .build()?;
    let layer = ClientTraceLayer::new(telemetry.tracer.clone());
    Ok(Client::new(
        client,
        layer.observe(telemetry.metrics.clone()),
    ))
}

/// Calls `/chain` on `target`, which is to go on with the services of `rest`, and gives its answer.
pub(crate) async fn chain(client: &Client, target: &str, rest: &str) -> Result<Value, Problem> {
    let url = chain_url(target, rest)?;
    let failed = |reason: String| Problem::bad_gateway(format!("{target}: {reason}"));
    let response = client
        .get(url)
        .template("/chain")
        .send()
        .await
        .map_err(|error| failed(with_causes(&error)))?;
    let status = response.status();
    let body = read(response)
        .await
        .map_err(|error| failed(with_causes(&*error)))?;
    if !status.is_success() {
        return Err(failed(format!("answered {status}")));
    }
    serde_json::from_slice(&body).map_err(|error| failed(format!("answered no JSON: {error}")))
}

/// Posts `body` to `url` and gives the status of the answer.
pub(crate) async fn post(client: &Client, url: &str, body: &Value) -> Result<StatusCode, String> {
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string());
    let response = request.send().await.map_err(|error| with_causes(&error))?;
    let status = response.status();
    // A span ends with the body, and only a connection whose answer was read is used again.
    read(response).await.map_err(|error| with_causes(&*error))?;
    Ok(status)
}

/// `http://host/base` becomes `http://host/base/chain?targets=..`.
fn chain_url(target: &str, rest: &str) -> Result<Url, Problem> {
    let no_base = || Problem::bad_request(format!("targets: `{target}` is no http or https URL"));
    let mut url = Url::parse(target)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(no_base)?;
    url.set_fragment(None);
    url.set_query(None);
    url.path_segments_mut()
        .map_err(|()| no_base())?
        .pop_if_empty()
        .push("chain");
    if !rest.is_empty() {
        url.query_pairs_mut().append_pair("targets", rest);
    }
    Ok(url)
}

async fn read(response: Response) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    Ok(Limited::new(Body::from(response), LIMIT)
        .collect()
        .await?
        .to_bytes())
}

/// The error with its causes, which reqwest leaves out of its own text.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(target: &str, rest: &str) -> Option<String> {
        chain_url(target, rest).ok().map(Into::into)
    }

    #[test]
    fn the_rest_of_the_chain_is_percent_encoded() {
        assert_eq!(
            url("http://a:1", "http://b:2/x?y=1&z,http://c:3").as_deref(),
            Some(
                "http://a:1/chain?targets=http%3A%2F%2Fb%3A2%2Fx%3Fy%3D1%26z%2Chttp%3A%2F%2Fc%3A3"
            )
        );
    }

    #[test]
    fn a_base_path_stays_and_a_query_does_not() {
        for target in ["http://a/base", "http://a/base/", "http://a/base?x=1#top"] {
            assert_eq!(
                url(target, "").as_deref(),
                Some("http://a/base/chain"),
                "{target}"
            );
        }
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for target in [
            "",
            "a",
            "/chain",
            "ftp://a",
            "mailto:a@b",
            "http://",
            "http://a:99999",
            "data:,x",
        ] {
            assert_eq!(url(target, ""), None, "{target}");
        }
    }
}
