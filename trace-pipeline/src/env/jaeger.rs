use std::time::Duration;

use super::Vars;
use super::sampler::{ARGUMENT, probability};
use crate::sampling::JaegerRemote;

/// `endpoint=http://localhost:14250,pollingIntervalMs=5000,initialSamplingRate=0.25`, each of which may be left out. What is wrong is a
/// warning, and the default.
///
/// The specification's endpoint is a server of gRPC; one with a path is asked by HTTP.
pub(super) fn read(vars: &Vars<'_>) -> JaegerRemote {
    let text = vars.text(ARGUMENT).unwrap_or_default();
    let members = || {
        text.split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty())
    };
    let mut remote = JaegerRemote::grpc("http://localhost:14250");
    if let Some(url) = members().find_map(|member| member.strip_prefix("endpoint=")) {
        let named = if has_path(url) {
            JaegerRemote::http(url)
        } else {
            JaegerRemote::grpc(url)
        };
        match named.uri("") {
            Ok(_) => remote = named,
            Err(error) => vars.warn(format_args!(
                "{ARGUMENT}: {error}; it is http://localhost:14250"
            )),
        }
    }
    for member in members() {
        let (key, value) = member.split_once('=').unwrap_or((member, ""));
        let known = match key {
            "endpoint" => Some(remote.clone()),
            "pollingIntervalMs" => millis(value).map(|every| remote.clone().every(every)),
            "initialSamplingRate" => {
                probability(value).map(|rate| remote.clone().initial_probability(rate))
            }
            _ => None,
        };
        match known {
            Some(known) => remote = known,
            None => vars.warn(format_args!(
                "{ARGUMENT} says `{member}`, but should say endpoint, pollingIntervalMs or initialSamplingRate with a value; it is ignored"
            )),
        }
    }
    remote
}

fn has_path(url: &str) -> bool {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind
        .split_once('/')
        .is_some_and(|(_, path)| !path.is_empty())
}

fn millis(text: &str) -> Option<Duration> {
    let millis = text.parse().ok().filter(|millis| *millis > 0);
    millis.map(Duration::from_millis)
}
