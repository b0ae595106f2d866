use std::env;

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use trace_testkit::SpanRecorder;

/// What one test works with. The queues go with the connection.
pub(super) struct Setup {
    pub(super) channel: TracedChannel,
    pub(super) queue: String,
    pub(super) recorder: SpanRecorder,
    test: &'static str,
    _connection: Connection,
}

/// `None`, said aloud, if no broker answers; unless `AMQP_URL` names one, which then must.
pub(super) async fn setup(test: &'static str) -> Option<Setup> {
    let named = env::var("AMQP_URL").ok();
    let url = named
        .as_deref()
        .unwrap_or("amqp://guest:guest@127.0.0.1:5672/%2f");
    let connection = match Connection::connect(url, ConnectionProperties::default()).await {
        Ok(connection) => connection,
        Err(error) => {
            assert!(named.is_none(), "{url} does not answer: {error}");
            eprintln!("{test}: SKIPPED, no AMQP broker answers at {url}: {error}");
            return None;
        }
    };
    let channel = connection.create_channel().await.unwrap();
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let mut setup = Setup {
        channel: TracedChannel::new(channel, queue),
        queue: String::new(),
        recorder,
        test,
        _connection: connection,
    };
    setup.queue = setup.declare("queue", &[]).await;
    Some(setup)
}

impl Setup {
    /// A queue of this test and this run alone.
    pub(super) async fn declare(&self, name: &str, arguments: &[(&str, AMQPValue)]) -> String {
        let name = format!("{}-{name}-{}", self.test, std::process::id());
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: false,
            ..QueueDeclareOptions::default()
        };
        let mut table = FieldTable::default();
        for (key, value) in arguments {
            table.insert((*key).into(), value.clone());
        }
        self.channel
            .queue_declare(name.as_str().into(), options, table)
            .await
            .unwrap();
        name
    }
}
