//! The `OTEL_*` environment (OpenTelemetry, "Environment Variable Specification" and "OTLP Exporter Configuration").
//!
//! An empty variable is an unset one. A wrong value is a warning, and the default.

mod batch;
#[cfg(feature = "jaeger-remote")]
mod jaeger;
mod limits;
mod list;
#[cfg(feature = "otlp")]
mod logs;
#[cfg(feature = "otlp")]
mod metrics;
mod names;
#[cfg(feature = "otlp")]
mod otlp;
mod resource;
mod sampler;

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

#[cfg(feature = "otlp")]
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::propagation::Composite;

use crate::builder::{ExporterName, PipelineBuilder};
#[cfg(feature = "otlp")]
pub(crate) use list::percent_decode;
pub(crate) use resource::EnvResource;

/// Reads variables and keeps what was wrong with them.
pub(crate) struct Vars<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    warnings: RefCell<Vec<String>>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(source: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            source,
            warnings: RefCell::default(),
        }
    }

    pub(crate) fn warn(&self, warning: fmt::Arguments<'_>) {
        self.warnings.borrow_mut().push(warning.to_string());
    }

    /// The value without surrounding space, unless it is unset or empty.
    fn text(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The value as `parse` understands it; when it does not, that is a warning.
    fn parse<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.parse_or(name, expected, "it is ignored", parse)
    }

    /// The same, where the warning says what applies `otherwise`.
    fn parse_or<T>(
        &self,
        name: &str,
        expected: &str,
        otherwise: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.warn(format_args!(
                "{name} is `{text}`, but should be {expected}; {otherwise}"
            ));
        }
        value
    }

    /// Only `true` is true, in upper or lower case.
    fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        let value = text.eq_ignore_ascii_case("true");
        if !value && !text.eq_ignore_ascii_case("false") {
            self.warn(format_args!(
                "{name} is `{text}`, but should be true or false; it is taken as false"
            ));
        }
        Some(value)
    }

    fn count(&self, name: &str) -> Option<usize> {
        self.parse(name, "a whole number", |text| text.parse().ok())
    }

    fn positive(&self, name: &str) -> Option<usize> {
        self.parse(name, "a whole number above zero", |text| {
            text.parse().ok().filter(|number| *number > 0)
        })
    }

    fn millis(&self, name: &str) -> Option<Duration> {
        self.parse(name, "a whole number of milliseconds", |text| {
            text.parse().ok().map(Duration::from_millis)
        })
    }

    /// Whether the variable that names the exporters of a signal, and the one that switches everything off, leave OTLP on.
    #[cfg(feature = "otlp")]
    fn is_sent_by_otlp(&self, exporter: &str) -> bool {
        let is_named = match self.text(exporter) {
            None => true,
            Some(names) => names
                .split(',')
                .map(|name| name.trim().to_ascii_lowercase())
                .any(|name| match &*name {
                    "otlp" => true,
                    "" | "none" => false,
                    _ => {
                        self.warn(format_args!(
                            "{exporter} names `{name}`, but should name otlp or none; it is left out"
                        ));
                        false
                    }
                }),
        };
        is_named && self.flag("OTEL_SDK_DISABLED") != Some(true)
    }

    /// Milliseconds, of which zero means that there is no limit.
    fn timeout(&self, name: &str) -> Option<Duration> {
        let millis = self.millis(name)?;
        Some(if millis.is_zero() {
            Duration::MAX
        } else {
            millis
        })
    }
}

/// The variables of this process. What is no Unicode is not hidden, so that it is found to be wrong.
pub(crate) fn process(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// A builder with the settings of this process's environment, which can be searched for misspelt names too.
pub(crate) fn process_builder() -> PipelineBuilder {
    let mut builder = builder(&process);
    // An empty variable is an unset one.
    let set = std::env::vars_os()
        .filter(|(_, value)| !value.to_string_lossy().trim().is_empty())
        .filter_map(|(name, _)| name.into_string().ok());
    let misspelt = names::misspelt(set);
    builder
        .warnings
        .extend(misspelt.iter().map(ToString::to_string));
    builder
}

/// A builder with the settings of the environment.
pub(crate) fn builder(source: &dyn Fn(&str) -> Option<String>) -> PipelineBuilder {
    let vars = Vars::new(source);
    if let Some(file) = vars.text("OTEL_CONFIG_FILE") {
        vars.warn(format_args!(
            "OTEL_CONFIG_FILE is `{file}`, but configuration files are not supported; the other variables are used"
        ));
    }
    let mut builder = PipelineBuilder::default();
    builder.disabled = vars.flag("OTEL_SDK_DISABLED").unwrap_or_default();
    builder.env_resource = resource::read(&vars);
    builder.exporters = exporters(&vars);
    #[cfg(feature = "otlp")]
    {
        builder.otlp = otlp::read(&vars, crate::otlp::Signal::Traces);
    }
    batch::read(&vars, &mut builder);
    builder.tracer = builder.tracer.limits(limits::read(&vars));
    builder = sampler::read(&vars, builder);
    if let Some(names) = vars.text("OTEL_PROPAGATORS") {
        builder.tracer = builder.tracer.propagator(Composite::from_names(&names));
    }
    builder.warnings = vars.warnings.into_inner();
    builder
}

/// The OTLP settings of this process's environment; what is wrong with them is reported.
#[cfg(feature = "otlp")]
pub(crate) fn otlp_config(signal: crate::otlp::Signal) -> crate::otlp::OtlpConfig {
    reporting(|vars| otlp::read(vars, signal))
}

/// How this process's environment says that metrics are sent; what is wrong with it is reported.
#[cfg(feature = "otlp")]
pub(crate) fn metrics_push() -> crate::metrics::PushConfig {
    reporting(metrics::read)
}

/// The same of logs.
#[cfg(feature = "otlp")]
pub(crate) fn logs() -> crate::logs::LogsConfig {
    reporting(logs::read)
}

/// Reads this process's environment, and reports what is wrong with it.
#[cfg(feature = "otlp")]
fn reporting<T>(read: impl FnOnce(&Vars<'_>) -> T) -> T {
    let vars = Vars::new(&process);
    let read = read(&vars);
    for warning in vars.warnings.into_inner() {
        diagnostics::report(Level::Warn, format_args!("{warning}"));
    }
    read
}

fn exporters(vars: &Vars<'_>) -> Vec<ExporterName> {
    const NAME: &str = "OTEL_TRACES_EXPORTER";

    let Some(text) = vars.text(NAME) else {
        return vec![ExporterName::Otlp];
    };
    let mut names = Vec::new();
    let mut unknown = Vec::new();
    for name in text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let name = match name.to_ascii_lowercase().as_str() {
            "console" => ExporterName::Console,
            "none" => ExporterName::None,
            "otlp" => ExporterName::Otlp,
            _ => {
                unknown.push(name);
                continue;
            }
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in unknown {
        let otherwise = if names.is_empty() {
            "otlp it is"
        } else {
            "it is left out"
        };
        vars.warn(format_args!(
            "{NAME} names `{name}`, but should name otlp, console or none; {otherwise}"
        ));
    }
    if names.contains(&ExporterName::None) && names.len() > 1 {
        vars.warn(format_args!(
            "{NAME} names `none` beside others; `none` is ignored"
        ));
        names.retain(|name| *name != ExporterName::None);
    }
    if names.is_empty() {
        names.push(ExporterName::Otlp);
    }
    names
}

#[cfg(test)]
mod tests;
