"""The chain service in Python: FastAPI and httpx, traced by OpenTelemetry's own packages.

Usage: app.py HOST:PORT

Nothing here reads or writes trace headers by hand: FastAPIInstrumentor and
HTTPXClientInstrumentor do all of it, and the SDK is configured by OTEL_*.
"""

import sys
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

HTTPXClientInstrumentor().instrument()


@asynccontextmanager
async def lifespan(_: FastAPI):
    yield
    provider.shutdown()  # Sends what is still queued.


app = FastAPI(lifespan=lifespan)
FastAPIInstrumentor.instrument_app(app)


def answer(request: Request, downstream=None, status: int = 200) -> JSONResponse:
    """Tells what this service received and which span it is in."""

    def header(name: str):
        values = request.headers.getlist(name)
        return ",".join(values) if values else None

    # No span of ours is open around a handler, so the current one is the server span.
    span = trace.get_current_span().get_span_context()
    return JSONResponse(
        {
            "lang": "python",
            "trace_id": trace.format_trace_id(span.trace_id),
            "span_id": trace.format_span_id(span.span_id),
            "traceparent": header("traceparent"),
            "tracestate": header("tracestate"),
            "baggage": header("baggage"),
            "downstream": downstream,
        },
        status_code=status,
    )


@app.get("/chain")
async def chain(request: Request, targets: str = ""):
    first, _, rest = targets.partition(",")
    if not first:
        return answer(request)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        response = await client.get(first.rstrip("/") + "/chain", params={"targets": rest})
    return answer(request, response.raise_for_status().json())


@app.get("/hello/{name}")
async def hello(request: Request, name: str):
    return answer(request)


@app.get("/status/{code}")
async def status(request: Request, code: int):
    return answer(request, status=code)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    uvicorn.run(app, host=host, port=int(port), log_level="warning")
