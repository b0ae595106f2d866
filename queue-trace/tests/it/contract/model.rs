//! The model without any transport: what the client of another broker has from it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use queue_trace::{ByteHeaders, Destination, Operation, QueueTracer};
use trace_testkit::messaging::{Letter, Messaging, Wish};
use tracing_core_ctx::Tracer;

struct Post {
    queue: QueueTracer,
    letters: Mutex<VecDeque<(ByteHeaders, Vec<u8>)>>,
}

impl Post {
    fn put(&self, headers: ByteHeaders, body: Vec<u8>) {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push_back((headers, body));
    }

    fn take(&self) -> (ByteHeaders, Vec<u8>) {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.pop_front().unwrap()
    }
}

fn headers(letter: &Letter) -> ByteHeaders {
    let mut headers = ByteHeaders::default();
    for (name, value) in &letter.headers {
        headers.push(name.as_str(), Some(value.as_slice()));
    }
    headers
}

fn letter((headers, body): &(ByteHeaders, Vec<u8>)) -> Letter {
    let mut letter = Letter::of(body.clone());
    for (name, value) in headers.iter() {
        letter = letter.with(name, value.unwrap_or_default());
    }
    letter
}

impl Messaging for Post {
    const HEADERS_ARE_A_LIST: bool = true;

    async fn start(tracer: Tracer, wish: Option<Wish>) -> Self {
        Self {
            queue: super::tracer(tracer, wish),
            letters: Mutex::default(),
        }
    }

    async fn send(&self, letter: Letter) {
        let mut headers = headers(&letter);
        let operation = Operation::send("post", "send", Destination::named("letters"));
        let mut sending = self.queue.start_send(&operation, &mut headers);
        self.put(headers, letter.body);
        sending.end_with(|_| {});
    }

    async fn process(&self, work: impl FnOnce(&Letter) + Send) {
        let message = self.take();
        let origin = self.queue.extract(&message.0);
        let operation = Operation::process("post", "process", Destination::named("letters"));
        let mut processing = self.queue.start_process(&operation, &origin);
        {
            let _entered = processing.enter();
            work(&letter(&message));
        }
        processing.end_with(|_| {});
    }

    async fn send_bare(&self, letter: Letter) {
        self.put(headers(&letter), letter.body);
    }

    async fn receive_bare(&self) -> Letter {
        letter(&self.take())
    }
}

trace_testkit::messaging_suite!(Post);
