use super::work::{figures, medians};
use super::{concurrent, open, threads, traces};
use crate::{Error, instructions, markdown};

const RUNS: usize = 5;
const OPEN: &str = "100000";
const CONCURRENT: &str = "10000";

/// Measures everything, and writes it as Markdown. `progress` hears what is being measured.
///
/// # Errors
///
/// When spans are missing where none may be, or a process fails.
pub fn report(progress: &mut dyn FnMut(&str)) -> Result<String, Error> {
    let mut parts = Vec::new();
    for (name, part) in [
        ("threads", threads_table as fn() -> Result<String, Error>),
        ("traces", traces_table),
        ("open spans", open_text),
        ("concurrent requests", concurrent_table),
    ] {
        progress(name);
        parts.push(part()?);
    }
    Ok(parts.join("\n"))
}

fn threads_table() -> Result<String, Error> {
    let rows = [
        ("requests without tracing", "bare", "counted"),
        ("requests, sink that counts", "requests", "counted"),
        ("requests, pipeline", "requests", "pipeline"),
        ("spans, sink that counts", "spans", "counted"),
        ("spans, pipeline", "spans", "pipeline"),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(title, what, sink)| {
            let [one, one_cpu, one_share] = medians(&[threads::NAME, what, "1", sink], RUNS)?;
            let [two, two_cpu, two_share] = medians(&[threads::NAME, what, "2", sink], RUNS)?;
            let share = |share: f64| match what {
                "bare" => String::new(),
                _ => format!("{:.1} %", share * 100.0),
            };
            Ok(vec![
                title.to_owned(),
                format!("{one:.0}"),
                format!("{two:.0}"),
                format!("{one_cpu:.0}"),
                format!("{two_cpu:.0}"),
                share(one_share),
                share(two_share),
            ])
        })
        .collect::<Result<_, Error>>()?;
    let columns = [
        "in a second",
        "1 thread",
        "2 threads",
        "CPU ns each: 1",
        "CPU ns each: 2",
        "delivered: 1",
        "delivered: 2",
    ];
    Ok(markdown::table(&columns, &rows))
}

fn traces_table() -> Result<String, Error> {
    let has_valgrind = instructions::valgrind().is_some();
    let rows: Vec<Vec<String>> = ["1", "10", "100", "1000", "10000"]
        .into_iter()
        .map(|size| {
            let mut row = vec![size.to_owned()];
            for shape in ["flat", "deep"] {
                row.push(if has_valgrind {
                    format!("{:.0}", traces::instructions(shape, size)?)
                } else {
                    "?".to_owned()
                });
                let [nanos] = figures(&[traces::NAME, shape, size])?;
                row.push(format!("{nanos:.0}"));
            }
            Ok(row)
        })
        .collect::<Result<_, Error>>()?;
    let columns = [
        "spans in a trace",
        "flat: instructions",
        "flat: ns",
        "deep: instructions",
        "deep: ns",
    ];
    Ok(markdown::table(&columns, &rows))
}

fn open_text() -> Result<String, Error> {
    let [bare] = figures(&[open::NAME, OPEN, "bare"])?;
    let [exchanges] = figures(&[open::NAME, OPEN, "exchanges"])?;
    let [spans] = figures(&[open::NAME, OPEN, "spans"])?;
    Ok(format!(
        "{OPEN} open at once: a span of thirteen attributes holds {spans:.0} bytes; a response with such a span holds {:.0} over the \
         {bare:.0} without.\n",
        exchanges - bare
    ))
}

fn concurrent_table() -> Result<String, Error> {
    let mut rows = Vec::new();
    for (title, queue) in [
        ("without tracing", "bare"),
        ("queue of 2048", "2048"),
        ("queue of 16384", "16384"),
    ] {
        let [held, ending, arrived] = medians(&[concurrent::NAME, CONCURRENT, queue], RUNS)?;
        let arrived = match queue {
            "bare" => String::new(),
            _ => format!("{:.1} %", arrived * 100.0),
        };
        rows.push(vec![
            title.to_owned(),
            format!("{held:.0}"),
            format!("{ending:.0}"),
            arrived,
        ]);
    }
    let columns = [
        &*format!("{CONCURRENT} requests at once"),
        "bytes each, open",
        "CPU ns each, ending",
        "spans arrived",
    ];
    Ok(markdown::table(&columns, &rows))
}
