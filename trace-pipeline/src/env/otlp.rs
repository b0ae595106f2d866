use super::{Vars, list};
use crate::otlp::{self, Compression, OtlpConfig, Protocol, Signal, Target};

const BASE: &str = "OTEL_EXPORTER_OTLP_";

/// Each option has a variable for the signal and one for all, of which the former wins, unless it is wrong.
pub(crate) fn read(vars: &Vars<'_>, signal: Signal) -> OtlpConfig {
    let name = |option: &str| name(vars, signal, option);
    let names = |option: &str| names(vars, signal, option);
    let mut config = OtlpConfig::new(protocol(vars, &names("PROTOCOL")));
    config.insecure = vars.flag(&name("INSECURE")).unwrap_or_default();
    config.target = target(vars, signal, &config);
    config.headers = headers(vars, &name("HEADERS"));
    let timeouts = names("TIMEOUT");
    if let Some(timeout) = timeouts.iter().find_map(|name| vars.timeout(name)) {
        config.timeout = timeout;
    }
    let known = if cfg!(feature = "zstd") {
        "gzip, zstd or none"
    } else {
        "gzip or none"
    };
    let compression = |name: &String| vars.parse(name, known, Compression::named);
    config.compression = names("COMPRESSION")
        .iter()
        .find_map(compression)
        .unwrap_or_default();
    tls(vars, names, &mut config);
    config
}

/// The name of the variable that says `option`.
fn name(vars: &Vars<'_>, signal: Signal, option: &str) -> String {
    let own = format!("{}{option}", signal.prefix());
    match vars.text(&own) {
        Some(_) => own,
        None => format!("{BASE}{option}"),
    }
}

/// The names of the variables that are set and may say `option`, that of the signal first. Where that is wrong, the other holds.
fn names(vars: &Vars<'_>, signal: Signal, option: &str) -> Vec<String> {
    let prefixes = [signal.prefix(), BASE].into_iter();
    let mut names: Vec<String> = prefixes.map(|prefix| format!("{prefix}{option}")).collect();
    names.retain(|name| vars.text(name).is_some());
    names
}

fn protocol(vars: &Vars<'_>, names: &[String]) -> Protocol {
    let protocol = names.iter().enumerate().find_map(|(index, name)| {
        let is_last = index + 1 == names.len();
        vars.parse_or(
            name,
            "grpc, http/protobuf or http/json",
            if is_last {
                "http/protobuf it is"
            } else {
                "it is ignored"
            },
            |text| match text.to_ascii_lowercase().as_str() {
                "grpc" => Some(Protocol::Grpc),
                "http/protobuf" => Some(Protocol::HttpProtobuf),
                "http/json" => Some(Protocol::HttpJson),
                _ => None,
            },
        )
    });
    protocol.unwrap_or_default()
}

/// The first of the two variables that is a URL.
fn target(vars: &Vars<'_>, signal: Signal, config: &OtlpConfig) -> Target {
    let known: [(&str, fn(String) -> Target); 2] = [
        (signal.prefix(), Target::SignalUrl),
        (BASE, Target::Endpoint),
    ];
    for (prefix, target) in known {
        let name = format!("{prefix}ENDPOINT");
        let Some(text) = vars.text(&name) else {
            continue;
        };
        let candidate = OtlpConfig {
            target: target(text),
            ..config.clone()
        };
        match candidate.uri(signal) {
            Ok(_) => return candidate.target,
            Err(error) => vars.warn(format_args!("{name} is ignored: {error}")),
        }
    }
    Target::Default
}

/// What can not be sent is left out; the warning does not show it, since it is mostly a secret.
fn headers(vars: &Vars<'_>, name: &str) -> Vec<(String, String)> {
    let text = vars.text(name).unwrap_or_default();
    let mut headers = Vec::new();
    for member in list::members(&text) {
        match member {
            Ok((key, value)) if otlp::header(&key, &value).is_some() => headers.push((key, value)),
            Ok((key, _)) => vars.warn(format_args!("{name} has a header `{key}` that can not be sent; it is left out")),
            Err(invalid) => vars.warn(format_args!(
                "{name} has a member that is not `name=value` with percent-encoded text, at position {}; it is left out",
                invalid.position
            )),
        }
    }
    headers
}

fn tls(vars: &Vars<'_>, names: impl Fn(&str) -> Vec<String>, config: &mut OtlpConfig) {
    let read_one = |name: String| {
        let path = vars.text(&name)?;
        match std::fs::read(&path) {
            Ok(pem) => Some((name, pem)),
            Err(error) => {
                vars.warn(format_args!(
                    "{name} is `{path}`, which can not be read: {error}; it is ignored"
                ));
                None
            }
        }
    };
    let read = |option: &str| names(option).into_iter().find_map(read_one);
    if let Some((name, pem)) = read("CERTIFICATE") {
        config.tls.certificate = Some(pem);
        if let Err(error) = config.tls.check() {
            vars.warn(format_args!("{name} is ignored: {error}"));
            config.tls.certificate = None;
        }
    }
    match (read("CLIENT_CERTIFICATE"), read("CLIENT_KEY")) {
        (Some((name, certificate)), Some((_, key))) => {
            config.tls.client_identity = Some((certificate, key));
            if let Err(error) = config.tls.check() {
                vars.warn(format_args!("{name} is ignored: {error}"));
                config.tls.client_identity = None;
            }
        }
        (None, None) => {}
        (certificate, key) => {
            let (name, _) = certificate.or(key).unwrap_or_default();
            vars.warn(format_args!(
                "{name} is ignored: a client needs both its certificate and its key"
            ));
        }
    }
}
