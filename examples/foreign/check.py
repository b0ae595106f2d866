#!/usr/bin/env python3
"""Proves that traces cross language borders: Rust, Python and Node in every order.

Usage: check.py [CHAIN]

CHAIN is the path of the `chain` program (`cargo build -p examples --bin chain`). Without it, only Python and Node
are checked against each other.

Starts the services and a small OTLP/HTTP receiver on loopback ports, sends `GET /chain` through every order of the
services with and without an incoming trace, and judges what the services exported. Ends with `N passed, N failed`
and exits 1 when a check failed. What it installs goes to target/foreign/ of the repository, and so do the logs.
"""

import gzip
import hashlib
import http.client
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parent.parent / "target" / "foreign"
NODE = WORK / "node"
LOGS = WORK / "logs"

START_LIMIT = 60.0  # Seconds for a service to accept connections.
EXPORT_LIMIT = 30.0  # Seconds for the last span to arrive.
STOP_LIMIT = 15.0  # Seconds for a service to end after SIGTERM.

TRACESTATE = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
# No space in a value: OpenTelemetry's Python package writes it as `+`, which everybody else takes for a plus sign.
BAGGAGE = "user.id=alice,city=Z%C3%BCrich"
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

SAMPLED, RANDOM = 0x01, 0x02
# The flags of the incoming traceparent; None sends no trace headers at all.
VARIANTS = {"no parent": None, "unsampled": 0, "sampled": SAMPLED, "sampled+random": SAMPLED | RANDOM}


# --- What the services need, installed once -------------------------------------------------------------------------


def prepare(suffix: str = "") -> None:
    """Installs both sides under target/foreign/ and continues inside the Python environment made there."""
    requirements = HERE / "python" / f"requirements{suffix}.txt"
    venv = WORK / f"venv{suffix}"
    python = venv / "bin" / "python"
    if not fresh(venv, requirements):
        print("installing the Python side", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(venv)])
        run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
        stamp(venv, requirements)
    if not fresh(NODE, HERE / "node" / "package.json"):
        print("installing the Node side", flush=True)
        shutil.rmtree(NODE, ignore_errors=True)
        NODE.mkdir(parents=True)
        shutil.copy(HERE / "node" / "package.json", NODE)
        npm = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        run([*npm, "--loglevel=error"], cwd=NODE)
        stamp(NODE, HERE / "node" / "package.json")
    # Node looks for modules beside the program, so the programs go where they are.
    for program in (HERE / "node").glob("*.js"):
        shutil.copy(program, NODE)
    if Path(sys.prefix).resolve() != venv.resolve():
        os.execv(python, [str(python), sys.argv[0], *sys.argv[1:]])


def fresh(folder: Path, source: Path) -> bool:
    mark = folder / "installed"
    return mark.is_file() and mark.read_text() == hashlib.sha256(source.read_bytes()).hexdigest()


def stamp(folder: Path, source: Path) -> None:
    (folder / "installed").write_text(hashlib.sha256(source.read_bytes()).hexdigest())


def run(command: list[str], cwd: Path | None = None) -> None:
    if subprocess.run(command, cwd=cwd, check=False).returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")


# --- The receiver ---------------------------------------------------------------------------------------------------


@dataclass
class Span:
    """One exported span, ids in hex, `parent_id` empty for a root."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    trace_state: str
    flags: int
    attributes: dict[str, str]
    failed: bool


class Receiver:
    """An OTLP/HTTP traces endpoint that keeps what it is sent."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        self.spans: list[Span] = []
        self.problems: list[str] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.body()
                status = 200
                try:
                    if self.path != "/v1/traces":
                        raise ValueError(f"posted to {self.path}")
                    if self.headers["content-type"] != "application/x-protobuf":
                        raise ValueError(f"content-type {self.headers['content-type']}")
                    if self.headers["content-encoding"] != "gzip":
                        raise ValueError(f"content-encoding {self.headers['content-encoding']}, gzip was asked for")
                    request = trace_service_pb2.ExportTraceServiceRequest.FromString(gzip.decompress(body))
                    receiver.add(request)
                except Exception as error:  # Whatever is wrong with it is a finding about its sender.
                    receiver.problem(f"{self.headers['user-agent']}: {error}")
                    status = 400
                answer = trace_service_pb2.ExportTraceServiceResponse().SerializeToString()
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def body(self) -> bytes:
                if "content-length" in self.headers:
                    return self.rfile.read(int(self.headers["content-length"]))
                # Node sends its exports in chunks.
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():  # Trailers.
                    pass
                return b"".join(chunks)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, request) -> None:
        from opentelemetry.proto.trace.v1 import trace_pb2

        spans = []
        for resource_spans in request.resource_spans:
            resource = {entry.key: entry.value.string_value for entry in resource_spans.resource.attributes}
            for span in (span for scope in resource_spans.scope_spans for span in scope.spans):
                spans.append(
                    Span(
                        service=resource.get("service.name", ""),
                        name=span.name,
                        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        trace_state=span.trace_state,
                        flags=span.flags,
                        attributes={entry.key: entry.value.string_value for entry in span.attributes},
                        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                    )
                )
        with self.arrived:
            self.spans.extend(spans)
            self.arrived.notify_all()

    def problem(self, text: str) -> None:
        with self.arrived:
            self.problems.append(text)

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def wait(self, complete, limit: float) -> None:
        """Returns when `complete()` holds or the limit has passed; what is missing then shows in the judgement."""
        with self.arrived:
            self.arrived.wait_for(complete, limit)


# --- The services ---------------------------------------------------------------------------------------------------


class Service:
    """One service process on a loopback port."""

    def __init__(self, lang: str, command: list[str], endpoint: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.lang = lang
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = LOGS / f"{lang}.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        environment |= {
            "NO_PROXY": "127.0.0.1",
            "OTEL_SERVICE_NAME": f"chain-{lang}",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_PROPAGATORS": "tracecontext,baggage",
            "OTEL_TRACES_SAMPLER": "parentbased_always_on",
            # Without it, the Python and Node instrumentations may still use the names of before 2023.
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        }
        self.process = subprocess.Popen(
            [*command, f"127.0.0.1:{self.port}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )

    def ready(self) -> None:
        """Waits until it accepts a connection: opening one makes no span."""
        end = time.monotonic() + START_LIMIT
        while True:
            if self.process.poll() is not None:
                sys.exit(f"{self.lang} ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    sys.exit(f"{self.lang} does not listen after {START_LIMIT:.0f} s:\n{self.log.read_text()}")
                time.sleep(0.02)

    def stop(self) -> str | None:
        """Ends it as an operator would, so that it sends what is queued; says what went wrong."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"{self.lang} did not end within {STOP_LIMIT:.0f} s of SIGTERM"
        return None


# --- The cases ------------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One request through the services of `order`, and what came back."""

    order: tuple[str, ...]
    variant: str
    trace_id: str = ""
    parent_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    hops: list[dict] = field(default_factory=list)
    error: str = ""

    def __post_init__(self) -> None:
        flags = VARIANTS[self.variant]
        if flags is not None:
            self.trace_id, self.parent_id = secrets.token_hex(16), secrets.token_hex(8)
            self.headers = {
                "traceparent": f"00-{self.trace_id}-{self.parent_id}-{flags:02x}",
                "tracestate": TRACESTATE,
                "baggage": BAGGAGE,
            }

    @property
    def exported(self) -> bool:
        """Whether spans must come of it."""
        flags = VARIANTS[self.variant]
        return flags is None or bool(flags & SAMPLED)

    def send(self, services: dict[str, Service]) -> None:
        first, *rest = (services[lang] for lang in self.order)
        query = urllib.parse.urlencode({"targets": ",".join(service.url for service in rest)}) if rest else ""
        connection = http.client.HTTPConnection("127.0.0.1", first.port, timeout=30)
        try:
            connection.request("GET", "/chain" + (f"?{query}" if query else ""), headers=self.headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise ValueError(f"status {response.status}: {body[:200]!r}")
            hop = json.loads(body)
            while hop is not None:
                self.hops.append(hop)
                hop = hop["downstream"]
            self.trace_id = self.trace_id or self.hops[0]["trace_id"]
        except Exception as error:  # A broken answer fails this case, not the run.
            self.error = f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    def arrived(self, receiver: Receiver) -> bool:
        """Whether every span that this case must make is there."""
        if self.error or not self.exported:
            return True
        kinds = [span.kind for span in receiver.trace(self.trace_id)]
        return kinds.count("SERVER") >= len(self.order) and kinds.count("CLIENT") >= len(self.order) - 1

    def judge(self, receiver: Receiver) -> list[str]:
        """Everything that is wrong with it, given all that was exported."""
        if self.error:
            return [self.error]
        wrong = self.judge_answers()
        spans = receiver.trace(self.trace_id)
        if wrong:
            return wrong
        if not self.exported:
            return [f"unsampled, yet {span.service} exported {span.kind} {span.name!r}" for span in spans]
        return self.judge_spans(spans)

    def judge_answers(self) -> list[str]:
        """Judges what each service says it received."""
        wrong = []
        langs = tuple(hop["lang"] for hop in self.hops)
        if langs != self.order:
            return [f"answered by {' > '.join(langs)}"]
        if len({hop["span_id"] for hop in self.hops}) != len(self.hops):
            wrong.append("two services answered with one span id")
        for number, hop in enumerate(self.hops):
            who = f"{hop['lang']} (hop {number})"
            if hop["trace_id"] != self.trace_id:
                wrong.append(f"{who} is in trace {hop['trace_id']}, not {self.trace_id}")
            if hop["traceparent"] is None:
                if number > 0 or self.headers:
                    wrong.append(f"{who} received no traceparent")
            elif not (match := TRACEPARENT.fullmatch(hop["traceparent"])):
                wrong.append(f"{who} received traceparent {hop['traceparent']!r}")
            else:
                if match[1] != self.trace_id:
                    wrong.append(f"{who} received trace id {match[1]}")
                flags = int(match[3], 16)
                if bool(flags & SAMPLED) != self.exported:
                    wrong.append(f"{who} received flags {match[3]}")
                # Only Rust is held to Level 2: the others may forget the random flag.
                before = TRACEPARENT.fullmatch(self.hops[number - 1]["traceparent"] or "") if number else None
                if before and self.order[number - 1] == "rust" and (flags ^ int(before[3], 16)) & RANDOM:
                    wrong.append(f"{who} received flags {match[3]} where rust had received {before[3]}")
            if members(hop["tracestate"]) != members(self.headers.get("tracestate")):
                wrong.append(f"{who} received tracestate {hop['tracestate']!r}")
            if entries(hop["baggage"]) != entries(self.headers.get("baggage")):
                wrong.append(f"{who} received baggage {hop['baggage']!r}")
        return wrong

    def judge_spans(self, spans: list[Span]) -> list[str]:
        """Judges the exported trace against the answers: ids, kinds, parents, names, state and flags."""
        wrong = []
        by_id = {span.span_id: span for span in spans}
        if len(by_id) != len(spans):
            wrong.append("a span id was exported twice")
        for kind, expected in (("SERVER", len(self.order)), ("CLIENT", len(self.order) - 1)):
            count = sum(span.kind == kind for span in spans)
            if count != expected:
                wrong.append(f"{count} {kind} spans, expected {expected}")
        for span in spans:
            who = f"{span.service} {span.kind} {span.name!r}"
            if members(span.trace_state) != members(self.headers.get("tracestate")):
                wrong.append(f"{who} has trace state {span.trace_state!r}")
            if span.parent_id not in by_id and span.span_id != self.hops[0]["span_id"]:
                wrong.append(f"{who} has parent {span.parent_id or 'none'}, which nobody exported")
        previous = None
        for number, hop in enumerate(self.hops):
            who = f"{hop['lang']} (hop {number})"
            server = by_id.get(hop["span_id"])
            if server is None:
                wrong.append(f"{who} did not export span {hop['span_id']} of its answer")
                break
            if (server.kind, server.service, server.name) != ("SERVER", f"chain-{hop['lang']}", "GET /chain"):
                wrong.append(f"{who} exported {server.service} {server.kind} {server.name!r} as its server span")
            if number == 0:
                if server.parent_id != self.parent_id:
                    wrong.append(f"{who} has parent {server.parent_id or 'none'}, sent {self.parent_id or 'none'}")
            else:
                client = by_id.get(server.parent_id)
                if client is None or client.kind != "CLIENT" or client.service != previous.service:
                    wrong.append(f"the parent of {who} is {client}, not the client span of {previous.service}")
                    break
                if hop["traceparent"].split("-")[2] != client.span_id:
                    wrong.append(f"{who} received traceparent {hop['traceparent']}, client span {client.span_id}")
                if self.enclosing(client, by_id) is not previous:
                    wrong.append(f"the client span of {previous.service} is not below its server span")
                wrong += rust_flags(client, remote=False)
            wrong += rust_flags(server, remote=bool(server.parent_id))
            previous = server
        return wrong

    def enclosing(self, client: Span, by_id: dict[str, Span]) -> Span | None:
        """The span a client span belongs to: its parent, past internal spans that Node and Python may put between."""
        span = by_id.get(client.parent_id)
        while span and span.kind == "INTERNAL" and span.service == client.service != "chain-rust":
            span = by_id.get(span.parent_id)
        return span

    def drawing(self, receiver: Receiver) -> str:
        """The line from the first server span to the last, with the spans beside it counted."""
        by_id = {span.span_id: span for span in receiver.trace(self.trace_id)}
        line = []
        span = by_id.get(self.hops[-1]["span_id"])
        while span:
            line.append(span)
            span = by_id.get(span.parent_id)
        text = " > ".join(f"{s.service.removeprefix('chain-')} {s.kind} {s.name!r}" for s in reversed(line))
        return text + (f" (+{len(by_id) - len(line)} internal)" if len(by_id) > len(line) else "")


def rust_flags(span: Span, remote: bool) -> list[str]:
    """Rust must say in the flags field that it was sampled and whether the parent came over the wire."""
    if span.service != "chain-rust":
        return []
    expected = 0x100 | (0x200 if remote else 0) | SAMPLED
    if span.flags & ~RANDOM != expected:
        return [f"rust {span.kind} {span.name!r} has flags {span.flags:#x}, expected {expected:#x}"]
    return []


def members(tracestate: str | None) -> list[str]:
    return [member.strip() for member in (tracestate or "").split(",") if member.strip()]


def entries(baggage: str | None) -> dict[str, str]:
    pairs = (member.partition("=") for member in members(baggage))
    return {key.strip(): urllib.parse.unquote(value.strip()) for key, _, value in pairs}


def orders(langs: list[str]) -> list[tuple[str, ...]]:
    """Every order of all, every pair (each with itself too), and one long way that comes back to the first."""
    found = list(itertools.permutations(langs, len(langs))) if len(langs) > 2 else []
    found += itertools.product(langs, repeat=2)
    head, *rest = langs
    found.append(tuple(itertools.chain([head], *((lang, head) for lang in rest))))
    return list(dict.fromkeys(found))


# --- The run --------------------------------------------------------------------------------------------------------


def main() -> int:
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
        return 2
    prepare()
    LOGS.mkdir(parents=True, exist_ok=True)
    commands = {"python": [sys.executable, str(HERE / "python" / "app.py")], "node": ["node", str(NODE / "app.js")]}
    if len(sys.argv) == 2:
        commands = {"rust": [str(Path(sys.argv[1]).resolve(strict=True))]} | commands
    receiver = Receiver()
    services: dict[str, Service] = {}
    try:
        for lang, command in commands.items():
            services[lang] = Service(lang, command, receiver.endpoint)
        for service in services.values():
            service.ready()
        cases = [Case(order, variant) for order in orders(list(services)) for variant in VARIANTS]
        # Eight at a time, so that traces of requests that overlap are told apart too.
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda case: case.send(services), cases))
        # Spans leave in the order they ended: once those of a last request are here, an unsampled one is not to come.
        last = [Case((lang,), "no parent") for lang in services]
        for case in last:
            case.send(services)
        cases += last
        receiver.wait(lambda: all(case.arrived(receiver) for case in cases), EXPORT_LIMIT)
    finally:
        stopped = [service.stop() for service in services.values()]
    return report(cases, receiver, [problem for problem in stopped if problem])


def report(cases: list[Case], receiver: Receiver, problems: list[str]) -> int:
    """Judges everything once all services have ended, so that late and surplus spans count."""
    failed = 0
    for order, group in itertools.groupby(cases, key=lambda case: case.order):
        group = list(group)
        print(f"\n{' > '.join(order)}")
        for case in group:
            wrong = case.judge(receiver)
            failed += bool(wrong)
            count = len(receiver.trace(case.trace_id))
            print(f"  {'FAIL' if wrong else 'pass'}  {case.variant:<15} {count:>2} spans  {case.trace_id}")
            for text in wrong:
                print(f"        {text}")
        if group[0].hops:
            print(f"        {group[0].drawing(receiver)}")
    known = {case.trace_id for case in cases}
    strangers = {span.trace_id: span for span in receiver.spans if span.trace_id not in known}
    for span in strangers.values():
        problems.append(f"{span.service} exported {span.kind} {span.name!r} of {span.trace_id}, which nobody asked for")
    problems += receiver.problems
    word = "FAIL" if problems else "pass"
    print(f"\n  {word}  every export is well-formed and belongs to a request, and every service ended")
    for text in problems:
        print(f"        {text}")
    failed += bool(problems)
    print(f"\n{len(cases) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
