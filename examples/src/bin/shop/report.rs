//! What is said on the screen, apart from the drawings themselves.

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::StatusCode;
use trace_pipeline::exporter::ExportedSpan;

use crate::draw::{self, Line, Palette, Style, Tally, Trace};
use crate::options::Options;
use crate::services;
use crate::telemetry::{Backend, Delivery, Telemetry};
use crate::visit::{Answer, VISITS, Visit};

/// Writes down what happens, and counts it.
#[derive(Debug)]
pub(crate) struct Report {
    palette: Palette,
    width: usize,
    tally: Tally,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            palette: Palette::new(options.ink, &services::NAMES),
            width: options.width,
            tally: Tally::default(),
        }
    }

    pub(crate) fn opening(&self, telemetry: &Telemetry) -> String {
        let mut text = String::new();
        let mut line = self.line();
        line.put(Palette::STRONG, "A shop of six services");
        line.put(Palette::PLAIN, " on loopback sockets: ");
        for service in services::NAMES {
            line.put(self.palette.service(service), service);
            line.put(
                Palette::PLAIN,
                if service == services::NAMES[5] {
                    "."
                } else {
                    ", "
                },
            );
        }
        line.end(&mut text);
        let backend = match telemetry.backend() {
            Backend::Environment => Some("Spans also go where the OTEL_* variables say."),
            Backend::Nowhere => None,
            Backend::Otlp(url) => Some(&*format!("Spans also go to {url}.")),
        };
        for sentence in backend.into_iter().chain([draw::LEGEND]) {
            let mut line = self.line();
            line.put(Palette::DIM, sentence);
            line.end(&mut text);
        }
        text
    }

    /// A request, what came of it, and its traces.
    pub(crate) fn visit(
        &mut self,
        number: usize,
        visit: &Visit,
        answer: &Answer,
        spans: &[ExportedSpan],
    ) -> String {
        let mut text = "\n".to_owned();
        let mut line = self.line();
        line.put(Palette::STRONG, &format!("{number} {}", visit.kind));
        line.put(Palette::PLAIN, &format!(": {}", visit.story));
        line.end(&mut text);
        let mut line = self.line();
        line.put(
            Palette::PLAIN,
            &format!("  {} {}  ", visit.method(), visit.path),
        );
        let (style, outcome) = describe(answer);
        line.put(style, &outcome);
        line.end(&mut text);
        text.push_str(&self.traces(spans));
        text
    }

    /// The traces of these spans.
    pub(crate) fn traces(&mut self, spans: &[ExportedSpan]) -> String {
        let spans: Vec<draw::Span> = spans.iter().map(draw::Span::from).collect();
        let mut text = String::new();
        if spans.is_empty() {
            text.push_str("  No spans were recorded.\n");
        }
        for span in &spans {
            self.tally.add(span);
        }
        for (number, trace) in Trace::assemble(spans).into_iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            let mut line = self.line();
            let (spans, services) = (trace.nodes.len() as u64, trace.services().len() as u64);
            line.put(
                Palette::DIM,
                &format!(
                    "  trace {}: {}, {}",
                    trace.id,
                    count(spans, "span"),
                    count(services, "service")
                ),
            );
            line.end(&mut text);
            text.push_str(&draw::waterfall(&trace, &self.palette, self.width));
        }
        text
    }

    /// How to visit the shop by hand.
    pub(crate) fn invitation(&self, gateway: SocketAddr) -> String {
        let mut text = "\n".to_owned();
        let mut line = self.line();
        line.put(Palette::STRONG, "The shop is open");
        line.put(Palette::PLAIN, " until ctrl-c. Visit it from another terminal; the trace of each request is drawn here.");
        line.end(&mut text);
        for visit in VISITS {
            let mut line = self.line();
            line.put(
                Palette::DIM,
                &format!("  # {}: {}", visit.kind, visit.story),
            );
            line.end(&mut text);
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {}", visit.curl(gateway));
        }
        text
    }

    /// What all services did.
    pub(crate) fn services(&self) -> String {
        let mut text = "\n".to_owned();
        let mut line = self.line();
        line.put(Palette::STRONG, "What the services did");
        line.put(Palette::DIM, " (4xx is no error of the one who answers it)");
        line.end(&mut text);
        text.push_str(&self.tally.table(&self.palette));
        text
    }

    /// What was lost, if anything was; and what else there is to see.
    pub(crate) fn closing(&self, delivery: &Delivery) -> String {
        let mut text = "\n".to_owned();
        if !delivery.lost.is_empty() {
            let reasons: Vec<String> = delivery
                .lost
                .iter()
                .map(|(reason, count)| format!("{reason} {count}"))
                .collect();
            let mut line = self.line();
            line.put(
                Palette::BAD,
                &format!("Spans lost: {}.", reasons.join(", ")),
            );
            line.end(&mut text);
        }
        let sentence = match delivery.sent {
            Some(sent) => format!("{} delivered to the back end.", count(sent, "span")),
            None => "Next: `cargo demo --serve` to visit the shop by hand; `--otlp URL` to see this in a back end; `--help`.".into(),
        };
        let mut line = self.line();
        line.put(Palette::DIM, &sentence);
        line.end(&mut text);
        text
    }

    const fn line(&self) -> Line {
        Line::new(self.palette.ink)
    }
}

fn describe(answer: &Answer) -> (Style, String) {
    match answer {
        Answer::Answered(status) => {
            let style = match status.as_u16() {
                ..400 => Palette::PLAIN,
                400..500 => Palette::WARNING,
                _ => Palette::BAD,
            };
            (style, print(*status))
        }
        Answer::Failed(error) => (Palette::BAD, error.to_string()),
        Answer::GivenUp => (Palette::WARNING, "given up by the customer".into()),
    }
}

fn print(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_str().to_owned(),
    }
}

fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
