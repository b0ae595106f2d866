//! Counts the allocations of a subject; started by the benchmark program, which reads its output.

use std::{env, io};

use benchmarks::{Case, Error, allocations};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [case, subject] = &arguments[..] else {
        return Err("two arguments: CASE SUBJECT".into());
    };
    let (case, subject) = (Case::find(case).ok_or("no such case")?, subject);
    let subject = case.subject(subject).ok_or("no such subject")?;
    let measured = allocations::over_bare(&case, subject, |work| {
        let info = allocation_counter::measure(work);
        (info.count_total, info.bytes_total)
    })?;
    allocations::write(measured, &mut io::stdout().lock())?;
    Ok(())
}
