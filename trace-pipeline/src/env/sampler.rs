use std::sync::Arc;

use tracing_core_ctx::Sampler;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased, Probability};

use super::Vars;
use crate::builder::PipelineBuilder;

pub(super) const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

#[cfg(feature = "jaeger-remote")]
const NAMES: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio, jaeger_remote or parentbased_jaeger_remote";
#[cfg(not(feature = "jaeger-remote"))]
const NAMES: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio";

/// The builder with the sampler that the environment names, if it names one.
pub(super) fn read(vars: &Vars<'_>, builder: PipelineBuilder) -> PipelineBuilder {
    const NAME: &str = "OTEL_TRACES_SAMPLER";

    let name = vars.parse_or(NAME, NAMES, "parentbased_always_on it is", |text| {
        let name = text.to_ascii_lowercase();
        let names = NAMES.split(", ").flat_map(|names| names.split(" or "));
        names.into_iter().any(|known| known == name).then_some(name)
    });
    let Some(name) = name else {
        return builder;
    };
    let sampler: Arc<dyn Sampler> = match name.as_str() {
        "always_on" => Arc::new(AlwaysOn),
        "always_off" => Arc::new(AlwaysOff),
        "traceidratio" => Arc::new(Probability::new(ratio(vars))),
        "parentbased_always_off" => Arc::new(ParentBased::new(AlwaysOff)),
        "parentbased_traceidratio" => Arc::new(ParentBased::new(Probability::new(ratio(vars)))),
        #[cfg(feature = "jaeger-remote")]
        "jaeger_remote" => return builder.jaeger_remote(super::jaeger::read(vars).own_rates()),
        #[cfg(feature = "jaeger-remote")]
        "parentbased_jaeger_remote" => return builder.jaeger_remote(super::jaeger::read(vars)),
        _ => Arc::new(ParentBased::new(AlwaysOn)),
    };
    builder.sampler(sampler)
}

fn ratio(vars: &Vars<'_>) -> f64 {
    vars.parse_or(ARGUMENT, "a number from 0 to 1", "1 it is", probability)
        .unwrap_or(1.0)
}

/// A number from 0 to 1.
pub(super) fn probability(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
}
