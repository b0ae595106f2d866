"""The queue peer in Python: five client libraries, traced by OpenTelemetry's own packages.

Usage: queue_peer.py LIBRARY send|receive ADDRESS NAME N

LIBRARY is kafka-python, confluent-kafka, aiokafka, pika or aio-pika; ADDRESS are bootstrap servers or a URL, NAME is a topic or queue.
Nothing here reads or writes trace headers by hand, and the SDK is configured by OTEL_*. Prints HEADER and SPAN lines as `queue-peer` does;
what a producer has sent, its consumer tells. With QUEUE_PEER_FORWARD=1, producers of Kafka send messages that have a trace header already, as
those do who copy the headers of a message to the next.
"""

import asyncio
import json
import os
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

LIMIT = 30  # Seconds to wait for a message.
GROUP = f"foreign-{os.getpid()}"
STALE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
FORWARDED = [STALE] if os.environ.get("QUEUE_PEER_FORWARD") == "1" else []
TRACE_HEADERS = ("traceparent", "tracestate", "baggage")


def say(word: str, what: dict) -> None:
    print(word, json.dumps(what), flush=True)


class Printer(SpanExporter):
    def export(self, spans) -> SpanExportResult:
        for span in spans:
            links = [link.context for link in span.links]
            say(
                "SPAN",
                {
                    "name": span.name,
                    "kind": span.kind.name,
                    "trace_id": trace.format_trace_id(span.context.trace_id),
                    "span_id": trace.format_span_id(span.context.span_id),
                    "parent": trace.format_span_id(span.parent.span_id) if span.parent else None,
                    "links": [f"{trace.format_trace_id(c.trace_id)}-{trace.format_span_id(c.span_id)}" for c in links],
                },
            )
        return SpanExportResult.SUCCESS


def print_headers(headers) -> None:
    """Those of traces, with their wire type."""
    for key, value in headers:
        if key.lower() not in TRACE_HEADERS:
            continue
        wire_type = "bytes" if library.is_kafka else "ByteArray" if isinstance(value, bytes) else "LongString"
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        say("HEADER", {"key": key, "value": text, "type": wire_type})


def payloads():
    return [f"message-{number}".encode() for number in range(count)]


# --- Kafka ----------------------------------------------------------------------------------------------------------


class KafkaPython:
    is_kafka = True

    def instrument(self) -> None:
        from opentelemetry.instrumentation.kafka import KafkaInstrumentor

        KafkaInstrumentor().instrument()

    def send(self) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=address)
        for payload in payloads():
            producer.send(name, value=payload, headers=list(FORWARDED)).get(LIMIT)
        producer.close()

    def receive(self) -> None:
        from kafka import KafkaConsumer

        consumer = KafkaConsumer(
            name,
            bootstrap_servers=address,
            group_id=GROUP,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            consumer_timeout_ms=LIMIT * 1000,
        )
        left = count
        for record in consumer:
            print_headers(record.headers)
            left -= 1
            if not left:
                break
        consumer.close()
        if left:
            sys.exit(f"{left} messages did not come")


class ConfluentKafka:
    is_kafka = True

    def instrument(self) -> None:
        from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

        ConfluentKafkaInstrumentor().instrument()

    def send(self) -> None:
        import confluent_kafka

        failed = []
        producer = confluent_kafka.Producer({"bootstrap.servers": address})
        for payload in payloads():
            producer.produce(
                topic=name, value=payload, headers=list(FORWARDED), on_delivery=lambda error, _: error and failed.append(error)
            )
        if producer.flush(LIMIT) or failed:
            sys.exit(f"not delivered: {failed}")

    def receive(self) -> None:
        import confluent_kafka

        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": address,
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 6000,
            }
        )
        consumer.subscribe([name])
        for _ in range(count):
            message = consumer.poll(LIMIT)
            if message is None or message.error():
                sys.exit(f"no message: {message and message.error()}")
            print_headers(message.headers() or [])
        consumer.close()


class AioKafka:
    is_kafka = True

    def instrument(self) -> None:
        from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor

        AIOKafkaInstrumentor().instrument()

    def send(self) -> None:
        asyncio.run(self.send_all())

    async def send_all(self) -> None:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(bootstrap_servers=address)
        await producer.start()
        for payload in payloads():
            await producer.send_and_wait(name, value=payload, headers=list(FORWARDED))
        await producer.stop()

    def receive(self) -> None:
        asyncio.run(self.receive_all())

    async def receive_all(self) -> None:
        from aiokafka import AIOKafkaConsumer

        consumer = AIOKafkaConsumer(
            name, bootstrap_servers=address, group_id=GROUP, auto_offset_reset="earliest", session_timeout_ms=6000
        )
        await consumer.start()
        for _ in range(count):
            record = await asyncio.wait_for(consumer.getone(), LIMIT)
            print_headers(record.headers)
        await consumer.stop()


# --- AMQP 0-9-1 -----------------------------------------------------------------------------------------------------


class Pika:
    is_kafka = False

    def instrument(self) -> None:
        from opentelemetry.instrumentation.pika import PikaInstrumentor

        PikaInstrumentor().instrument()

    def channel(self):
        import pika

        self.connection = pika.BlockingConnection(pika.URLParameters(address))
        channel = self.connection.channel()
        channel.queue_declare(name)
        return channel

    def send(self) -> None:
        channel = self.channel()
        channel.confirm_delivery()
        for payload in payloads():
            channel.basic_publish(exchange="", routing_key=name, body=payload, mandatory=True)
        self.connection.close()

    def receive(self) -> None:
        channel = self.channel()
        self.left = count

        def handle(channel, method, properties, _body) -> None:
            print_headers((properties.headers or {}).items())
            channel.basic_ack(method.delivery_tag)
            self.left -= 1
            if not self.left:
                channel.stop_consuming()

        channel.basic_consume(name, on_message_callback=handle)
        self.connection.call_later(LIMIT, channel.stop_consuming)
        channel.start_consuming()
        self.connection.close()
        if self.left:
            sys.exit(f"{self.left} messages did not come")


class AioPika:
    is_kafka = False

    def instrument(self) -> None:
        from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor

        AioPikaInstrumentor().instrument()

    def send(self) -> None:
        asyncio.run(self.send_all())

    async def send_all(self) -> None:
        import aio_pika

        async with await aio_pika.connect(address) as connection:
            channel = await connection.channel()
            await channel.declare_queue(name)
            for payload in payloads():
                await channel.default_exchange.publish(aio_pika.Message(payload), routing_key=name)

    def receive(self) -> None:
        asyncio.run(self.receive_all())

    async def receive_all(self) -> None:
        import aio_pika

        self.left = count
        done = asyncio.Event()

        async def handle(message) -> None:
            async with message.process():
                print_headers(message.headers.items())
            self.left -= 1
            if not self.left:
                done.set()

        async with await aio_pika.connect(address) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name)
            await queue.consume(handle)
            await asyncio.wait_for(done.wait(), LIMIT)


LIBRARIES = {
    "kafka-python": KafkaPython,
    "confluent-kafka": ConfluentKafka,
    "aiokafka": AioKafka,
    "pika": Pika,
    "aio-pika": AioPika,
}

if __name__ == "__main__":
    library = LIBRARIES[sys.argv[1]]()
    direction, address, name, count = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Printer()))
    trace.set_tracer_provider(provider)
    library.instrument()
    {"send": library.send, "receive": library.receive}[direction]()
    provider.shutdown()
