//! The routes. What is about tracing here: one layer around them, and a traced client within.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use examples::service::Telemetry;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_trace::TraceLayer;
use tower_trace::reqwest::Client;
use trace_pipeline::metrics::ExchangeMetrics;

use crate::answer::Answer;
use crate::outbound;
use crate::problem::Problem;

/// More requests than this at once are not sent for one `POST /test`.
const MAX_ACTIONS: usize = 64;

/// The service, which tells of itself by `telemetry`.
pub(crate) fn router(telemetry: &Telemetry) -> Result<Router, reqwest::Error> {
    let Telemetry {
        tracer, metrics, ..
    } = telemetry;
    let traced = Router::new()
        .route("/chain", get(chain))
        .route("/hello/{name}", get(hello))
        .route("/status/{code}", get(status))
        .route("/test", post(test))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(outbound::client(telemetry)?)
        // Last, so that it is around all of the above: the fallbacks are traced too.
        .layer(TraceLayer::for_axum(tracer.clone()).observe(metrics.clone()));
    // Outside of the layer: who looks is not counted.
    let page = Router::new()
        .route("/metrics", get(metrics_page))
        .with_state(metrics.clone());
    Ok(traced.merge(page))
}

#[derive(Debug, Deserialize)]
struct Targets {
    #[serde(default)]
    targets: String,
}

/// Calls the first target with the rest.
async fn chain(
    answer: Answer,
    State(client): State<Client>,
    query: Result<Query<Targets>, QueryRejection>,
) -> Result<Answer, Problem> {
    let Query(Targets { targets }) = query?;
    if targets.is_empty() {
        return Ok(answer);
    }
    let (first, rest) = targets.split_once(',').unwrap_or((&targets, ""));
    let downstream = outbound::chain(&client, first, rest).await?;
    Ok(answer.with_downstream(downstream))
}

/// The page for Prometheus.
async fn metrics_page(State(metrics): State<ExchangeMetrics>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, ExchangeMetrics::OPENMETRICS)],
        metrics.openmetrics(),
    )
}

async fn hello(answer: Answer) -> Answer {
    answer
}

/// Answers with the status that it was asked for.
async fn status(
    answer: Answer,
    code: Result<Path<u16>, PathRejection>,
) -> Result<(StatusCode, Answer), Problem> {
    let Path(code) = code?;
    let status = StatusCode::from_u16(code)
        .ok()
        .filter(|_| (200..=599).contains(&code))
        .ok_or_else(|| {
            Problem::bad_request(format!("{code} is no final status: 200 to 599 are"))
        })?;
    Ok((status, answer))
}

/// One request to make, in the words of the test suite of W3C Trace Context.
#[derive(Debug, Deserialize)]
struct Action {
    url: String,
    #[serde(default)]
    arguments: Value,
}

/// Posts the arguments of each action to its URL, all at the same time, and tells how it went.
async fn test(
    State(client): State<Client>,
    actions: Result<Json<Vec<Action>>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(actions) = actions?;
    if actions.len() > MAX_ACTIONS {
        let reason = format!("{} actions are more than {MAX_ACTIONS}", actions.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    // Polled in one task, they are all below its server span; `tokio::spawn` would need `.with_context(..)`.
    let posts = actions.iter().map(async |action| {
        match outbound::post(&client, &action.url, &action.arguments).await {
            Ok(status) => json!({ "url": action.url, "status": status.as_u16() }),
            Err(error) => json!({ "url": action.url, "error": error }),
        }
    });
    Ok(Json(join_all(posts).await.into()))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {}", uri.path()),
    )
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let reason = format!("{} does not take {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, reason)
}

#[cfg(test)]
mod tests;
