use std::fs;

use crate::Error;

/// Bytes of memory that this process holds, what its allocator keeps for later included. The program's own code is not: how much of that lies in memory
/// changes while it runs, and with what is linked to it.
pub(super) fn resident() -> Result<usize, Error> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = parse(&status).ok_or("/proc/self/status: not as expected")?;
    Ok(kib * 1024)
}

fn parse(status: &str) -> Option<usize> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_found() {
        assert_eq!(
            parse("VmRSS:\t    9000 kB\nRssAnon:\t    5168 kB\n"),
            Some(5168)
        );
        assert!(resident().unwrap() > 100_000);
    }
}
