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
            let [one, one_share] = medians(&[threads::NAME, what, "1", sink], RUNS)?;
            let [two, two_share] = medians(&[threads::NAME, what, "2", sink], RUNS)?;
            let share = |share: f64| match what {
                "bare" => String::new(),
                _ => format!("{:.1} %", share * 100.0),
            };
            Ok(vec![
                title.to_owned(),
                format!("{one:.0}"),
                format!("{two:.0}"),
                format!("{:.2}", two / one),
                share(one_share),
                share(two_share),
            ])
        })
        .collect::<Result<_, Error>>()?;
    let columns = [
        "in a second",
        "1 thread",
        "2 threads",
        "ratio",
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
                    format!("{:.0}", instructions_of_a_span(shape, size)?)
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

#[expect(clippy::cast_precision_loss, reason = "the total of a short run")]
fn instructions_of_a_span(shape: &str, size: &str) -> Result<f64, Error> {
    let arguments = [super::RUN, traces::NAME, shape, size, "once"];
    let total = instructions::total_of(&arguments, traces::MEASURED)?;
    Ok(total as f64 / traces::SPANS as f64)
}

fn open_text() -> Result<String, Error> {
    let [bare] = figures(&[open::NAME, OPEN, "bare"])?;
    let [traced] = figures(&[open::NAME, OPEN, "traced"])?;
    Ok(format!(
        "{OPEN} open exchanges: {:.0} bytes each over the {bare:.0} without tracing.\n",
        traced - bare
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
        "ns each, ending",
        "spans arrived",
    ];
    Ok(markdown::table(&columns, &rows))
}
