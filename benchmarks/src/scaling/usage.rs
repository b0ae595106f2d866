use std::fs;

use crate::Error;

/// Bytes of memory that this process holds, what its allocator keeps for later included.
pub(super) fn resident() -> Result<usize, Error> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = parse(&status).ok_or("/proc/self/status: not as expected")?;
    Ok(kib * 1024)
}

fn parse(status: &str) -> Option<usize> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_found() {
        assert_eq!(
            parse("VmHWM:\t    9000 kB\nVmRSS:\t    5168 kB\n"),
            Some(5168)
        );
        assert!(resident().unwrap() > 100_000);
    }
}
