//! Where a builder's spans go.

#[cfg(not(feature = "otlp"))]
use tracing_core_ctx::diagnostics::{self, Level};

use super::{BuildError, ExporterName, PipelineBuilder};
use crate::exporter::{Console, Exporter, Tee};
use crate::outlet::{Inline, Outlet};
use crate::self_metrics::Component;

impl PipelineBuilder {
    /// OTLP on its own has several batches on their way; exporters get one after the other. Nothing where all is switched off, not even a file.
    pub(super) fn make_outlet(&mut self) -> Result<Option<Box<dyn Outlet>>, BuildError> {
        if self.disabled {
            return Ok(None);
        }
        #[cfg(feature = "otlp")]
        if self.exporter.is_none() && self.exporters == [ExporterName::Otlp] {
            return Ok(Some(Box::new(self.otlp.clone().deliveries()?)));
        }
        let exporter = self.make_exporter()?;
        Ok(exporter.map(|exporter| Box::new(Inline::new(exporter)) as Box<dyn Outlet>))
    }

    /// What the exporter is called in metrics.
    pub(super) fn component(&self) -> Component {
        if self.exporter.is_some() {
            return Component::new(self.exporter_type, None);
        }
        match &*self.exporters {
            #[cfg(feature = "otlp")]
            [ExporterName::Otlp] => Component::new(self.otlp.component_type(), self.otlp.server()),
            [ExporterName::Console] => Component::new(std::any::type_name::<Console>(), None),
            [] | [ExporterName::None] => Component::new("none", None),
            _ => Component::new(std::any::type_name::<Tee>(), None),
        }
    }

    fn make_exporter(&mut self) -> Result<Option<Box<dyn Exporter>>, BuildError> {
        if let Some(exporter) = self.exporter.take() {
            return Ok(Some(exporter));
        }
        let mut exporters: Vec<Box<dyn Exporter>> = Vec::new();
        for name in &self.exporters {
            match name {
                ExporterName::Console => exporters.push(Box::new(Console::stdout())),
                ExporterName::None => {}
                #[cfg(feature = "otlp")]
                ExporterName::Otlp => exporters.push(Box::new(self.otlp.clone().build()?)),
                #[cfg(not(feature = "otlp"))]
                ExporterName::Otlp => diagnostics::report(
                    Level::Error,
                    format_args!(
                        "spans are not exported: this program was built without the feature `otlp`"
                    ),
                ),
            }
        }
        Ok(match exporters.len() {
            0 | 1 => exporters.pop(),
            _ => Some(Box::new(Tee::new(exporters))),
        })
    }
}
