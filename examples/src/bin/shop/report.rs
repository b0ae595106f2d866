//! What is said on the screen, apart from the drawings themselves.

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
        let mut line = Line::new(self.palette.ink);
        line.put(Palette::STRONG, "A shop of ten services");
        line.put(Palette::PLAIN, " on loopback sockets and queues:");
        for service in services::NAMES {
            line.put(Palette::PLAIN, " ");
            line.put(self.palette.service(service), service);
        }
        line.end(&mut text);
        match telemetry.backend() {
            Backend::Environment => {
                let sentence = "Spans also go where the OTEL_* variables say.";
                self.say(&[(Palette::DIM, sentence)], &mut text);
            }
            Backend::Nowhere => {}
            Backend::Otlp(url) => {
                let sentence = format!("Spans also go to {url}.");
                self.say(&[(Palette::DIM, &sentence)], &mut text);
            }
        }
        self.say(&[(Palette::DIM, draw::LEGEND)], &mut text);
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
        let title = format!("{number} {}", visit.kind);
        let story = format!(": {}", visit.story);
        self.say(
            &[(Palette::STRONG, &title), (Palette::PLAIN, &story)],
            &mut text,
        );
        let request = format!("  {} {}  ", visit.method(), visit.path);
        let (style, outcome) = describe(answer);
        self.say(&[(Palette::PLAIN, &request), (style, &outcome)], &mut text);
        if spans.is_empty() {
            self.say(&[(Palette::PLAIN, "  No spans were recorded.")], &mut text);
        }
        text.push_str(&self.traces(spans));
        text
    }

    /// The traces of these spans.
    pub(crate) fn traces(&mut self, spans: &[ExportedSpan]) -> String {
        let spans: Vec<draw::Span> = spans.iter().map(draw::Span::from).collect();
        for span in &spans {
            self.tally.add(span);
        }
        let traces: Vec<String> = Trace::assemble(spans)
            .iter()
            .map(|trace| self.trace(trace))
            .collect();
        traces.join("\n")
    }

    fn trace(&self, trace: &Trace) -> String {
        let mut text = String::new();
        let spans = count(trace.nodes.len() as u64, "span");
        let services = count(trace.services().len() as u64, "service");
        let title = format!("  trace {}: {spans}, {services}", trace.id);
        self.say(&[(Palette::DIM, &title)], &mut text);
        text.push_str(&draw::waterfall(trace, &self.palette, self.width));
        text
    }

    /// How to visit the shop by hand.
    pub(crate) fn invitation(&self, gateway: SocketAddr) -> String {
        let mut text = "\n".to_owned();
        let how = " until ctrl-c. Visit it from another terminal: the trace of each request is drawn here.";
        self.say(
            &[(Palette::STRONG, "The shop is open"), (Palette::PLAIN, how)],
            &mut text,
        );
        for visit in VISITS {
            let title = format!("  # {}: {}", visit.kind, visit.story);
            self.say(&[(Palette::DIM, &title)], &mut text);
            let command = format!("  {}", visit.curl(gateway));
            self.say(&[(Palette::PLAIN, &command)], &mut text);
        }
        let title = "  # how long the gateway's requests take, and how many are under way";
        self.say(&[(Palette::DIM, title)], &mut text);
        let command = format!("  curl http://{gateway}/metrics");
        self.say(&[(Palette::PLAIN, &command)], &mut text);
        text
    }

    /// What all services did.
    pub(crate) fn services(&self) -> String {
        if self.tally.is_empty() {
            return String::new();
        }
        let mut text = "\n".to_owned();
        let note = " (4xx is no error of the service that answers it)";
        self.say(
            &[
                (Palette::STRONG, "What the services did"),
                (Palette::DIM, note),
            ],
            &mut text,
        );
        text.push_str(&self.tally.table(&self.palette));
        text
    }

    /// What was lost, if anything was; and what else there is to see.
    pub(crate) fn closing(&self, delivery: &Delivery) -> String {
        const NEXT: &str = "Next: `cargo demo --serve` to visit the shop by hand, `--otlp URL` to see it in a back end, `--help`.";

        let mut text = "\n".to_owned();
        if !delivery.lost.is_empty() {
            let reasons = delivery
                .lost
                .iter()
                .map(|(reason, count)| format!("{reason} {count}"));
            let reasons: Vec<String> = reasons.collect();
            let sentence = format!("Spans lost: {}.", reasons.join(", "));
            self.say(&[(Palette::BAD, &sentence)], &mut text);
        }
        let sentence = match delivery.sent {
            Some(sent) => format!("{} delivered to the back end.", count(sent, "span")),
            None => NEXT.to_owned(),
        };
        self.say(&[(Palette::DIM, &sentence)], &mut text);
        text
    }

    /// Adds a line.
    fn say(&self, parts: &[(Style, &str)], text: &mut String) {
        let mut line = Line::new(self.palette.ink);
        for (style, part) in parts {
            line.put(*style, part);
        }
        line.end(text);
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
