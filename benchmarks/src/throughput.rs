//! Messages in a second, without tracing and with it: sent, received, handled and settled by the real clients.
//!
//! A round is one run without tracing and, right after it, one with; each has a topic or a queue of its own, on a broker in this process, or on that at `AMQP_URL`.
//! One thread sends and handles, beside those of the clients and the broker. Spans become the bytes of OTLP requests, which are thrown away.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use rustix::time::ClockId;
use tokio::sync::Semaphore;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::sampler::{AlwaysOff, AlwaysOn, ParentBased};

use crate::ours::{self, Way};
use crate::time::{cpu, median};
use crate::{Delivery, Error, markdown};

mod amqp;
mod kafka;

/// How much is done.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Plan {
    /// How often each client is measured.
    pub rounds: usize,
    /// How many messages go through each time.
    pub messages: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rounds: 11,
            messages: 20_000,
        }
    }
}

/// Messages under way at once.
const WINDOW: usize = 500;

/// How many more may be sent than taken: the brokers keep no more.
const LEAD: usize = 1000;

/// What one run took.
#[derive(Clone, Copy, Debug)]
struct Taken {
    wall: Duration,
    /// Of all threads: of the broker's too.
    cpu: Duration,
}

/// A client with its broker: sends and handles so many messages.
type Client = fn(usize, How) -> Result<Taken, Error>;

/// How messages go through a client.
enum How {
    /// Without tracing, and without headers.
    Bare,
    /// The same with a `traceparent` that is written by hand and read by nobody: what a header costs the client and the broker.
    WithHeader,
    Traced(Tracer),
}

/// What a round compares with bare.
#[derive(Clone, Copy, PartialEq)]
enum Against {
    Header,
    Sampled,
    Unsampled,
}

impl Against {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Sampled, "sampled"),
        (Self::Unsampled, "unsampled"),
        (Self::Header, "no tracing, a header by hand"),
    ];
}

const CLIENTS: [(&str, Client); 2] = [("Kafka", kafka::run), ("AMQP", amqp::run)];

/// Spans of a message: of sending, pulling, processing and settling, and of the last three in AMQP none of pulling.
const SPANS: [u64; 2] = [4, 3];

/// Measures all of it, and makes a table. `tell` hears of each round.
///
/// # Errors
///
/// When a client or a broker fails, or spans are missing.
pub fn report(plan: Plan, tell: &mut dyn FnMut(&str)) -> Result<String, Error> {
    let mut rows = Vec::new();
    for ((name, client), spans) in CLIENTS.into_iter().zip(SPANS) {
        let name = match amqp::url() {
            Some(_) if name == "AMQP" => "AMQP, at AMQP_URL",
            _ => name,
        };
        for (against, what) in Against::ALL {
            let mut rounds = Vec::new();
            for round in 0..plan.rounds {
                tell(&format!("{name}, {what}, {}", round + 1));
                rounds.push(round_of(client, plan.messages, against, spans)?);
            }
            rows.push(row(&format!("{name}, {what}"), plan.messages, &rounds));
        }
    }
    Ok(markdown::table(
        &[
            "client",
            "bare: messages/s",
            "against bare",
            "CPU, against bare",
        ],
        &rows,
    ))
}

type Round = (Taken, Taken);

fn round_of(client: Client, messages: usize, against: Against, spans: u64) -> Result<Round, Error> {
    let bare = client(messages, How::Bare)?;
    let (tracer, delivery) = match against {
        Against::Header => return Ok((bare, client(messages, How::WithHeader)?)),
        Against::Sampled => ours::set_up(Way::Pipeline, ParentBased::new(AlwaysOn))?,
        Against::Unsampled => ours::set_up(Way::Pipeline, ParentBased::new(AlwaysOff))?,
    };
    let is_sampled = against == Against::Sampled;
    let traced = client(messages, How::Traced(tracer))?;
    delivery.flush();
    // The queue is bounded, and drops what it has no room for.
    let most = if is_sampled {
        spans * messages as u64
    } else {
        0
    };
    if delivery.delivered() > most || (is_sampled && delivery.delivered() == 0) {
        return Err(format!("{} spans arrived of {most}", delivery.delivered()).into());
    }
    Ok((bare, traced))
}

#[expect(clippy::cast_precision_loss, reason = "a count of messages")]
fn row(name: &str, messages: usize, rounds: &[Round]) -> Vec<String> {
    let of = |ratio: fn(&Round) -> f64| rounds.iter().map(ratio).collect::<Vec<_>>();
    let rate = |taken: &Taken| messages as f64 / taken.wall.as_secs_f64();
    let bare = median(rounds.iter().map(|(bare, _)| rate(bare)).collect());
    let speed = of(|(bare, traced)| bare.wall.as_secs_f64() / traced.wall.as_secs_f64());
    let cpu = of(|(bare, traced)| traced.cpu.as_secs_f64() / bare.cpu.as_secs_f64());
    vec![
        name.to_owned(),
        format!("{bare:.0}"),
        spread(speed),
        spread(cpu),
    ]
}

/// The median, the least and the most.
fn spread(ratios: Vec<f64>) -> String {
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.3} ({least:.2}..{most:.2})", median(ratios))
}

/// Sends and takes so many, at the same time and on this thread.
async fn go<S: Future<Output = ()>, T: Future<Output = ()>>(
    count: usize,
    send: impl Fn() -> S,
    take: impl Fn() -> T,
) -> Taken {
    let room = Semaphore::new(LEAD);
    let sends = async {
        let mut under_way = FuturesUnordered::new();
        for _ in 0..count {
            if under_way.len() >= WINDOW {
                under_way.next().await;
            }
            if let Ok(permit) = room.acquire().await {
                permit.forget();
            }
            under_way.push(send());
        }
        while under_way.next().await.is_some() {}
    };
    let takes = async {
        for _ in 0..count {
            take().await;
            room.add_permits(1);
        }
    };
    let (start, cpu_start) = (Instant::now(), cpu(ClockId::ProcessCPUTime));
    join(sends, takes).await;
    Taken {
        wall: start.elapsed(),
        cpu: cpu(ClockId::ProcessCPUTime).saturating_sub(cpu_start),
    }
}
