"""Runs the benchmark's workloads in PyTorch. One JSON request a line on stdin, one JSON answer a line on stdout.

hello    {threads, device}                  -> {version, device}
prepare  {id, kind, dtype, tensors, ...}    -> {}      tensors: name -> {file, shape, type}, raw little-endian
prepare  {id, like, backend}                -> {}      the inputs of another run, another backend of attention
copy     {bytes}                            -> {gbps}  bytes read and written by a copy on the device
time     {id, calls}                        -> {ms}    milliseconds of one call
output   {id, file}                         -> {}      writes fp32
release  {id}                               -> {}
An answer with "error" says what went wrong.
"""
import contextlib
import json
import os
import sys
import time

import numpy
import torch

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
FLUSH_BYTES = 256 << 20
device = torch.device("cpu")
runs = {}
flush = None


def load(spec, dtype):
    source = numpy.fromfile(spec["file"], dtype=spec["type"]).reshape(spec["shape"])
    tensor = torch.from_numpy(source)
    if tensor.dtype == torch.uint8:
        return tensor.to(torch.bool).to(device)
    return tensor.to(dtype).to(device)


@contextlib.contextmanager
def tf32():
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def chosen(backend):
    """The context of a run: one backend of attention, TF32 in matmul, or PyTorch's own choice."""
    if not backend:
        return contextlib.nullcontext()
    if backend == "tf32":
        return tf32()
    from torch.nn.attention import SDPBackend, sdpa_kernel
    names = {"flash": "FLASH_ATTENTION", "cudnn": "CUDNN_ATTENTION", "efficient": "EFFICIENT_ATTENTION", "math": "MATH"}
    return sdpa_kernel(getattr(SDPBackend, names[backend]))


def attention(request, t):
    options = {"scale": request["scale"], "is_causal": request["causal"]}
    if request["grouped"]:
        options["enable_gqa"] = True
    if "mask" in t:
        options["attn_mask"] = t["mask"]
    return lambda: torch.nn.functional.scaled_dot_product_attention(t["q"], t["k"], t["v"], **options)


def prepare(request):
    id = request["id"]
    if "like" in request:
        other = runs[request["like"]]
        t = other["tensors"]
        request = {**other["request"], "backend": request["backend"]}
    else:
        t = {name: load(spec, DTYPES[request["dtype"]]) for name, spec in request["tensors"].items()}
    kind = request["kind"]
    if kind == "attention":
        call = attention(request, t)
    elif kind == "matmul":
        call = lambda: torch.matmul(t["a"], t["b"])
    else:
        call = lambda: torch.softmax(t["x"], dim=-1)
    runs[id] = {"call": call, "result": None, "tensors": t, "request": request}
    return {}


def measure(request):
    run = runs[request["id"]]
    calls = request["calls"]
    if device.type == "cuda":
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        total = 0.0
        with chosen(run["request"].get("backend")):
            for _ in range(calls):
                flush.zero_()
                flush.zero_()  # long enough for the call to be queued meanwhile
                start.record()
                run["result"] = run["call"]()
                end.record()
                end.synchronize()
                total += start.elapsed_time(end)
        return {"ms": total / calls}
    start = time.perf_counter()
    for _ in range(calls):
        run["result"] = run["call"]()
    return {"ms": (time.perf_counter() - start) * 1e3 / calls}


def copy(request):
    source = torch.empty(request["bytes"], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(10):
        target.copy_(source)
    end.record()
    end.synchronize()
    return {"gbps": 10 * 2 * request["bytes"] / start.elapsed_time(end) / 1e6}


def hello(request):
    global device, flush
    device = torch.device(request["device"])
    torch.set_num_threads(request["threads"])
    torch.set_grad_enabled(False)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        # Sums stay fp32, as the library's do.
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.set_float32_matmul_precision("highest")
        flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device=device)
        return {"version": torch.__version__, "device": torch.cuda.get_device_name(device)}
    if hasattr(os, "sched_setaffinity"):
        # The pool's other threads were bound by OMP_PROC_BIND; this one works too and stays on its core.
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    return {"version": torch.__version__, "device": "cpu"}


def output(request):
    runs[request["id"]]["result"].to(torch.float32).cpu().contiguous().numpy().tofile(request["file"])
    return {}


def release(request):
    runs.pop(request["id"], None)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # the library allocates on the same device
    return {}


HANDLERS = {"hello": hello, "copy": copy, "prepare": prepare, "time": measure, "output": output, "release": release}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = HANDLERS[request["op"]](request)
    except Exception as error:  # the benchmark reports it and goes on with its other peers
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
