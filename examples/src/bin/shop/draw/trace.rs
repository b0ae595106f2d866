use std::collections::HashMap;

use tracing_core_ctx::{SpanId, SpanKind, TraceId};

/// A finished span, as far as it is drawn. Times are nanoseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: TraceId,
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: SpanKind,
    /// The same request was sent before.
    pub(crate) is_repeated: bool,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) outcome: Outcome,
    /// The outcome in a word: a status code, an `error.type`, `cancelled`.
    pub(crate) label: String,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
}

impl Span {
    /// When the message was sent that this continues the trace of.
    pub(crate) fn queued_since(&self) -> Option<u64> {
        let own = |link: &&Link| Some(link.span) == self.parent;
        self.links.iter().find(own).and_then(|link| link.sent)
    }
}

/// How a span ended, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Cancelled,
    Failed,
    /// Answered with 4xx, or with a code of gRPC that is no error of its server: the fault of the caller, no error of the service.
    Refused,
    Unremarkable,
}

/// Something that happened in a span.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) time: u64,
    /// Its name and what is known about it.
    pub(crate) text: String,
}

/// A relation to another span.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    /// Who that is, once [`Trace::assemble`] has found it.
    pub(crate) label: String,
    /// When the message was given to be sent, if this is from its consumer to its producer; once [`Trace::assemble`] has found it.
    pub(crate) sent: Option<u64>,
}

/// The spans of one trace as a tree.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) id: TraceId,
    /// Parents before children, siblings by their start.
    pub(crate) nodes: Vec<Node>,
    /// Places in `nodes`: the spans whose parents are not here.
    pub(crate) roots: Vec<usize>,
}

/// A span and its place in the tree.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    /// Places in [`Trace::nodes`].
    pub(crate) children: Vec<usize>,
    /// For each ancestor below the root, and last the span itself: whether siblings follow.
    pub(crate) followed: Vec<bool>,
}

impl Trace {
    /// Sorts spans into traces, in the order of their starts. Equal times are told apart by ids, so that the same spans are always
    /// drawn alike.
    pub(crate) fn assemble(mut spans: Vec<Span>) -> Vec<Self> {
        name_links(&mut spans);
        spans.sort_by_key(|span| (span.start, span.id.to_u64()));
        let mut traces: Vec<(TraceId, Vec<Span>)> = Vec::new();
        for span in spans {
            match traces.iter_mut().find(|(id, _)| *id == span.trace) {
                Some((_, spans)) => spans.push(span),
                None => traces.push((span.trace, vec![span])),
            }
        }
        traces
            .into_iter()
            .map(|(id, spans)| Self::plant(id, spans))
            .collect()
    }

    fn plant(id: TraceId, spans: Vec<Span>) -> Self {
        let here: Vec<SpanId> = spans.iter().map(|span| span.id).collect();
        let mut below: HashMap<Option<SpanId>, Vec<Span>> = HashMap::new();
        for span in spans {
            let parent = span
                .parent
                .filter(|parent| here.contains(parent) && *parent != span.id);
            below.entry(parent).or_default().push(span);
        }
        let mut trace = Self {
            id,
            nodes: Vec::with_capacity(here.len()),
            roots: Vec::new(),
        };
        trace.roots = trace.add(None, &[], &mut below);
        trace
    }

    /// Adds all spans below `parent`, depth first.
    fn add(
        &mut self,
        parent: Option<SpanId>,
        above: &[bool],
        below: &mut HashMap<Option<SpanId>, Vec<Span>>,
    ) -> Vec<usize> {
        let spans = below.remove(&parent).unwrap_or_default();
        let count = spans.len();
        let mut places = Vec::with_capacity(count);
        for (index, span) in spans.into_iter().enumerate() {
            let mut followed = above.to_vec();
            if parent.is_some() {
                followed.push(index + 1 < count);
            }
            let (id, place) = (span.id, self.nodes.len());
            self.nodes.push(Node {
                span,
                children: Vec::new(),
                followed: followed.clone(),
            });
            places.push(place);
            self.nodes[place].children = self.add(Some(id), &followed, below);
        }
        places
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.nodes.iter().map(|node| &node.span)
    }

    pub(crate) fn start(&self) -> u64 {
        self.spans()
            .map(|span| span.start)
            .min()
            .unwrap_or_default()
    }

    pub(crate) fn end(&self) -> u64 {
        self.spans().map(|span| span.end).max().unwrap_or_default()
    }

    /// The services that took part, in the order of the tree.
    pub(crate) fn services(&self) -> Vec<&str> {
        let mut services: Vec<&str> = Vec::new();
        for span in self.spans() {
            if !services.contains(&&*span.service) {
                services.push(&span.service);
            }
        }
        services
    }
}

/// Says who is linked: by name if the span is among these, else by its ids.
fn name_links(spans: &mut [Span]) {
    let known: HashMap<SpanId, (String, Option<u64>)> = spans
        .iter()
        .map(|span| {
            let name = format!("{} {}", span.service, span.name);
            let sent = (span.kind == SpanKind::Producer).then_some(span.start);
            (span.id, (name, sent))
        })
        .collect();
    for span in spans {
        let is_consumer = span.kind == SpanKind::Consumer;
        for link in &mut span.links {
            (link.label, link.sent) = match known.get(&link.span) {
                Some((name, sent)) => (name.clone(), sent.filter(|_| is_consumer)),
                None => (format!("span {} of trace {}", link.span, link.trace), None),
            };
        }
    }
}
