#!/usr/bin/env python3
"""Proves that traces cross language borders over gRPC: Rust, Python and Node in every order.

Usage: check_grpc.py [GREETER]

GREETER is the path of the `greeter` program (`cargo build -p examples --bin greeter`). Without it, only Python and Node are
checked against each other.

Starts the services and a small OTLP/HTTP receiver on loopback ports, sends `Relay` through every order of the services with and
without an incoming trace, lets `greeter` fail with each of the 17 codes, and judges what the services exported. Ends with
`N passed, N failed` and exits 1 when a check failed. What it installs goes to target/foreign/ of the repository, and so do the logs.
"""

import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from check import (
    BAGGAGE,
    EXPORT_LIMIT,
    HERE,
    LOGS,
    NODE,
    SAMPLED,
    TRACESTATE,
    VARIANTS,
    Receiver,
    Service,
    Span,
    members,
    orders,
    prepare,
)

PROTO = HERE.parent / "proto"

# Errors of servers, by the conventions.
SERVER_ERRORS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


class Case:
    """One call through the services of `order`, and what came back."""

    def __init__(self, order: tuple[str, ...], variant: str) -> None:
        self.order, self.variant = order, variant
        self.hops: list = []
        self.error = self.trace_id = self.parent_id = ""
        self.metadata: list[tuple[str, str]] = []
        flags = VARIANTS[variant]
        self.exported = flags is None or bool(flags & SAMPLED)
        if flags is not None:
            self.trace_id, self.parent_id = secrets.token_hex(16), secrets.token_hex(8)
            parent = f"00-{self.trace_id}-{self.parent_id}-{flags:02x}"
            self.metadata = [("traceparent", parent), ("tracestate", TRACESTATE), ("baggage", BAGGAGE)]

    def send(self, stubs: dict, services: dict[str, Service], protos) -> None:
        first, *rest = self.order
        targets = [f"127.0.0.1:{services[lang].port}" for lang in rest]
        try:
            request = protos.RelayRequest(targets=targets, name="Ann")
            hop = stubs[first].Relay(request, metadata=self.metadata, timeout=30)
            while hop is not None:
                self.hops.append(hop)
                hop = hop.downstream if hop.HasField("downstream") else None
            self.trace_id = self.trace_id or self.hops[0].trace_id
        except Exception as error:  # A broken answer fails this case, not the run.
            self.error = f"{type(error).__name__}: {error}"

    def arrived(self, receiver: Receiver) -> bool:
        if self.error or not self.exported:
            return True
        kinds = [span.kind for span in receiver.trace(self.trace_id)]
        return kinds.count("SERVER") >= len(self.order) and kinds.count("CLIENT") >= len(self.order) - 1

    def judge(self, receiver: Receiver) -> list[str]:
        """Everything that is wrong with it, given all that was exported."""
        if self.error:
            return [self.error]
        spans = receiver.trace(self.trace_id)
        wrong = self.judge_answers()
        if not self.exported:
            return wrong + [f"unsampled, yet {span.service} exported {span.kind} {span.name!r}" for span in spans]
        return wrong + self.judge_spans(spans)

    def judge_answers(self) -> list[str]:
        wrong = []
        langs = tuple(hop.lang for hop in self.hops)
        if langs != self.order:
            return [f"answered by {' > '.join(langs)}"]
        sent = dict(self.metadata).get("tracestate")
        for number, hop in enumerate(self.hops):
            who = f"{hop.lang} (hop {number})"
            if hop.trace_id != self.trace_id:
                wrong.append(f"{who} is in trace {hop.trace_id}, not {self.trace_id}")
            if (number > 0 or self.metadata) and hop.traceparent.split("-")[1:2] != [self.trace_id]:
                wrong.append(f"{who} received traceparent {hop.traceparent!r}")
            if members(hop.tracestate) != members(sent):
                wrong.append(f"{who} received tracestate {hop.tracestate!r}")
        return wrong

    def judge_spans(self, spans: list[Span]) -> list[str]:
        wrong = []
        by_id = {span.span_id: span for span in spans}
        for kind, expected in (("SERVER", len(self.order)), ("CLIENT", len(self.order) - 1)):
            count = sum(span.kind == kind for span in spans)
            if count != expected:
                wrong.append(f"{count} {kind} spans, expected {expected}")
        before = None
        for number, hop in enumerate(self.hops):
            who = f"{hop.lang} (hop {number})"
            server = by_id.get(hop.span_id)
            if server is None or server.kind != "SERVER" or server.service != f"chain-{hop.lang}":
                wrong.append(f"{who} exported {server} as the span of its answer")
                break
            if before is None:
                if server.parent_id != self.parent_id:
                    wrong.append(f"{who} has parent {server.parent_id or 'none'}, sent {self.parent_id or 'none'}")
            else:
                client = by_id.get(server.parent_id)
                if client is None or client.kind != "CLIENT" or client.service != before.service:
                    wrong.append(f"the parent of {who} is {client}, not the client span of {before.service}")
                    break
                if client.parent_id != before.span_id:
                    wrong.append(f"the client span of {before.service} is not below its server span")
                wrong += judge_rust(client)
            wrong += judge_rust(server)
            before = server
        return wrong


def judge_rust(span: Span) -> list[str]:
    """What the conventions want of ours."""
    if span.service != "chain-rust":
        return []
    method = "accept.greeter.v1.Greeter/Relay"
    wanted = {"rpc.system.name": "grpc", "rpc.method": method, "rpc.status_code": "OK", "server.address": "127.0.0.1"}
    found = {key: span.attributes.get(key) for key in wanted}
    if (span.name, found, span.failed) == (method, wanted, False):
        return []
    return [f"rust {span.kind} {span.name!r} says {found}"]


def judge_codes(receiver: Receiver, sent: dict[str, str], answers: dict[str, tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """What a foreign client got and what ours recorded, code by code."""
    judged = []
    for name, trace_id in sent.items():
        wrong = []
        if answers[name] != (name, f"because {name}"):
            wrong.append(f"the client got {answers[name]}")
        spans = receiver.trace(trace_id)
        failed = name in SERVER_ERRORS
        said = [(s.attributes.get("rpc.status_code"), s.attributes.get("error.type"), s.failed) for s in spans]
        if said != [(name, name if failed else None, failed)]:
            wrong.append(f"recorded {said}")
        judged.append((name, wrong))
    return judged


def main() -> int:
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
        return 2
    prepare()
    import grpc

    sys.path.insert(0, str(PROTO))
    protos, generated = grpc.protos_and_services("greeter.proto")
    # Proxies are for others.
    os.environ["no_grpc_proxy"] = "127.0.0.1"
    LOGS.mkdir(parents=True, exist_ok=True)
    commands = {
        "python": [sys.executable, str(HERE / "python" / "greeter.py")],
        "node": ["sh", "-c", f'exec node "{NODE / "greeter.js"}" "$0" "{PROTO / "greeter.proto"}"'],
    }
    if len(sys.argv) == 2:
        commands = {"rust": [str(Path(sys.argv[1]).resolve(strict=True))]} | commands
    receiver = Receiver()
    services: dict[str, Service] = {}
    sent: dict[str, str] = {}
    answers: dict[str, tuple[str, str]] = {}
    try:
        for lang, command in commands.items():
            services[lang] = Service(lang, command, receiver.endpoint)
        for service in services.values():
            service.ready()
        channels = {lang: grpc.insecure_channel(f"127.0.0.1:{service.port}") for lang, service in services.items()}
        stubs = {lang: generated.GreeterStub(channel) for lang, channel in channels.items()}
        cases = [Case(order, variant) for order in orders(list(services)) for variant in VARIANTS]
        # Eight at a time, so that traces of calls that overlap are told apart too.
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda case: case.send(stubs, services, protos), cases))
        if "rust" in stubs:
            for code in grpc.StatusCode:
                name, trace_id = code.name, secrets.token_hex(16)
                sent[name] = trace_id
                metadata = [("traceparent", f"00-{trace_id}-{secrets.token_hex(8)}-01")]
                request = protos.FailRequest(code=code.value[0], message=f"because {name}")
                try:
                    stubs["rust"].Fail(request, metadata=metadata, timeout=30)
                    answers[name] = ("OK", f"because {name}")
                except grpc.RpcError as error:
                    answers[name] = (error.code().name, error.details())
        # Spans leave in the order they ended: once those of a last call are here, an unsampled one is not to come.
        last = [Case((lang,), "no parent") for lang in services]
        for case in last:
            case.send(stubs, services, protos)
        cases += last
        receiver.wait(lambda: all(case.arrived(receiver) for case in cases), EXPORT_LIMIT)
    finally:
        problems = [problem for problem in (service.stop() for service in services.values()) if problem]
    failed = 0
    results = [(f"{' > '.join(case.order)}, {case.variant}", case.judge(receiver)) for case in cases]
    results += [(f"rust fails with {name}", wrong) for name, wrong in judge_codes(receiver, sent, answers)]
    known = {case.trace_id for case in cases} | set(sent.values())
    for span in {span.trace_id: span for span in receiver.spans if span.trace_id not in known}.values():
        problems.append(f"{span.service} exported {span.kind} {span.name!r} of {span.trace_id}, which nobody asked for")
    results.append(("every export is well-formed and belongs to a call, and every service ended", problems + receiver.problems))
    for what, wrong in results:
        failed += bool(wrong)
        print(f"  {'FAIL' if wrong else 'pass'}  {what}")
        for text in wrong:
            print(f"        {text}")
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
