#!/usr/bin/env python3
"""PyTorch's scaled_dot_product_attention beside `binattn bench gpu`, on the same shapes, in one table.

Needs a machine with an NVIDIA GPU and PyTorch 2.5 or later; nothing else beyond the standard library.
Not run yet: it was written on a machine without a GPU.

    python3 gpu_sdpa.py --report report.jsonl                  # a report of `binattn bench gpu --json`
    python3 gpu_sdpa.py --binattn ./binattn --out merged.jsonl # runs binattn first, then PyTorch, in one go

The rivals are the flash and the cuDNN backend, bfloat16 in and out, batch 1. Both sides are timed the same way: device events around replays of a captured graph that
holds enough copies of the call for about two milliseconds; the median of the replays counts. A backend that refuses a shape is reported with its reason.
"""

import argparse
import json
import math
import shlex
import statistics
import subprocess
import sys

GRAPH_MILLISECONDS = 2.0
MAX_COPIES = 100
WARM_UP_REPLAYS = 3
BACKENDS = ("FLASH_ATTENTION", "CUDNN_ATTENTION")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--report", help="report of `binattn bench gpu --json`, one object per line")
    source.add_argument("--binattn", help="command that runs binattn; its report is made first")
    parser.add_argument("--arguments", default="", help="more arguments for `bench gpu`, as one text")
    parser.add_argument("--repeat", type=int, default=20, help="timed replays of each call")
    parser.add_argument("--out", help="write all lines, merged, to this file")
    return parser.parse_args()


def read_report(arguments):
    if arguments.report:
        with open(arguments.report, encoding="utf-8") as file:
            lines = file.read().splitlines()
    else:
        command = [*shlex.split(arguments.binattn), "bench", "gpu", "--json", *shlex.split(arguments.arguments)]
        finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if finished.returncode != 0:
            # A report with wrong results still has lines worth keeping; without any there is nothing to merge.
            print(f"{shlex.join(command)} ended with exit code {finished.returncode}", file=sys.stderr)
        lines = finished.stdout.splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    if not rows:
        sys.exit("the report is empty; see the messages of binattn above")
    return rows


def time_call(torch, call, repeat):
    """Median and least milliseconds of one call."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def elapsed(work):
        start.record()
        work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_REPLAYS):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    copies = min(max(math.ceil(GRAPH_MILLISECONDS / max(elapsed(call), 1e-6)), 1), MAX_COPIES)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(copies):
            call()
    for _ in range(WARM_UP_REPLAYS):
        graph.replay()
    times = [elapsed(graph.replay) / copies for _ in range(repeat)]
    return statistics.median(times), min(times)


def time_shape(torch, row, backend_name, repeat):
    from torch.nn.attention import SDPBackend, sdpa_kernel

    result = {"kind": "rival", "backend": backend_name, **{name: row[name] for name in ("batchSize", "headCount", "length", "headDimension", "isCausal")}, "type": "bfloat16"}
    if not hasattr(SDPBackend, backend_name):
        return {**result, "milliseconds": None, "why": f"PyTorch {torch.__version__} has no such backend"}
    sizes = (row["batchSize"], row["headCount"], row["length"], row["headDimension"])
    try:
        generator = torch.Generator(device="cuda").manual_seed(20260401)
        query, key, value = (torch.randn(sizes, device="cuda", dtype=torch.bfloat16, generator=generator) for _ in range(3))
        with torch.no_grad(), sdpa_kernel([getattr(SDPBackend, backend_name)]):
            median, least = time_call(torch, lambda: torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=row["isCausal"]), repeat)
        return {**result, "milliseconds": median, "minMilliseconds": least}
    except RuntimeError as problem:
        return {**result, "milliseconds": None, "why": str(problem).splitlines()[0]}
    finally:
        torch.cuda.empty_cache()


def write_table(timings, rivals):
    def cell(milliseconds):
        return "-" if milliseconds is None else f"{milliseconds:.4f}"

    def ratio(rival, own):
        return "-" if rival is None or not own else f"{rival / own:.2f}x"

    print("| N | d | causal | one-bit kernel ms | packing ms | both ms | flash ms | cuDNN ms | kernel against flash | both against flash | kernel against cuDNN | both against cuDNN |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for row in timings:
        found = {rival["backend"]: rival["milliseconds"] for rival in rivals if all(rival[name] == row[name] for name in ("headCount", "length", "headDimension", "isCausal"))}
        flash, cudnn = (found.get(name) for name in BACKENDS)
        kernel, both = row["attentionMilliseconds"], row["totalMilliseconds"]
        print(
            f"| {row['length']} | {row['headDimension']} | {'yes' if row['isCausal'] else 'no'} | {cell(kernel)} | {cell(row['packingMilliseconds'])} | {cell(both)} | {cell(flash)} | {cell(cudnn)} "
            f"| {ratio(flash, kernel)} | {ratio(flash, both)} | {ratio(cudnn, kernel)} | {ratio(cudnn, both)} |"
        )


def main():
    arguments = parse_arguments()
    rows = read_report(arguments)
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed; install it, or read the report alone")
    if not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU; install a build with CUDA, or make the GPU visible")
    timings = [row for row in rows if row["kind"] == "timing"]
    rivals = [time_shape(torch, row, backend, arguments.repeat) for row in timings for backend in BACKENDS]
    environment = {"kind": "rival-environment", "gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    own = next((row.get("gpu") for row in rows if row["kind"] == "environment"), None)
    if own not in (None, environment["gpu"]):
        print(f"warning: the report is of {own}, PyTorch runs on {environment['gpu']}", file=sys.stderr)
    write_table(timings, rivals)
    for line in [row for row in rows if row["kind"] == "not-measured" and not row["what"].startswith("rival")] + [rival for rival in rivals if rival["milliseconds"] is None]:
        print(f"not measured: {line.get('what') or line['backend'] + ' N=' + str(line['length'])}: {line['why']}")
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in [*rows, environment, *rivals])


if __name__ == "__main__":
    main()
