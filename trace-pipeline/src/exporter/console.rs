use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use tracing_core_ctx::attribute::{Array, Attributes, ValueRef};
use tracing_core_ctx::{Resource, SpanKind, SpanRecord, Status, Timestamp, semconv};

use super::{Batch, ExportError, Exporter};

/// Writes spans for people to read: a line for each, and one more for each event and link.
///
/// ```text
/// 2025-11-21T04:13:07.123456Z orders server GET /orders/{id} 12.3ms error=StockError "stock is empty" 4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7 < b9c7c989f97918e1 http.request.method="GET" error.type="StockError"
///   + 4.1ms exception exception.type="StockError"
///   ~ 0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331
/// ```
///
/// The two ids are of the trace and the span, the one behind `<` is the parent's. Behind `error=` is what there is of
/// the `error.type` and, in quotes, the description.
///
/// Chosen by `OTEL_TRACES_EXPORTER=console`, it writes spans within 200 ms and not within 5 s, so that who stops the
/// program with Ctrl-C has seen them. `OTEL_BSP_SCHEDULE_DELAY` and
/// [`schedule_delay`](crate::PipelineBuilder::schedule_delay) win over that.
pub struct Console {
    out: Box<dyn Write + Send>,
}

impl Console {
    /// Writes to the standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Writes to `out`.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out) }
    }
}

impl Exporter for Console {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        // In one piece, so that the lines of several pipelines do not mix.
        let mut text = String::new();
        for span in batch.spans() {
            // Writing to a `String` does not fail.
            let _ = write_span(&mut text, batch.resource(), span);
        }
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(ExportError::failed)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

fn write_span(out: &mut dyn fmt::Write, resource: &Resource, span: &SpanRecord) -> fmt::Result {
    let cx = span.span_context();
    let kind = match span.kind() {
        SpanKind::Client => "client",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
        SpanKind::Producer => "producer",
        SpanKind::Server => "server",
    };
    write!(
        out,
        "{} {} {kind} {} {}",
        Rfc3339(span.start()),
        resource.service_name().escape_debug(),
        span.name().escape_debug(),
        Short(span.end().since(span.start())),
    )?;
    match span.status() {
        Status::Error { description } => write_error(out, span.attributes(), description)?,
        Status::Ok => out.write_str(" ok")?,
        _ => {}
    }
    write!(out, " {}/{}", cx.trace_id(), cx.span_id())?;
    if let Some(parent) = span.parent() {
        write!(out, " < {parent}")?;
    }
    writeln!(out, "{}", Listed(span.attributes()))?;
    for event in span.events() {
        let after = Short(event.time.since(span.start()));
        writeln!(
            out,
            "  + {after} {}{}",
            event.name.escape_debug(),
            Listed(&event.attributes)
        )?;
    }
    for link in span.links() {
        let cx = &link.span_context;
        writeln!(
            out,
            "  ~ {}/{}{}",
            cx.trace_id(),
            cx.span_id(),
            Listed(&link.attributes)
        )?;
    }
    Ok(())
}

fn write_error(
    out: &mut dyn fmt::Write,
    attributes: &Attributes,
    description: &str,
) -> fmt::Result {
    let error_type = attributes
        .get(semconv::ERROR_TYPE.name())
        .and_then(|value| value.as_str());
    match (error_type, description) {
        (None, "") => out.write_str(" error"),
        (None, _) => write!(out, " error={description:?}"),
        (Some(error_type), "") => write!(out, " error={}", error_type.escape_debug()),
        (Some(error_type), _) => {
            write!(out, " error={} {description:?}", error_type.escape_debug())
        }
    }
}

/// ` key=value` for each, with texts in quotes, so that nothing in them is taken for a line of its own.
struct Listed<'a>(&'a Attributes);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.0 {
            write!(f, " {}=", key.escape_debug())?;
            match value {
                ValueRef::Bool(flag) => write!(f, "{flag}"),
                ValueRef::F64(number) => write!(f, "{number}"),
                ValueRef::I64(number) => write!(f, "{number}"),
                ValueRef::Str(text) => write!(f, "{text:?}"),
                ValueRef::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
                ValueRef::Array(Array::Bool(list)) => write!(f, "{list:?}"),
                ValueRef::Array(Array::F64(list)) => write!(f, "{list:?}"),
                ValueRef::Array(Array::I64(list)) => write!(f, "{list:?}"),
                ValueRef::Array(Array::Str(list)) => write!(f, "{list:?}"),
                other => write!(f, "{other:?}"),
            }?;
        }
        Ok(())
    }
}

/// A duration with three digits or so.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{:.1}us", self.0.as_secs_f64() * 1e6),
            1_000_000..1_000_000_000 => write!(f, "{:.1}ms", self.0.as_secs_f64() * 1e3),
            _ => write!(f, "{:.2}s", self.0.as_secs_f64()),
        }
    }
}

/// Date and time, to the microsecond, in UTC.
struct Rfc3339(Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_unix_nanos() / 1_000;
        let seconds = micros / 1_000_000;
        let (year, month, day) = civil(seconds / 86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            seconds / 3_600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            micros % 1_000_000,
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Counted in eras of 400 years that begin on the first of March, so that the leap day is the last of its year.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests;
