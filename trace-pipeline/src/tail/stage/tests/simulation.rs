//! A million requests in virtual time: what is counted from the spans that leave is what has happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tracing_core_ctx::{SpanContext, SpanKind, semconv};

use super::*;

const REQUESTS: usize = 1_000_000;
const SERVICES: [(&str, f64); 3] = [("gateway", 0.01), ("orders", 0.02), ("payment", 0.005)];
const ROUTES: [&str; 3] = ["GET /list", "GET /item/{id}", "POST /item"];
const LIMIT: u32 = 50;

/// Numbers that are the same in every run (SplitMix64).
#[derive(Debug)]
struct Dice(AtomicU64);

impl Dice {
    fn next(&self) -> u64 {
        let mut z = self
            .0
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0, without it, and 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn unit(&self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn is(&self, probability: f64) -> bool {
        self.unit() <= probability
    }
}

impl IdGenerator for Dice {
    fn trace_id(&self) -> TraceId {
        let id = (u128::from(self.next()) << 64) | u128::from(self.next());
        TraceId::from_u128(id.max(1)).unwrap()
    }

    fn span_id(&self) -> SpanId {
        SpanId::from_u64(self.next().max(1)).unwrap()
    }

    fn is_random(&self) -> bool {
        true
    }
}

/// One of the services, and what is known of it in truth and by its spans.
struct Service {
    tracer: Tracer,
    ended: Arc<Ended>,
    stage: Stage,
    counts: Arc<Counts>,
    truth: BTreeMap<&'static str, Vec<Happened>>,
    seen: BTreeMap<String, Vec<Happened>>,
    /// How many local traces of each second have left.
    seconds: HashMap<u64, u32>,
}

/// A request, in truth or by its span.
#[derive(Clone, Copy)]
struct Happened {
    millis: f64,
    status: i64,
    /// For how many it stands; in truth, for how many one would stand that only the head keeps.
    weight: f64,
}

struct Shop {
    services: Vec<Service>,
    clock: Arc<Hand>,
    dice: Arc<Dice>,
    /// Of the traces that a head has kept: how many spans they have, and how many have left.
    head_kept: HashMap<TraceId, (u32, u32)>,
}

impl Shop {
    fn open() -> Self {
        let clock = Arc::<Hand>::default();
        let dice = Arc::new(Dice(AtomicU64::new(20_261_121)));
        let services = SERVICES.iter().map(|(name, share)| {
            let ended = Arc::<Ended>::default();
            let head = ParentBased::new(Probability::new(*share));
            let tracer = Tracer::builder()
                .resource(tracing_core_ctx::Resource::new(name))
                .sink(Arc::clone(&ended))
                .id_generator(Arc::clone(&dice))
                .clock(Arc::clone(&clock))
                .sampler(head)
                .map_sampler(|head| {
                    let gate = Arc::new(Gate::new(false));
                    Box::new(Recorded { head, gate })
                });
            let tail = Tail::new()
                .keep(Keep::errors())
                .keep(Keep::slowest(0.01))
                .limit(LIMIT);
            let counts = Arc::new(Counts::default());
            Service {
                tracer: tracer.build(),
                ended,
                stage: Stage::new(Arc::new(tail), Arc::clone(&counts), Arc::default()),
                counts,
                truth: BTreeMap::new(),
                seen: BTreeMap::new(),
                seconds: HashMap::new(),
            }
        });
        Self {
            services: services.collect(),
            clock,
            dice,
            head_kept: HashMap::new(),
        }
    }

    /// One request that comes to a service, from outside or from another one; gives how many services it went through.
    fn serve(
        &mut self,
        number: usize,
        caller: Option<SpanContext>,
        head: f64,
        is_incident: bool,
    ) -> usize {
        let route = ROUTES[match self.dice.unit() {
            share if share < 0.7 => 0,
            share if share < 0.95 => 1,
            _ => 2,
        }];
        let cx = caller.map_or_else(Context::new, |caller| {
            Context::new().with_remote_span(caller.with_remote(true))
        });
        let fails = self.dice.is(if is_incident { 0.2 } else { 0.001 });
        let status = match () {
            () if fails => 500,
            () if self.dice.is(0.02) => 404,
            () => 200,
        };
        let service = &mut self.services[number];
        let span = service
            .tracer
            .span(route)
            .kind(SpanKind::Server)
            .parent(&cx)
            .start();
        let identity = span.span_context().unwrap().clone();
        if identity.is_sampled() {
            self.head_kept.entry(identity.trace_id()).or_default().0 += 1;
        }
        if self.dice.is(0.1) {
            span.in_scope(|| Span::child("query")).end();
            if identity.is_sampled() {
                self.head_kept.entry(identity.trace_id()).or_default().0 += 1;
            }
        }
        let mut served = 1;
        if number + 1 < SERVICES.len() && self.dice.is(0.5) {
            served += self.serve(number + 1, Some(identity), head, is_incident);
        }
        // Long tails: a route's own scale, and now and then many times that.
        let millis = (1.0 + route.len() as f64) / self.dice.unit().powf(0.4);
        let end = self
            .clock
            .now()
            .after(Duration::from_secs_f64(millis / 1000.0));
        span.set(semconv::HTTP_RESPONSE_STATUS_CODE, status);
        if fails {
            span.fail(semconv::error_type::PANIC, "");
        }
        span.end_at(end);
        let truth = self.services[number].truth.entry(route).or_default();
        truth.push(Happened {
            millis,
            status,
            weight: head.recip(),
        });
        served
    }

    /// Has the tails take what has ended and reads what leaves.
    fn run(&mut self, is_over: bool) {
        let now = Duration::from_nanos(self.clock.0.load(Ordering::Relaxed));
        for service in &mut self.services {
            for span in std::mem::take(&mut *service.ended.0.lock().unwrap()) {
                service.counts.came(1);
                service.stage.take(span, now);
            }
            if is_over {
                service.stage.finish(now);
            }
            service.stage.tick(now);
            let left: Vec<SpanRecord> = service.stage.next(|_, _| true).0.collect();
            for span in left {
                service.counts.went(1);
                if let Some(expected) = self.head_kept.get_mut(&span.span_context().trace_id()) {
                    expected.1 += 1;
                }
                if span.kind() == SpanKind::Server {
                    service.see(&span);
                }
            }
        }
    }
}

impl Service {
    fn see(&mut self, span: &SpanRecord) {
        let second = span.start().as_unix_nanos() / 1_000_000_000;
        *self.seconds.entry(second).or_default() += 1;
        let threshold = Threshold::of(span.span_context().trace_state()).unwrap();
        let status = span.attributes().get("http.response.status_code");
        let millis = span.end().since(span.start()).as_secs_f64() * 1000.0;
        let seen = Happened {
            millis,
            status: status.and_then(|status| status.as_i64()).unwrap(),
            weight: threshold.adjusted_count(),
        };
        match self.seen.get_mut(span.name()) {
            Some(of_route) => of_route.push(seen),
            None => drop(self.seen.insert(span.name().to_owned(), vec![seen])),
        }
    }
}

/// Compares the sum of `value` over what has happened with the same over what has left, each by its weight.
///
/// What is kept with probability p, and then counts 1/p, adds `value² (1/p - 1)` to the variance. That is known of requests that only
/// the head keeps; those that the tail keeps for being slow vary less. The probability of an error depends on the limit, and is taken from those
/// that were kept, of which there are many.
fn agree(what: &str, truth: &[Happened], seen: &[Happened], value: impl Fn(&Happened) -> f64) {
    let is_error = |happened: &&Happened| happened.status == 500;
    let variance_of = |one: &Happened| value(one).powi(2) * (one.weight - 1.0);
    let of_head: f64 = truth
        .iter()
        .filter(|one| !is_error(one))
        .map(variance_of)
        .sum();
    let of_errors: f64 = seen
        .iter()
        .filter(is_error)
        .map(|one| one.weight * variance_of(one))
        .sum();
    let sigma = (of_head + of_errors).sqrt();
    let happened: f64 = truth.iter().map(&value).sum();
    let counted: f64 = seen.iter().map(|one| value(one) * one.weight).sum();
    assert!(
        (counted - happened).abs() <= 3.0 * sigma + 1e-3,
        "{what}: {counted:.1} counted, {happened:.1} in truth, sigma {sigma:.1}"
    );
}

#[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
fn check(name: &str, truth: &[Happened], seen: &[Happened]) {
    let one = |is: bool| f64::from(u8::from(is));
    agree(name, truth, seen, |_| 1.0);
    for status in [200, 404, 500] {
        let is = |happened: &Happened| one(happened.status == status);
        agree(&format!("{name} {status}"), truth, seen, is);
        // The rate: what is left of the status when its true share of all is taken away is nothing.
        let rate = truth.iter().map(is).sum::<f64>() / truth.len() as f64;
        let rest = |happened: &Happened| is(happened) - rate;
        agree(&format!("{name} rate of {status}"), truth, seen, rest);
    }
    let mut sorted: Vec<f64> = truth.iter().map(|happened| happened.millis).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    for permille in [500, 900, 990, 999] {
        // Spans have nanoseconds.
        let quantile = sorted[sorted.len() * permille / 1000] - 1e-5;
        let is_slower = |happened: &Happened| one(happened.millis > quantile);
        agree(&format!("{name} p{permille}"), truth, seen, is_slower);
    }
}

#[test]
fn what_is_counted_from_kept_spans_is_what_has_happened() {
    let mut shop = Shop::open();
    let mut served = 0;
    let mut second = 0;
    while served < REQUESTS {
        // A thousand requests in each second; in one of a hundred something breaks, and there are more errors than the limit.
        let is_incident = second % 100 == 50;
        // They come over the whole of it.
        for tenth in 0..10 {
            let until = served + 100;
            while served < until {
                let number = match shop.dice.unit() {
                    share if share < 0.5 => 0,
                    share if share < 0.8 => 1,
                    _ => 2,
                };
                served += shop.serve(number, None, SERVICES[number].1, is_incident);
            }
            shop.run(false);
            let next = (10 * second + tenth + 1) * 100_000_000;
            shop.clock.0.store(next, Ordering::Relaxed);
        }
        second += 1;
    }
    shop.run(true);

    let mut limited = 0;
    for (service, (name, _)) in shop.services.iter().zip(SERVICES) {
        for (route, truth) in &service.truth {
            check(&format!("{name} {route}"), truth, &service.seen[*route]);
        }
        let most = service.seconds.values().max().copied().unwrap();
        assert!(most <= LIMIT, "{name}: {most} traces in one second");
        let stats = service.counts.stats();
        assert_eq!((stats.waiting_spans, service.stage.held()), (0, 0));
        assert_eq!(stats.overloaded, 0);
        limited += stats.limited;
    }
    // The limit was needed.
    assert!(limited > 100, "{limited}");
    assert!(shop.head_kept.len() > 3000, "{}", shop.head_kept.len());
    for (trace, (spans, left)) in shop.head_kept {
        assert_eq!(spans, left, "{trace} is incomplete");
    }
}
