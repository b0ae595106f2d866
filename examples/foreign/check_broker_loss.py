#!/usr/bin/env python3
"""Proves that tracing changes nothing when a broker is lost: takes it away under load, gives it back, and counts.

Usage: check_broker_loss.py QUEUE_PEER [tansu|rabbitmq]

QUEUE_PEER is the path of the `queue-peer` program (`cargo build -p examples --bin queue-peer`). Without a broker, both are lost.

Starts a RabbitMQ of its own, if the package is installed, and tansu, which speaks Kafka. Against each it runs a producer and a consumer that do not
give up, takes the broker away in the midst and gives it back: RabbitMQ is killed by SIGKILL and started again; the line to tansu is cut, since
it keeps its data in memory. Once with tracing and once with OTEL_SDK_DISABLED: every message must be through in both runs, and of the traced
run every span must have ended once, the failed ones with the error. Ends with `N passed, M failed` and exits 1 when a check failed.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from brokers import Broker, DistantTansu, RabbitMq
from check import LOGS, prepare

MESSAGES = 1000
GAP = 10  # Milliseconds between two messages.
LIMIT = 60  # Seconds without any message before a side gives up.
BEFORE = 5.0  # Seconds under load; a consumer's group takes three to come together.
AWAY = 3.0  # Seconds without the broker.

# What a send can have ended with while the broker was away.
ERRORS = {
    "rabbitmq": {"io", "connection-closed", "channel-closed", "connection-forced", "missing-heartbeat"},
    "tansu": {"MESSAGE_TIMED_OUT"},
}


class Peer:
    """A producer or a consumer under way."""

    def __init__(self, program: str, command: str, broker: Broker, name: str, traced: bool) -> None:
        self.command = command
        self.log = LOGS / f"loss-{broker.name}-{command}-{'traced' if traced else 'untraced'}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        options = ["--persist", "--durable", "--timeout", str(LIMIT), "--gap", str(GAP), "--group", name]
        self.process = subprocess.Popen(
            [program, command, broker.address, name, str(MESSAGES), *options],
            env=environment | {"OTEL_SDK_DISABLED": "false" if traced else "true"},
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("w"),
            stderr=self.log.with_suffix(".err").open("w"),
        )
        self.headers: list[dict] = []
        self.spans: list[dict] = []
        self.count: dict = {}

    def finish(self) -> None:
        try:
            self.status: int | str = self.process.wait(LIMIT * 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.status = f"no end within {LIMIT * 2} s"
        for line in self.log.read_text().splitlines():
            word, _, text = line.partition(" ")
            if word == "COUNT":
                self.count = json.loads(text)
            else:
                {"HEADER": self.headers, "SPAN": self.spans}[word].append(json.loads(text))

    def kind(self, kind: str) -> list[dict]:
        return [span for span in self.spans if span["kind"] == kind]


def run(program: str, broker: Broker, is_kafka: bool, traced: bool) -> tuple[Peer, Peer]:
    """Load, and in the midst of it a broker that goes and comes."""
    name = f"loss-{'traced' if traced else 'untraced'}"
    commands = ("kafka-consume", "kafka-produce") if is_kafka else ("amqp-consume", "amqp-publish")
    consumer, producer = (Peer(program, command, broker, name, traced) for command in commands)
    # Neither tells how far it is, so that both runs are the same to them.
    time.sleep(BEFORE)
    broker.lose()
    time.sleep(AWAY)
    broker.restore()
    for peer in (producer, consumer):
        peer.finish()
    return producer, consumer


def judge_counts(producer: Peer, consumer: Peer) -> list[str]:
    wrong = []
    for peer in (producer, consumer):
        if peer.status or peer.count.get("messages") != MESSAGES:
            wrong.append(f"{peer.command} ended with {peer.status}: {peer.count}, see {peer.log}")
    if not producer.count.get("failures"):
        wrong.append("the producer did not notice that the broker was gone")
    return wrong


def judge_spans(broker: Broker, producer: Peer, consumer: Peer) -> list[str]:
    wrong = []
    every = producer.spans + consumer.spans
    twice = [span for span, count in Counter(span["span_id"] for span in every).items() if count > 1]
    if twice:
        wrong.append(f"ended twice: {twice}")
    sent = producer.kind("PRODUCER")
    failed = [span for span in sent if "error" in span]
    if len(sent) - len(failed) != MESSAGES:
        wrong.append(f"{len(sent) - len(failed)} spans of {MESSAGES} messages that were sent")
    if not failed or len(failed) > producer.count["failures"]:
        wrong.append(f"{len(failed)} spans of {producer.count['failures']} failures")
    strange = {span["error"] for span in failed} - ERRORS[broker.name]
    if strange:
        wrong.append(f"sending failed with {strange}")
    processed = consumer.kind("CONSUMER")
    if len(processed) != consumer.count["deliveries"]:
        wrong.append(f"{len(processed)} process spans of {consumer.count['deliveries']} deliveries")
    parents = {span["span_id"] for span in sent}
    orphans = [span for span in processed if span["parent"] not in parents]
    if orphans:
        wrong.append(f"{len(orphans)} process spans are below no send span, such as {orphans[0]}")
    return wrong


def errors(spans: list[dict]) -> str:
    counts = Counter(f"{span['name'].split()[0]} {span['error']}" for span in spans if "error" in span)
    return ", ".join(f"{count} x {what}" for what, count in sorted(counts.items())) or "none"


def main() -> int:
    wanted = sys.argv[2:] or ["tansu", "rabbitmq"]
    if len(sys.argv) not in (2, 3) or not {"tansu", "rabbitmq"}.issuperset(wanted):
        print(__doc__)
        return 2
    program = str(Path(sys.argv[1]).resolve(strict=True))
    prepare("-queue")
    LOGS.mkdir(parents=True, exist_ok=True)
    brokers: list[Broker] = [DistantTansu("tansu")] if "tansu" in wanted else []
    is_missing = "rabbitmq" in wanted and not RabbitMq.is_installed()
    if "rabbitmq" in wanted and not is_missing:
        brokers.append(RabbitMq("rabbitmq"))
    results: list[tuple[str, list[str]]] = []
    for broker in brokers:
        broker.start()
        try:
            for traced in (False, True):
                producer, consumer = run(program, broker, broker.name != "rabbitmq", traced)
                what = f"{broker.name}: {'traced' if traced else 'untraced'}, {MESSAGES} messages, "
                what += f"{producer.count} sent, {consumer.count} received"
                results.append((what, judge_counts(producer, consumer)))
                if traced and not results[-1][1]:
                    what = f"{broker.name}: {len(producer.spans)} and {len(consumer.spans)} spans ended once; "
                    what += f"failed: {errors(producer.spans)}; {errors(consumer.spans)}"
                    results.append((what, judge_spans(broker, producer, consumer)))
                elif not traced and producer.spans + consumer.spans:
                    results.append((f"{broker.name}: no span", ["there are spans, and nothing was to be traced"]))
        finally:
            broker.kill()
    failed = 0
    for what, wrong in results:
        failed += bool(wrong)
        print(f"  {'FAIL' if wrong else 'pass'}  {what}")
        for text in wrong:
            print(f"        {text}")
    if is_missing:
        print("\nNOT CHECKED: RabbitMQ; it is not installed")
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
