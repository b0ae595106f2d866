// The chain service in Node: Express and fetch, traced by OpenTelemetry's own packages.
//
// Usage: node app.js HOST:PORT
//
// Nothing here reads or writes trace headers by hand: the http, express and undici
// instrumentations do all of it, and the SDK is configured by OTEL_*.

"use strict";

const { context } = require("@opentelemetry/api");
const { getRPCMetadata } = require("@opentelemetry/core");
const { ExpressInstrumentation } = require("@opentelemetry/instrumentation-express");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { UndiciInstrumentation } = require("@opentelemetry/instrumentation-undici");
const { NodeSDK } = require("@opentelemetry/sdk-node");

// The SDK must be running before the modules it instruments are loaded.
const sdk = new NodeSDK({
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation(), new UndiciInstrumentation()],
});
sdk.start();

const express = require("express");

/** Tells what this service received and which span it is in. */
function answer(request, downstream = null) {
  const header = (name) => request.headersDistinct[name]?.join(",") ?? null;
  // The active span may be one that Express opened around the handler; the server span is kept beside it.
  const span = getRPCMetadata(context.active()).span.spanContext();
  return {
    lang: "node",
    trace_id: span.traceId,
    span_id: span.spanId,
    traceparent: header("traceparent"),
    tracestate: header("tracestate"),
    baggage: header("baggage"),
    downstream,
  };
}

const app = express();

app.get("/chain", async (request, response) => {
  const [first, ...rest] = (request.query.targets ?? "").split(",");
  if (!first) {
    response.json(answer(request));
    return;
  }
  const url = new URL(first.replace(/\/$/, "") + "/chain");
  url.searchParams.set("targets", rest.join(","));
  const reply = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!reply.ok) {
    throw new Error(`${url} answered ${reply.status}`);
  }
  response.json(answer(request, await reply.json()));
});

app.get("/hello/:name", (request, response) => {
  response.json(answer(request));
});

app.get("/status/:code", (request, response) => {
  response.status(Number(request.params.code)).json(answer(request));
});

const separator = process.argv[2].lastIndexOf(":");
const server = app.listen(Number(process.argv[2].slice(separator + 1)), process.argv[2].slice(0, separator));

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    await sdk.shutdown();
    process.exit(0);
  });
}
