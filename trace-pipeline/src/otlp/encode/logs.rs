//! Logs as an `ExportLogsServiceRequest`
//! ([opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto), `logs/v1/logs.proto`).

use tracing_core_ctx::{Resource, semconv};

use super::super::protobuf::{BYTES, FIXED32, Output, Writer, tag};
use super::attributes::attributes;
use super::names::Names;
use super::{PART, SPAN, resource};
use crate::logs::LogRecord;

/// The bytes of a request with these records.
pub(crate) fn encode_logs(of: &Resource, records: &[LogRecord]) -> Vec<u8> {
    let expected = records.len() * SPAN + SPAN;
    let mut output = Output::with_capacity(expected);
    let mut names = Names::new();
    // ExportLogsServiceRequest.resource_logs
    let resource_logs = output.open(1, expected);
    resource(&mut output, of);
    // ResourceLogs.scope_logs
    let scope_logs = output.open(2, expected);
    // ScopeLogs.log_records
    output.write_each(records, |writer, one| {
        writer.message(2, PART, |writer| record(writer, &mut names, one))
    });
    output.close(scope_logs);
    // ResourceLogs.schema_url
    output.write(|writer| writer.bytes(3, semconv::SCHEMA_URL.as_bytes()));
    output.close(resource_logs);
    output.into_bytes()
}

/// A `LogRecord`.
fn record<'a>(writer: Writer<'a>, names: &mut Names, record: &LogRecord) -> Writer<'a> {
    let time = record.time.as_unix_nanos();
    let writer = writer
        .fixed64(1, time)
        .uint(2, record.severity as u64)
        .bytes(3, record.severity.text().as_bytes())
        .message(5, PART, |writer| {
            writer.bytes_always(1, record.body.as_bytes())
        });
    let writer = attributes::<{ tag(6, BYTES) }>(writer, names, &record.attributes)
        .uint(7, record.attributes.dropped().into());
    let writer = match &record.span {
        None => writer,
        Some(span) => writer
            .chunk(|chunk: &mut [u8; 5]| {
                chunk[0] = tag(8, FIXED32);
                let flags = u32::from(span.flags().bits());
                chunk[1..].copy_from_slice(&flags.to_le_bytes());
                chunk.len()
            })
            .bytes(9, &span.trace_id().to_bytes())
            .bytes(10, &span.span_id().to_bytes()),
    };
    // Observed when it was written.
    writer.fixed64(11, time)
}
