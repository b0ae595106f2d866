use std::sync::Arc;

use tracing_core_ctx::Sampler;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased, Probability};

use super::Vars;

/// The sampler that the environment names, if it names one.
pub(super) fn read(vars: &Vars<'_>) -> Option<Arc<dyn Sampler>> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const NAMES: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio";

    let name = vars.parse_or(NAME, NAMES, "parentbased_always_on it is", |text| {
        let name = text.to_ascii_lowercase();
        let names = NAMES.split(", ").flat_map(|names| names.split(" or "));
        names.into_iter().any(|known| known == name).then_some(name)
    })?;
    Some(match name.as_str() {
        "always_on" => Arc::new(AlwaysOn),
        "always_off" => Arc::new(AlwaysOff),
        "traceidratio" => Arc::new(Probability::new(ratio(vars))),
        "parentbased_always_off" => Arc::new(ParentBased::new(AlwaysOff)),
        "parentbased_traceidratio" => Arc::new(ParentBased::new(Probability::new(ratio(vars)))),
        _ => Arc::new(ParentBased::new(AlwaysOn)),
    })
}

fn ratio(vars: &Vars<'_>) -> f64 {
    vars.parse_or(
        "OTEL_TRACES_SAMPLER_ARG",
        "a number from 0 to 1",
        "1 it is",
        |text| {
            text.parse()
                .ok()
                .filter(|ratio| (0.0..=1.0).contains(ratio))
        },
    )
    .unwrap_or(1.0)
}
