// The greeter in Node: grpc-js, traced by OpenTelemetry's own package.
//
// Usage: node greeter.js HOST:PORT PROTO
//
// Nothing here reads or writes trace metadata by hand: the grpc instrumentation does all of it, and the SDK is configured by
// OTEL_*.

"use strict";

const { trace } = require("@opentelemetry/api");
const { GrpcInstrumentation } = require("@opentelemetry/instrumentation-grpc");
const { NodeSDK } = require("@opentelemetry/sdk-node");

// The SDK must be running before the modules it instruments are loaded.
const sdk = new NodeSDK({ instrumentations: [new GrpcInstrumentation()] });
sdk.start();

const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync(process.argv[3], { keepCase: true, defaults: true });
const { Greeter } = grpc.loadPackageDefinition(definition).accept.greeter.v1;

/** Tells which headers arrived and which span answers. */
function reply(name, call) {
  const span = trace.getActiveSpan().spanContext();
  const header = (key) => call.metadata.get(key).join(",");
  return {
    message: `Hello, ${name}!`,
    lang: "node",
    trace_id: span.traceId,
    span_id: span.spanId,
    traceparent: header("traceparent"),
    tracestate: header("tracestate"),
  };
}

const greeter = {
  SayHello: (call, callback) => callback(null, reply(call.request.name, call)),

  Fail: (call, callback) => {
    const { code, message } = call.request;
    if (code) {
      callback({ code, details: message });
    } else {
      callback(null, reply(message, call));
    }
  },

  StreamHello: (call) => {
    for (let number = 0; number < call.request.count; number++) {
      call.write(reply(call.request.name, call));
    }
    call.end();
  },

  CollectHello: (call, callback) => {
    const names = [];
    call.on("data", (request) => names.push(request.name));
    call.on("end", () => callback(null, reply(names.join(", "), call)));
  },

  ChatHello: (call) => {
    call.on("data", (request) => call.write(reply(request.name, call)));
    call.on("end", () => call.end());
  },

  Relay: (call, callback) => {
    const { targets, name } = call.request;
    const [target, ...rest] = targets;
    // Now: the client's own span is the active one where its answer arrives.
    const own = reply(name, call);
    if (!target) {
      callback(null, own);
      return;
    }
    const client = new Greeter(target, grpc.credentials.createInsecure());
    client.Relay({ targets: rest, name }, { deadline: Date.now() + 10_000 }, (error, following) => {
      client.close();
      callback(error, error ? undefined : { ...own, downstream: following });
    });
  },
};

const server = new grpc.Server();
server.addService(Greeter.service, greeter);
server.bindAsync(process.argv[2], grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) {
    throw error;
  }
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    server.forceShutdown();
    await sdk.shutdown();
    process.exit(0);
  });
}
