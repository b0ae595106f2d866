//! Who is being traced, and by what.

use crate::attribute::{AttributeKey, AttributeValue, Attributes};
use crate::semconv;

/// The service that spans come from: its name and whatever else tells it from others.
///
/// ```
/// use tracing_core_ctx::{Resource, semconv};
///
/// let resource = Resource::new("orders").with(semconv::SERVICE_VERSION, "1.4.2");
/// assert_eq!(resource.service_name(), "orders");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    attributes: Attributes,
}

impl Resource {
    /// A service by its name, with the `telemetry.sdk.*` attributes of this library.
    #[must_use]
    pub fn new(service_name: &str) -> Self {
        let mut attributes = Attributes::new();
        attributes.set(semconv::SERVICE_NAME, service_name);
        attributes.set(semconv::TELEMETRY_SDK_NAME, "tower-trace");
        attributes.set(semconv::TELEMETRY_SDK_LANGUAGE, "rust");
        attributes.set(semconv::TELEMETRY_SDK_VERSION, env!("CARGO_PKG_VERSION"));
        Self { attributes }
    }

    /// The same with one more attribute, or another value for it.
    #[must_use]
    pub fn with<K: AttributeKey>(mut self, key: K, value: impl AttributeValue<K::Type>) -> Self {
        self.attributes.set(key, value);
        self
    }

    /// The name of the service.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.attributes
            .get(semconv::SERVICE_NAME.name())
            .and_then(crate::attribute::ValueRef::as_str)
            .unwrap_or("unknown_service")
    }

    /// All that is known about it.
    #[must_use]
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }
}

impl Default for Resource {
    /// `unknown_service:` and the name of the executable (OpenTelemetry resource conventions, `service.name`).
    fn default() -> Self {
        let executable = std::env::current_exe().ok();
        let name = executable
            .as_deref()
            .and_then(std::path::Path::file_name)
            .map(|name| name.to_string_lossy());
        match name {
            Some(name) => Self::new(&format!("unknown_service:{name}")),
            None => Self::new("unknown_service"),
        }
    }
}

/// The library that records a span: an OpenTelemetry instrumentation scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InstrumentationScope {
    /// The name of the library.
    pub name: &'static str,
    /// Its version; may be empty.
    pub version: &'static str,
    /// The schema of its attribute names; may be empty.
    pub schema_url: &'static str,
}

impl InstrumentationScope {
    /// A library that follows the semantic conventions that this crate is pinned to.
    #[must_use]
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            schema_url: semconv::SCHEMA_URL,
        }
    }
}
