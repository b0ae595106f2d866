// The queue peer in Node: kafkajs and amqplib, traced by OpenTelemetry's own packages.
//
// Usage: node queue_peer.js kafkajs|amqplib send|receive ADDRESS NAME N
//
// ADDRESS are bootstrap servers or a URL, NAME is a topic or a queue. Nothing here reads or writes trace headers by hand, and
// the SDK is configured by OTEL_*. Prints HEADER and SPAN lines as `queue-peer` does; what a producer has sent, its consumer
// tells.

"use strict";

const { SpanKind } = require("@opentelemetry/api");
const { AmqplibInstrumentation } = require("@opentelemetry/instrumentation-amqplib");
const { KafkaJsInstrumentation } = require("@opentelemetry/instrumentation-kafkajs");
const { NodeSDK, tracing } = require("@opentelemetry/sdk-node");

const LIMIT = 30_000; // Milliseconds to wait for a message.

const say = (word, what) => process.stdout.write(`${word} ${JSON.stringify(what)}\n`);
const linked = ({ traceId, spanId }) => `${traceId}-${spanId}`;

const printer = {
  export(spans, done) {
    for (const span of spans) {
      const { traceId, spanId } = span.spanContext();
      say("SPAN", {
        name: span.name,
        kind: SpanKind[span.kind],
        trace_id: traceId,
        span_id: spanId,
        parent: span.parentSpanContext?.spanId ?? null,
        links: span.links.map((link) => linked(link.context)),
      });
    }
    done({ code: 0 });
  },
  async shutdown() {},
};

// The SDK must be running before the modules it instruments are loaded. Without detectors: while they look around, it keeps spans
// back, and forgets them if it is shut down.
const sdk = new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [new tracing.SimpleSpanProcessor(printer)],
  instrumentations: [new KafkaJsInstrumentation(), new AmqplibInstrumentation()],
});
sdk.start();

const [library, direction, address, name, number] = process.argv.slice(2);
const count = Number(number);
const payloads = Array.from({ length: count }, (_, index) => Buffer.from(`message-${index}`));

function printHeaders(headers, wireType) {
  for (const [key, values] of Object.entries(headers ?? {})) {
    if (["traceparent", "tracestate", "baggage"].includes(key.toLowerCase())) {
      for (const value of [values].flat()) {
        say("HEADER", { key, value: value.toString(), type: wireType(value) });
      }
    }
  }
}

/** Calls `start` with what is to be called for each message, and waits until there were enough. */
async function receive(start) {
  let left = count;
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${left} messages did not come`)), LIMIT);
    const arrived = () => {
      left -= 1;
      if (left === 0) {
        clearTimeout(late);
        resolve();
      }
    };
    start(arrived).catch(reject);
  });
}

const peers = {
  kafkajs: {
    client() {
      const { Kafka, logLevel } = require("kafkajs");
      return new Kafka({ clientId: "foreign", brokers: [address], logLevel: logLevel.ERROR });
    },
    async send() {
      const producer = this.client().producer();
      await producer.connect();
      for (const value of payloads) {
        await producer.send({ topic: name, messages: [{ value }] });
      }
      await producer.disconnect();
    },
    async receive() {
      const consumer = this.client().consumer({ groupId: `foreign-${process.pid}`, sessionTimeout: 6000 });
      await consumer.connect();
      await consumer.subscribe({ topic: name, fromBeginning: true });
      await receive((arrived) =>
        consumer.run({
          eachMessage: async ({ message }) => {
            printHeaders(message.headers, () => "bytes");
            arrived();
          },
        }),
      );
      await consumer.disconnect();
    },
  },
  amqplib: {
    async channel() {
      const connection = await require("amqplib").connect(address);
      const channel = await connection.createConfirmChannel();
      await channel.assertQueue(name, { durable: false });
      return { connection, channel };
    },
    async send() {
      const { connection, channel } = await this.channel();
      for (const payload of payloads) {
        channel.sendToQueue(name, payload);
      }
      await channel.waitForConfirms();
      await connection.close();
    },
    async receive() {
      const { connection, channel } = await this.channel();
      await receive((arrived) =>
        channel.consume(name, (message) => {
          printHeaders(message.properties.headers, (value) => (Buffer.isBuffer(value) ? "ByteArray" : "LongString"));
          channel.ack(message);
          arrived();
        }),
      );
      await connection.close();
    },
  },
};

peers[library][direction]()
  .then(() => sdk.shutdown())
  .then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
