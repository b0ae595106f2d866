use std::sync::atomic::{AtomicUsize, Ordering};

use crate::openmetrics::Labels;

/// Which processor and exporter of this process the numbers are of (`otel.component.type`, `otel.component.name`).
#[derive(Clone, Debug)]
pub(crate) struct Component {
    exporter: &'static str,
    /// The host and the port of the back end.
    server: Option<(String, u16)>,
    number: usize,
}

impl Component {
    pub(crate) fn new(exporter: &'static str, server: Option<(String, u16)>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self {
            exporter,
            server,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(super) fn processor(&self) -> Labels {
        self.labels("batching_span_processor")
    }

    pub(super) fn exporter(&self) -> Labels {
        let labels = self.labels(self.exporter);
        match &self.server {
            Some((address, port)) => labels
                .with("server_address", address)
                .with("server_port", &port.to_string()),
            None => labels,
        }
    }

    fn labels(&self, kind: &str) -> Labels {
        Labels::default()
            .with("otel_component_name", &format!("{kind}/{}", self.number))
            .with("otel_component_type", kind)
    }
}
