#!/usr/bin/env python3
"""Proves that traces cross language borders through message queues: Rust with Python and Node, both ways.

Usage: check_queue.py QUEUE_PEER

QUEUE_PEER is the path of the `queue-peer` program (`cargo build -p examples --bin queue-peer`).

Starts two Kafka brokers, and takes the AMQP broker at AMQP_URL, by default the one on this machine. Through each, every pair of `queue-peer` with
a foreign client passes messages: as producer and as consumer, sampled and unsampled, and from foreign producers of Kafka also with a trace header
that somebody left in the message. Judges what both sides print, and what `queue-peer` exports. Ends with `N passed, M failed` and exits 1 when a
check failed. What it installs goes to target/foreign/ of the repository, and so do the logs.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from brokers import Broker, NoidaDb, Tansu, answers
from check import EXPORT_LIMIT, HERE, LOGS, NODE, SAMPLED, TRACEPARENT, Receiver, prepare

MESSAGES = 3
LIMIT = 240.0  # Seconds for one side of a case, on a machine with much else to do.
RUST = "rust"
KAFKA = ["kafka-python", "confluent-kafka", "aiokafka", "kafkajs"]
AMQP = ["pika", "aio-pika", "amqplib"]
IN_NODE = ["kafkajs", "amqplib"]
# How the consumers of others stand to a producer: a link in a new trace, or as here a child.
LINKED = ["confluent-kafka"]
# kafkajs takes headers as an object, where a name stands once.
FORWARDERS = ["kafka-python", "confluent-kafka", "aiokafka"]
AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f")


@dataclass
class Side:
    """One program of a case, and what it printed."""

    peer: str
    headers: list[dict] = field(default_factory=list)
    spans: list[dict] = field(default_factory=list)
    error: str = ""

    def read(self, output: str) -> None:
        for line in output.splitlines():
            word, _, text = line.partition(" ")
            if word == "HEADER":
                self.headers.append(json.loads(text))
            elif word == "SPAN":
                self.spans.append(json.loads(text))

    def contexts(self) -> list[str]:
        return [header["value"] for header in self.headers if header["key"].lower() == "traceparent"]

    def named(self, name: str) -> list[dict]:
        return [span for span in self.spans if span["name"] == name]


class Case:
    """Messages from one producer to one consumer, through one broker."""

    def __init__(self, broker: str, address: str, sender: str, receiver: str, variant: str) -> None:
        self.broker, self.address, self.variant = broker, address, variant
        self.sender, self.receiver = Side(sender), Side(receiver)
        self.is_kafka = broker != "rabbitmq"
        self.name = f"check-{os.getpid()}-{sender}-{receiver}-{variant}"

    def __str__(self) -> str:
        return f"{self.broker:<9} {self.sender.peer:>15} > {self.receiver.peer:<15} {self.variant}"

    def run(self, program: str, endpoint: str) -> None:
        for side, is_sender in ((self.sender, True), (self.receiver, False)):
            pair = f"{self.sender.peer}-{self.receiver.peer}-{self.variant}"
            log = LOGS / f"queue-{self.broker}-{pair}-{'send' if is_sender else 'receive'}.log"
            try:
                done = subprocess.run(
                    self.command(program, side.peer, is_sender),
                    env=self.environment(endpoint, is_sender),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=LIMIT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                side.error = f"{side.peer} did not end within {LIMIT:.0f} s"
                return
            log.write_text(done.stdout + done.stderr)
            side.read(done.stdout)
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or [""]
                side.error = f"{side.peer} ended with {done.returncode}: {last[0]}"
                return

    def command(self, program: str, peer: str, is_sender: bool) -> list[str]:
        where = [self.address, self.name, str(MESSAGES)]
        if peer == RUST:
            protocol = "kafka" if self.is_kafka else "amqp"
            send = "produce" if self.is_kafka else "publish"
            return [program, f"{protocol}-{send if is_sender else 'consume'}", *where]
        direction = "send" if is_sender else "receive"
        if peer in IN_NODE:
            return ["node", str(NODE / "queue_peer.js"), peer, direction, *where]
        return [sys.executable, str(HERE / "python" / "queue_peer.py"), peer, direction, *where]

    def environment(self, endpoint: str, is_sender: bool) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        unsampled = is_sender and self.variant == "unsampled"
        return environment | {
            "OTEL_TRACES_SAMPLER": "always_off" if unsampled else "parentbased_always_on",
            "OTEL_PROPAGATORS": "tracecontext,baggage",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": RUST,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "NO_PROXY": "127.0.0.1",
            "KAFKAJS_NO_PARTITIONER_WARNING": "1",
            "QUEUE_PEER_FORWARD": "1" if is_sender and self.variant == "forwarded" else "0",
        }

    def rust_spans(self) -> list[dict]:
        return [span for side in (self.sender, self.receiver) if side.peer == RUST for span in side.spans]

    # --- The judgement ---

    def judge(self) -> list[str]:
        """Everything that is wrong with it."""
        errors = [side.error for side in (self.sender, self.receiver) if side.error]
        if errors:
            return errors
        arrived = self.receiver.contexts()
        wrong = self.judge_headers(arrived)
        # Whoever forwards has left another header before its own.
        contexts = arrived[1::2] if self.variant == "forwarded" else arrived
        contexts = [match for match in map(TRACEPARENT.fullmatch, contexts) if match]
        if self.sender.peer == RUST:
            wrong += self.judge_rust_sender(arrived)
        elif self.variant != "unsampled":
            made = {(span["trace_id"], span["span_id"]) for span in self.sender.spans if span["kind"] == "PRODUCER"}
            wrong += [f"{match[0]} is not of a span of its producer" for match in contexts if (match[1], match[2]) not in made]
        judge = self.judge_rust_receiver if self.receiver.peer == RUST else self.judge_foreign_receiver
        return wrong + judge(contexts)

    def judge_headers(self, arrived: list[str]) -> list[str]:
        wrong = []
        each = 2 if self.variant == "forwarded" else 1
        if len(arrived) != MESSAGES * each:
            wrong.append(f"{len(arrived)} traceparent headers in {MESSAGES} messages")
        if len(set(arrived[each - 1 :: each])) != MESSAGES:
            wrong.append(f"not each message has a context of its own: {arrived}")
        wire_type = "bytes" if self.is_kafka else "LongString"
        wrong += [f"{header}, not {wire_type}" for header in self.receiver.headers if header["type"] != wire_type]
        for value in arrived:
            match = TRACEPARENT.fullmatch(value)
            if not match:
                wrong.append(f"{value!r} is no traceparent")
            elif bool(int(match[3], 16) & SAMPLED) == (self.variant == "unsampled"):
                wrong.append(f"{value} has the wrong flags")
        return wrong

    def judge_rust_sender(self, arrived: list[str]) -> list[str]:
        wrong = []
        sent = self.sender.contexts()
        if sorted(sent) != sorted(arrived) or len(self.sender.headers) != MESSAGES:
            wrong.append(f"sent {self.sender.headers}, arrived {arrived}")
        expected = [] if self.variant == "unsampled" else sorted(value[3:52] for value in sent)
        name = f"{'send' if self.is_kafka else 'publish'} {self.name}"
        spans = [span for span in self.sender.spans if (span["kind"], span["parent"], span["links"]) == ("PRODUCER", None, [])]
        if sorted(f"{span['trace_id']}-{span['span_id']}" for span in spans if span["name"] == name) != expected:
            wrong.append(f"the spans of sending are {self.sender.spans}")
        if len(self.sender.spans) != len(expected):
            wrong.append(f"{len(self.sender.spans)} spans of sending {len(expected)} sampled messages")
        return wrong

    def judge_rust_receiver(self, contexts: list) -> list[str]:
        wrong = []
        settle = "commit" if self.is_kafka else "ack"
        process, settled, polled = (self.receiver.named(f"{name} {self.name}") for name in ("process", settle, "poll"))
        count = 0 if self.variant == "unsampled" else MESSAGES
        counts = (len(process), len(settled), len(polled), len(self.receiver.spans))
        expected = (count, count, count if self.is_kafka else 0)
        if counts != (*expected, sum(expected)):
            wrong.append(f"spans of process, {settle}, poll, all: {counts}, expected {expected}")
        for match in contexts if count else []:
            link = f"{match[1]}-{match[2]}"
            found = [span for span in process if span["links"] == [link]]
            if len(found) != 1:
                wrong.append(f"{len(found)} process spans are linked to {link}")
                continue
            span = found[0]
            if (span["kind"], span["trace_id"], span["parent"]) != ("CONSUMER", match[1], match[2]):
                wrong.append(f"the process span of {link} is {span}")
            below = [each for each in settled if (each["parent"], each["kind"]) == (span["span_id"], "CLIENT")]
            if len(below) != 1 or below[0]["trace_id"] != match[1]:
                wrong.append(f"below the process span of {link} are {below}")
        for span in polled:
            linked = [span["links"] == [f"{match[1]}-{match[2]}"] for match in contexts]
            if not any(linked) or (span["kind"], span["parent"]) != ("CLIENT", None):
                wrong.append(f"a poll span is {span}")
        return wrong

    def judge_foreign_receiver(self, contexts: list) -> list[str]:
        """Ours must be understood: the foreign spans are related to our producer's."""
        wrong = []
        for match in contexts:
            link = f"{match[1]}-{match[2]}"
            children = [span for span in self.receiver.spans if (span["trace_id"], span["parent"]) == (match[1], match[2])]
            linked = [span for span in self.receiver.spans if link in span["links"]]
            if self.receiver.peer in LINKED:
                if [span["kind"] for span in linked] != ["CONSUMER"]:
                    wrong.append(f"linked to {link} are {linked}")
            elif self.variant == "unsampled":
                wrong += [f"unsampled, yet {span}" for span in self.receiver.spans if span["trace_id"] == match[1]]
            elif [span["kind"] for span in children] != ["CONSUMER"]:
                wrong.append(f"below {link} are {children}")
        return wrong


def cases(brokers: list[tuple[str, str]]) -> list[Case]:
    found = []
    for broker, address in brokers:
        foreign = AMQP if broker == "rabbitmq" else KAFKA
        pairs = [(RUST, RUST)] + [(RUST, peer) for peer in foreign] + [(peer, RUST) for peer in foreign]
        for sender, receiver in pairs:
            variants = ["sampled", "unsampled"] + (["forwarded"] if sender in FORWARDERS else [])
            found += [Case(broker, address, sender, receiver, variant) for variant in variants]
    return found


def create_topics(broker: Broker, names: list[str]) -> None:
    """Not every broker makes topics by itself. One partition, so that messages keep their order."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": broker.address})
    for future in admin.create_topics([NewTopic(name, num_partitions=1) for name in names]).values():
        future.result(30)


def delete_queues(names: list[str]) -> None:
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(AMQP_URL))
    channel = connection.channel()
    for name in names:
        channel.queue_delete(name)
    connection.close()


def judge_exports(every: list[Case], receiver: Receiver) -> list[str]:
    """What `queue-peer` exported is what it printed."""
    printed = {(s["trace_id"], s["span_id"], s["name"], s["kind"]) for case in every for s in case.rust_spans()}
    found = lambda: {(s.trace_id, s.span_id, s.name, s.kind) for s in receiver.spans}  # noqa: E731
    receiver.wait(lambda: found() >= printed, EXPORT_LIMIT)
    wrong = [f"printed and not exported: {span}" for span in sorted(printed - found())]
    wrong += [f"exported and not printed: {span}" for span in sorted(found() - printed)]
    if len(receiver.spans) != len(printed):
        wrong.append(f"{len(receiver.spans)} spans were exported, {len(printed)} printed")
    return wrong + receiver.problems


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 2
    program = str(Path(sys.argv[1]).resolve(strict=True))
    prepare("-queue")
    LOGS.mkdir(parents=True, exist_ok=True)
    receiver = Receiver()
    kafka = [Tansu("tansu"), NoidaDb("noida-db")]
    started = []
    try:
        for broker in kafka:
            broker.start()
            started.append(broker)
        brokers = [(broker.name, broker.address) for broker in kafka]
        url = urlsplit(AMQP_URL)
        has_amqp = answers(url.hostname, url.port or 5672)
        if has_amqp:
            brokers.append(("rabbitmq", AMQP_URL))
        every = cases(brokers)
        for broker in kafka:
            create_topics(broker, [case.name for case in every if case.broker == broker.name])
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda case: case.run(program, receiver.endpoint), every))
        if has_amqp:
            delete_queues([case.name for case in every if not case.is_kafka])
    finally:
        for broker in started:
            broker.kill()
    results = [(str(case), case.judge()) for case in every]
    results.append(("queue-peer exported all the spans that it printed, and no others", judge_exports(every, receiver)))
    failed = 0
    for what, wrong in results:
        failed += bool(wrong)
        print(f"  {'FAIL' if wrong else 'pass'}  {what}")
        for text in wrong:
            print(f"        {text}")
    if not has_amqp:
        print(f"\nNOT CHECKED: AMQP; no broker answers at {AMQP_URL}")
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
