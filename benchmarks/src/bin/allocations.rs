//! Counts the allocations of every case; started by the benchmark program, which reads its output.

use std::io;

use benchmarks::{Error, allocations, cases};

fn main() -> Result<(), Error> {
    let mut out = io::stdout().lock();
    for case in cases() {
        let measured = allocations::over_bare(case, |work| {
            let info = allocation_counter::measure(work);
            (info.count_total, info.bytes_total)
        })?;
        allocations::write(case, measured, &mut out)?;
    }
    Ok(())
}
