"""Writes what opentelemetry-sdk of Python decides, to be compared with: python generate.py > opentelemetry-python.tsv"""

import random
from importlib.metadata import version

from opentelemetry.sdk.trace._sampling_experimental import composable_traceid_ratio_based, composite_sampler
from opentelemetry.trace import TraceState

PROBABILITIES = [1.0, 0.999, 0.9, 0.75, 2 / 3, 0.5, 1 / 3, 0.25, 0.1, 0.05, 0.01, 0.001, 0.0]
SEED = 56

print(f"# opentelemetry-sdk {version('opentelemetry-sdk')} (Python), composite_sampler(composable_traceid_ratio_based(p)), seed {SEED}")
print("# probability\ttrace id\ttracestate in\tsampled\ttracestate out")
rng = random.Random(SEED)
for probability in PROBABILITIES:
    sampler = composite_sampler(composable_traceid_ratio_based(probability))
    for number in range(40):
        trace_id = rng.getrandbits(128)
        if number % 4 == 3:
            # Around the threshold, where a decision is close.
            edge = round((1 - probability) * (1 << 56)) + rng.randrange(-(1 << 48), 1 << 48)
            trace_id = (trace_id >> 56 << 56) | min(max(edge, 0), (1 << 56) - 1)
        members = []
        if number % 5 == 0:
            members.append(("ot", f"rv:{rng.getrandbits(56):014x}"))
        if number % 7 == 0:
            members.append(("ot", f"th:{rng.getrandbits(16) | 1:04x};rv:{rng.getrandbits(56):014x};xx:1"))
        state = TraceState(members[-1:] + [("shop", "1")] if members else [])
        result = sampler.should_sample(None, trace_id, "span", trace_state=state)
        out = result.trace_state.to_header() if result.trace_state else ""
        print(f"{probability!r}\t{trace_id:032x}\t{state.to_header()}\t{int(result.decision.is_sampled())}\t{out}")
