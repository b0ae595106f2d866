mod outlet;
mod sampling;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing_core_ctx::attribute::{AttributeKey, AttributeValue, Attributes, KeyRef};
use tracing_core_ctx::diagnostics::{self, Level};
use tracing_core_ctx::limits::SpanLimits;
use tracing_core_ctx::tracer::{AlreadyInstalled, TracerBuilder};
use tracing_core_ctx::{Propagator, Resource, Sampler, Tracer};

use crate::budget::{Budget, Throttle, Throttled, Watchdog};
use crate::env::EnvResource;
use crate::exporter::Exporter;
use crate::metrics::ExchangeMetrics;
#[cfg(feature = "otlp")]
use crate::otlp::OtlpConfig;
use crate::pipeline::Pipeline;
use crate::queue::Bounds;
use crate::resource;
use crate::sampling::Tail;
use crate::shared::{Learner, Mode, Shared};
use crate::sink::PipelineSink;
use crate::tail::{Inlet, Recorded, Runner};
use crate::worker::Worker;

/// Puts a [`Pipeline`] together. What is set here wins over the environment.
#[must_use = "a pipeline is made when `install` or `build` is called"]
pub struct PipelineBuilder {
    pub(crate) tracer: TracerBuilder,
    pub(crate) disabled: bool,
    pub(crate) env_resource: EnvResource,
    pub(crate) exporters: Vec<ExporterName>,
    #[cfg(feature = "otlp")]
    pub(crate) otlp: OtlpConfig,
    pub(crate) bounds: Bounds,
    pub(crate) schedule_delay: Option<Duration>,
    pub(crate) export_timeout: Duration,
    pub(crate) warnings: Vec<String>,
    tail: Option<Tail>,
    budget: Option<Budget>,
    learner: Option<Arc<dyn Learner>>,
    /// From where the sampler's rules come while the program runs.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    pub(crate) rules_from: Option<sampling::RulesSource>,
    exporter: Option<Box<dyn Exporter>>,
    /// The type of that exporter.
    exporter_type: &'static str,
    service: Option<String>,
    default_service: Option<String>,
    attributes: Attributes,
    drop_timeout: Duration,
    metrics: Option<ExchangeMetrics>,
}

/// An exporter by its name in `OTEL_TRACES_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExporterName {
    Console,
    None,
    Otlp,
}

impl Default for PipelineBuilder {
    fn default() -> Self {
        Self {
            tracer: Tracer::builder(),
            disabled: false,
            env_resource: EnvResource::default(),
            exporters: vec![ExporterName::Otlp],
            #[cfg(feature = "otlp")]
            otlp: OtlpConfig::http(),
            bounds: Bounds::default(),
            schedule_delay: None,
            export_timeout: Duration::from_secs(30),
            warnings: Vec::new(),
            tail: None,
            budget: None,
            learner: None,
            #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
            rules_from: None,
            exporter: None,
            exporter_type: "none",
            service: None,
            default_service: None,
            attributes: Attributes::new(),
            drop_timeout: Duration::from_secs(5),
            metrics: None,
        }
    }
}

impl PipelineBuilder {
    /// The name of the service. Default: `unknown_service:` and the name of the executable.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// The name of the service where neither code nor environment gives one: for programs that their operators name.
    ///
    /// ```
    /// let vars = |name: &str| (name == "OTEL_SERVICE_NAME").then(|| "orders-eu".to_owned());
    /// let pipeline = trace_pipeline::from_vars(vars).default_service("orders").build()?;
    /// assert_eq!(pipeline.tracer().resource().service_name(), "orders-eu");
    /// # Ok::<(), trace_pipeline::BuildError>(())
    /// ```
    pub fn default_service(mut self, name: impl Into<String>) -> Self {
        self.default_service = Some(name.into());
        self
    }

    /// Says something about the service, such as its version or where it is deployed.
    ///
    /// ```
    /// use tracing_core_ctx::semconv;
    ///
    /// let builder = trace_pipeline::Pipeline::builder().service("orders").attribute(semconv::SERVICE_VERSION, "1.4.2");
    /// ```
    pub fn attribute<K: AttributeKey>(
        mut self,
        key: K,
        value: impl AttributeValue<K::Type>,
    ) -> Self {
        self.attributes.set(key, value);
        self
    }

    /// How contexts travel. Default: W3C Trace Context and Baggage.
    pub fn propagator(mut self, propagator: impl Propagator + 'static) -> Self {
        self.tracer = self.tracer.propagator(propagator);
        self
    }

    /// How much a span may hold. Default: 128 of each, values of any length.
    pub fn limits(mut self, limits: SpanLimits) -> Self {
        self.tracer = self.tracer.limits(limits);
        self
    }

    /// Changes the tracer in other ways: its clock, its ids, its scope. Its resource and its sink are the
    /// pipeline's to set.
    pub fn tracer(mut self, change: impl FnOnce(TracerBuilder) -> TracerBuilder) -> Self {
        self.tracer = change(self.tracer);
        self
    }

    /// Takes spans to where you like, instead of what the environment names. Several: [`Tee`](crate::exporter::Tee).
    pub fn exporter<E: Exporter + 'static>(mut self, exporter: E) -> Self {
        self.exporter_type = std::any::type_name::<E>();
        self.exporter = Some(Box::new(exporter));
        self
    }

    /// Sends spans by OTLP, as `config` says and not as the environment does. Start from [`OtlpConfig::from_env`]
    /// to change that in parts.
    #[cfg(feature = "otlp")]
    pub fn otlp(mut self, config: OtlpConfig) -> Self {
        self.otlp = config;
        self.exporters = vec![ExporterName::Otlp];
        self.exporter = None;
        self
    }

    /// How many spans wait at most; more are dropped and counted. Default: 2048; `OTEL_BSP_MAX_QUEUE_SIZE`. More than 2 097 152 are as many.
    pub const fn queue_spans(mut self, spans: usize) -> Self {
        self.bounds.spans = spans;
        self
    }

    /// How many bytes the spans hold at most that wait or are being exported; more are dropped and counted.
    /// Default: 32 MiB.
    pub const fn queue_bytes(mut self, bytes: usize) -> Self {
        self.bounds.bytes = bytes;
        self
    }

    /// How many spans are exported at once; as soon as there are so many, they are. Default: 512;
    /// `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`.
    pub const fn batch_spans(mut self, spans: usize) -> Self {
        self.bounds.batch_spans = spans;
        self
    }

    /// How long a span waits at most for others, at least 1 ms. Default: 5 s, or 200 ms when the environment chooses
    /// [`Console`](crate::exporter::Console); `OTEL_BSP_SCHEDULE_DELAY`.
    pub const fn schedule_delay(mut self, delay: Duration) -> Self {
        self.schedule_delay = Some(delay);
        self
    }

    /// How long the export of a batch may take, as far as the exporter heeds it. Default: 30 s;
    /// `OTEL_BSP_EXPORT_TIMEOUT`.
    pub const fn export_timeout(mut self, timeout: Duration) -> Self {
        self.export_timeout = timeout;
        self
    }

    /// How long dropping the pipeline may take. Default: 5 s.
    pub const fn drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// Tells `metrics` which spans leave for the back end, so that its exemplars point to those alone, and not to what a tail or a full queue
    /// dropped. Default: what was sampled is taken for kept.
    pub fn exemplars(mut self, metrics: &ExchangeMetrics) -> Self {
        metrics.wait_for_word();
        self.metrics = Some(metrics.clone());
        self
    }

    /// What is wrong in the environment, for programs that would rather not start with it. It is also reported, by
    /// [`diagnostics`], when the pipeline is built.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The pipeline, whose tracer becomes the one of the program: [`Tracer::global`].
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and when the program has a global tracer already.
    pub fn install(self) -> Result<Pipeline, BuildError> {
        let pipeline = self.build()?;
        pipeline.tracer().install_global()?;
        Ok(pipeline)
    }

    /// The pipeline, with its thread running.
    ///
    /// # Errors
    ///
    /// When what the code set for OTLP can not be used, or the thread can not be started. The environment is never
    /// a reason.
    pub fn build(mut self) -> Result<Pipeline, BuildError> {
        for warning in std::mem::take(&mut self.warnings) {
            diagnostics::report(Level::Warn, format_args!("{warning}"));
        }
        let schedule_delay = self.effective_schedule_delay();
        let component = self.component();
        let outlet = self.make_outlet()?;
        let mode = match &outlet {
            _ if self.disabled => Mode::Disabled,
            None => Mode::Discard,
            Some(_) => Mode::Export,
        };
        let resource = self.make_resource();
        #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
        let follow = self.follow_rules(&resource)?;
        let bounds = self.bounds.sound();
        let tail = self.tail.take().filter(|_| mode == Mode::Export);
        let inlet = tail.as_ref().map(|tail| Inlet::new(tail, bounds));
        let told_by_tail = self.metrics.take_if(|_| tail.is_some());
        if let Some(metrics) = &told_by_tail {
            metrics.wait_for_tail();
        }
        let throttle = self.budget.map(|_| Arc::new(Throttle::default()));
        if let Some(throttle) = &throttle {
            let throttle = Arc::clone(throttle);
            self.tracer = self
                .tracer
                .map_sampler(|sampler| Box::new(Throttled { sampler, throttle }));
        }
        if let Some(inlet) = &inlet {
            let gate = Arc::clone(&inlet.gate);
            let recorded = |head| Box::new(Recorded { head, gate }) as Box<dyn Sampler>;
            self.tracer = self.tracer.map_sampler(recorded);
        }
        let shared = Arc::new(
            Shared::new(mode, bounds)
                .with_sampling(inlet, self.learner.take())
                .with_throttle(throttle)
                .with_component(component),
        );
        let tracer = self
            .tracer
            .resource(resource.clone())
            .sink(PipelineSink::new(Arc::clone(&shared)));
        if let Some(outlet) = outlet
            && mode == Mode::Export
        {
            let worker = Worker {
                shared: Arc::clone(&shared),
                outlet,
                resource: Arc::new(resource),
                schedule_delay,
                export_timeout: self.export_timeout,
                metrics: self.metrics.take(),
                watchdog: self.budget.map(Watchdog::new),
            };
            worker.spawn().map_err(BuildError::Thread)?;
            if let Some(tail) = tail {
                let runner = Runner::spawn(Arc::clone(&shared), Arc::new(tail), told_by_tail);
                runner.map_err(|error| {
                    shared.stop_worker();
                    BuildError::Thread(error)
                })?;
            }
        }
        #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
        if let Some(follow) = follow
            && mode != Mode::Disabled
        {
            follow(&shared).map_err(|error| {
                shared.stop_worker();
                BuildError::Thread(error)
            })?;
        }
        Ok(Pipeline::new(shared, tracer.build(), self.drop_timeout))
    }

    pub(crate) fn effective_schedule_delay(&self) -> Duration {
        // Who reads along has seen the spans of a request before they press Ctrl-C.
        const CONSOLE: Duration = Duration::from_millis(200);
        const DEFAULT: Duration = Duration::from_secs(5);
        // With none at all the thread would never rest.
        const LEAST: Duration = Duration::from_millis(1);

        let console = self.exporter.is_none() && self.exporters.contains(&ExporterName::Console);
        let default = if console { CONSOLE } else { DEFAULT };
        self.schedule_delay.unwrap_or(default).max(LEAST)
    }

    fn make_resource(&self) -> Resource {
        let env = &self.env_resource;
        let name = self.service.as_ref().or(env.service_name.as_ref());
        let mut resource = match name.or(self.default_service.as_ref()) {
            Some(name) => Resource::new(name),
            None => Resource::default(),
        };
        for (key, value) in resource::detect() {
            resource = resource.with(KeyRef::Static(key), &value);
        }
        for (key, value) in &env.attributes {
            resource = resource.with(KeyRef::Borrowed(key), value);
        }
        for (key, value) in &self.attributes {
            resource = resource.with(KeyRef::Borrowed(key), value);
        }
        resource
    }
}

impl fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineBuilder")
            .field("service", &self.service)
            .field("tracer", &self.tracer)
            .field("disabled", &self.disabled)
            .field("exporters", &self.exporters)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

/// A pipeline can not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The program has a global tracer already.
    #[error(transparent)]
    AlreadyInstalled(#[from] AlreadyInstalled),
    /// The server of sampling strategies is not at a URL.
    #[cfg(feature = "jaeger-remote")]
    #[error("remote sampling: {0}")]
    JaegerRemote(crate::otlp::InvalidEndpoint),
    /// The file of sampling rules can not be used.
    #[cfg(feature = "rules-file")]
    #[error("sampling rules: {0}")]
    Rules(#[from] crate::sampling::InvalidRules),
    /// Something was set for OTLP that can not be used.
    #[cfg(feature = "otlp")]
    #[error("OTLP: {0}")]
    Otlp(#[from] crate::otlp::ConfigError),
    /// The operating system gave no thread.
    #[error("the pipeline's thread can not be started: {0}")]
    Thread(#[source] io::Error),
}
