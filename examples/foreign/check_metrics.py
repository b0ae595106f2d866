#!/usr/bin/env python3
"""Proves that others read the metrics of `chain`, and that exemplars lead to traces that were kept.

Usage: check_metrics.py CHAIN

CHAIN is the path of the `chain` program (`cargo build -p examples --bin chain`).

Starts two of it, which record a fifth of all traces, sends requests that go well, fail and are given up, and reads what they say: the page of
OpenMetrics by the parser of Prometheus' own Python client, and by promtool if there is one; the OTLP by opentelemetry-proto. Every request must be
counted, recorded or not. Ends with `N passed, N failed` and exits 1 when a check failed. What it installs goes to target/foreign/.
"""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import check

REQUESTS = 300
LIMIT = 30.0
CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Receiver:
    """An OTLP/HTTP endpoint for traces and metrics."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2

        self.spans: dict[str, set[str]] = {}  # By trace id.
        self.metrics: dict[str, object] = {}  # The last of each service.
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.arrived:
                    if self.path == "/v1/traces":
                        receiver.add_spans(trace_pb2.ExportTraceServiceRequest.FromString(body))
                        answer = trace_pb2.ExportTraceServiceResponse()
                    else:
                        assert self.path == "/v1/metrics", self.path
                        receiver.add_metrics(metrics_pb2.ExportMetricsServiceRequest.FromString(body))
                        answer = metrics_pb2.ExportMetricsServiceResponse()
                    receiver.arrived.notify_all()
                answer = answer.SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add_spans(self, request) -> None:
        for resource in request.resource_spans:
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans.setdefault(span.trace_id.hex(), set()).add(span.span_id.hex())

    def add_metrics(self, request) -> None:
        for resource in request.resource_metrics:
            names = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
            self.metrics[names["service.name"]] = {
                metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics
            }


def start(chain: str, service: str, endpoint: str) -> tuple[subprocess.Popen, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.2",
    }
    process = subprocess.Popen([chain, f"127.0.0.1:{port}"], env=environment, stdout=subprocess.DEVNULL)
    end = time.monotonic() + LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{chain} does not listen")
            time.sleep(0.02)


def get(port: int, path: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers.get("content-type", ""), body


def give_up(port: int) -> None:
    """Sends a request whose answer never comes, and goes away."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            target = f"http://127.0.0.1:{silent.getsockname()[1]}"
            connection.sendall(f"GET /chain?targets={target} HTTP/1.1\r\nhost: chain\r\n\r\n".encode())
            # It has been asked: the request is under way, on both sides of the service.
            silent.settimeout(LIMIT)
            asked, _ = silent.accept()
        asked.close()


def page(port: int) -> dict:
    """The metric families by name, as Prometheus' own parser reads them."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    status, content_type, text = get(port, "/metrics")
    assert (status, content_type) == (200, CONTENT_TYPE), (status, content_type)
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples(families: dict, family: str, suffix: str = "", **labels: str) -> list:
    if family not in families:
        return []
    return [
        sample
        for sample in families[family].samples
        if sample.name == family + suffix and labels.items() <= sample.labels.items()
    ]


def total(families: dict, family: str, suffix: str = "", **labels: str) -> float:
    return sum(sample.value for sample in samples(families, family, suffix, **labels))


def until(condition, limit: float = LIMIT) -> bool:
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check.prepare("-metrics")
    results: list[bool] = []

    def judge(name: str, holds: bool, found: object = "") -> None:
        results.append(bool(holds))
        print(f"{'ok  ' if holds else 'FAIL'} {name}" + (f"   {found}" if found != "" else ""), flush=True)

    receiver = Receiver()
    outer, port = start(sys.argv[1], "outer", receiver.endpoint)
    inner, inner_port = start(sys.argv[1], "inner", receiver.endpoint)
    server, client = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
    active = "http_server_active_requests"

    paths = [f"/chain?targets=http://127.0.0.1:{inner_port}", "/hello/Ann", "/status/404", "/status/500"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: get(port, paths[number % len(paths)]), range(REQUESTS)))
    for _ in range(5):
        give_up(port)
    # Who went away is noticed by the service a moment later.
    everything = REQUESTS + 5
    until(lambda: total(page(port), server, "_count") >= everything)
    families = page(port)

    each = REQUESTS / len(paths)
    count = total(families, server, "_count")
    judge("every request is counted once, recorded or not", count == everything, f"{count:.0f} of {everything}")
    for route, status in [("/hello/{name}", "200"), ("/status/{code}", "404"), ("/status/{code}", "500")]:
        labels = {"http_route": route, "http_response_status_code": status}
        judge(f"{route} {status} has its own series", total(families, server, "_count", **labels) == each)
    failed = total(families, server, "_count", error_type="500")
    judge("a 500 is an error, a 404 is none", failed == each, f"{failed:.0f} failed")
    gone = [one for one in samples(families, server, "_count") if "http_response_status_code" not in one.labels]
    judge("who goes away is counted, without a status", sum(one.value for one in gone) == 5, gone)
    sent = total(families, client, "_count", server_port=str(inner_port))
    judge("what is sent is counted by whom it asks", sent == each, f"{sent:.0f}")
    asked = total(page(inner_port), server, "_count")
    judge("what the one sends, the other answers", asked == sent, f"{asked:.0f}")
    judge("nothing is under way any more", until(lambda: total(page(port), active) == 0), total(page(port), active))
    bounds = [one.labels["le"] for one in samples(families, server, "_bucket", http_route="/hello/{name}")]
    expected = "0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0 +Inf".split()
    judge("buckets are those of the conventions", bounds == expected, bounds)
    judge("durations are in seconds", families[server].unit == "seconds" and families[server].type == "histogram")

    exemplars = [one.exemplar for one in families[server].samples + families[client].samples if one.exemplar]
    judge("there are exemplars", len(exemplars) > 0, len(exemplars))
    ids = [(one.labels["trace_id"], one.labels["span_id"]) for one in exemplars]
    well_formed = [re.fullmatch("[0-9a-f]{32}", trace) and re.fullmatch("[0-9a-f]{16}", span) for trace, span in ids]
    judge("they carry a trace id and a span id", all(well_formed))
    kept = until(lambda: all(span in receiver.spans.get(trace, ()) for trace, span in ids), 5.0)
    judge("each leads to a span that the back end has", kept, f"{len(receiver.spans)} traces of {everything} are kept")
    judge("not everything is kept, so that this says something", len(receiver.spans) < REQUESTS / 2)

    promtool = shutil.which("promtool") or os.environ.get("PROMTOOL")
    if promtool:
        # promtool reads the older text format alone, which knows no exemplars, units or ends.
        text = get(port, "/metrics")[2]
        text = "".join(
            line.split(" # {")[0] + "\n" for line in text.splitlines() if not line.startswith(("# UNIT", "# EOF"))
        )
        checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        judge("promtool finds nothing wrong", checked.returncode == 0, checked.stderr.strip())
    else:
        print("--   promtool is not here")

    for process in (outer, inner):
        process.send_signal(signal.SIGTERM)
    ended = [process.wait(LIMIT) for process in (outer, inner)]
    judge("both end well", ended == [0, 0], ended)
    pushed = receiver.metrics.get("outer", {})
    points = pushed["http.server.request.duration"].histogram.data_points if pushed else []
    count = sum(point.count for point in points)
    judge("the last push has every request", count == everything, f"{count} of {everything}")
    buckets = all(sum(point.bucket_counts) == point.count for point in points)
    judge("its buckets add up", bool(points) and buckets)
    ids = [(one.trace_id.hex(), one.span_id.hex()) for point in points for one in point.exemplars]
    known = [span in receiver.spans.get(trace, ()) for trace, span in ids]
    judge("its exemplars lead to spans that the back end has", bool(known) and all(known), len(known))

    failures = results.count(False)
    print(f"{results.count(True)} passed, {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
