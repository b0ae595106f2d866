use tracing_core_ctx::semconv;

use super::{Vars, list};

/// What the environment says of the resource, in its order.
#[derive(Debug, Default)]
pub(crate) struct EnvResource {
    pub(crate) service_name: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

pub(super) fn read(vars: &Vars<'_>) -> EnvResource {
    const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

    let mut resource = EnvResource::default();
    let text = vars.text(ATTRIBUTES).unwrap_or_default();
    match list::members(&text).collect::<Result<Vec<_>, _>>() {
        Ok(attributes) => resource.attributes = attributes,
        // OpenTelemetry resource SDK: "In case of any error, e.g. failure during the decoding process, the entire
        // environment variable value SHOULD be discarded and an error SHOULD be reported".
        Err(invalid) => vars.warn(format_args!(
            "{ATTRIBUTES} is `{text}`, but member {} is not `key=value` with percent-encoded text; all of it is ignored",
            invalid.position
        )),
    }
    let named = |(key, _): &(String, String)| key == semconv::SERVICE_NAME.name();
    if let Some(position) = resource.attributes.iter().rposition(named) {
        resource.service_name = Some(resource.attributes[position].1.clone());
        resource.attributes.retain(|attribute| !named(attribute));
    }
    resource.service_name = vars
        .text("OTEL_SERVICE_NAME")
        .or(resource.service_name)
        .filter(|name| !name.is_empty());
    resource
}
