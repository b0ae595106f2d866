"""The greeter in Python: grpcio, traced by OpenTelemetry's own package.

Usage: greeter.py HOST:PORT

Nothing here reads or writes trace metadata by hand: GrpcInstrumentorServer and GrpcInstrumentorClient do all of it, and the
SDK is configured by OTEL_*.
"""

import signal
import sys
from concurrent import futures
from pathlib import Path

import grpc
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "proto"))
protos, services = grpc.protos_and_services("greeter.proto")

CODES = {code.value[0]: code for code in grpc.StatusCode}


def reply(name: str, context: grpc.ServicerContext, downstream=None):
    """Tells which headers arrived and which span answers."""
    span = trace.get_current_span().get_span_context()
    metadata = {}
    for key, value in context.invocation_metadata():
        metadata[key] = f"{metadata[key]},{value}" if key in metadata else value
    return protos.HelloReply(
        message=f"Hello, {name}!",
        lang="python",
        trace_id=trace.format_trace_id(span.trace_id),
        span_id=trace.format_span_id(span.span_id),
        traceparent=metadata.get("traceparent", ""),
        tracestate=metadata.get("tracestate", ""),
        downstream=downstream,
    )


class Greeter(services.GreeterServicer):
    def SayHello(self, request, context):
        return reply(request.name, context)

    def Fail(self, request, context):
        if request.code:
            context.abort(CODES[request.code], request.message)
        return reply(request.message, context)

    def StreamHello(self, request, context):
        for _ in range(request.count):
            yield reply(request.name, context)

    def CollectHello(self, requests, context):
        return reply(", ".join(request.name for request in requests), context)

    def ChatHello(self, requests, context):
        for request in requests:
            yield reply(request.name, context)

    def Relay(self, request, context):
        if not request.targets:
            return reply(request.name, context)
        target, *rest = request.targets
        with grpc.insecure_channel(target) as channel:
            stub = services.GreeterStub(channel)
            following = stub.Relay(protos.RelayRequest(targets=rest, name=request.name), timeout=10)
        return reply(request.name, context, following)


def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    GrpcInstrumentorServer().instrument()
    GrpcInstrumentorClient().instrument()

    server = grpc.server(futures.ThreadPoolExecutor(16))
    services.add_GreeterServicer_to_server(Greeter(), server)
    server.add_insecure_port(sys.argv[1])
    server.start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    server.stop(1).wait()
    provider.shutdown()  # Sends what is still queued.


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
