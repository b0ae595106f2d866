//! What a process knows about itself without asking anybody.

use tracing_core_ctx::attribute::Value;
use tracing_core_ctx::{IdGenerator as _, RandomIds, semconv};

/// The instance, the process and the host.
pub(crate) fn detect() -> Vec<(&'static str, Value)> {
    let mut attributes: Vec<(&'static str, Value)> = vec![
        (
            semconv::SERVICE_INSTANCE_ID.name(),
            uuid(RandomIds::default().trace_id().to_u128()).into(),
        ),
        (semconv::PROCESS_PID.name(), std::process::id().into()),
    ];
    if let Some(name) = executable() {
        attributes.push((semconv::PROCESS_EXECUTABLE_NAME.name(), name.into()));
    }
    if let Some(name) = host() {
        attributes.push((semconv::HOST_NAME.name(), name.into()));
    }
    attributes
}

/// Random bits as a UUID of version 4 (RFC 9562, section 5.4).
fn uuid(bits: u128) -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;

    let bits = bits & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

fn executable() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// The host's name, where it is a file.
fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
