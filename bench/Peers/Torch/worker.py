"""Runs the benchmark's workloads in PyTorch. One JSON request a line on stdin, one JSON answer a line on stdout.

hello    {threads, device}                  -> {version, device, tensorCores}   whether the device has them for fp32, as TF32
prepare  {id, kind, dtype, tensors, ...}    -> {}      tensors: name -> {file, shape, type}, raw little-endian
prepare  {id, like, backend}                -> {}      the inputs of another run, another backend of attention
copy     {bytes}                            -> {gbps}  bytes read and written by a copy on the device
time     {id, calls}                        -> {ms}    milliseconds of one call
output   {id, file}                         -> {}      writes fp32
release  {id}                               -> {}
An answer with "error" says what went wrong; "refused", that the chosen backend does not take such a problem, and why.
"""
import contextlib
import json
import os
import sys
import time
import warnings

# What a library prints must not come between the answers.
answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

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
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


def chosen(backend):
    """The context of a run: one backend of attention, TF32 in matmul, or PyTorch's own choice."""
    if not backend:
        return contextlib.nullcontext()
    if backend == "tf32":
        return tf32()
    from torch.nn.attention import SDPBackend, sdpa_kernel
    names = {"flash": "FLASH_ATTENTION", "cudnn": "CUDNN_ATTENTION", "efficient": "EFFICIENT_ATTENTION", "math": "MATH"}
    return sdpa_kernel(getattr(SDPBackend, names[backend]))


class Refused(Exception):
    """A backend does not take the problem."""


@contextlib.contextmanager
def explained():
    """A refusal of attention with its reason, which PyTorch only warns of, once for each backend that it tries."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except RuntimeError as error:
            if "No available kernel" not in str(error):
                raise
            texts = [str(w.message).split(" (Triggered internally")[0] for w in caught]
            reasons = [t for t in texts if not t.endswith("because:") and "runtime disabled" not in t]
            raise Refused(" ".join(dict.fromkeys(reasons)) or str(error)) from None


def attention(request, t):
    options = {"scale": request["scale"], "is_causal": request["causal"]}
    if request["grouped"]:
        options["enable_gqa"] = True
    if request["lowerRight"] and request["backend"] == "flash":
        # It takes no mask, but can align the last query with the last key.
        from torch.nn.attention.bias import causal_lower_right
        options["attn_mask"] = causal_lower_right(t["q"].shape[-2], t["k"].shape[-2])
    elif "mask" in t:
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
        with explained(), chosen(run["request"]["backend"]):
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
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 5):
        raise RuntimeError(f"PyTorch {torch.__version__} is here, 2.5 or newer is needed")
    device = torch.device(request["device"])
    torch.set_num_threads(request["threads"])
    torch.set_grad_enabled(False)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # whose stream events are recorded on
        # Sums stay fp32, as the library's do.
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
        torch.set_float32_matmul_precision("highest")
        flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device=device)
        return {
            "version": torch.__version__,
            "device": torch.cuda.get_device_name(device),
            "tensorCores": torch.cuda.get_device_capability(device) >= (8, 0),
        }
    if hasattr(os, "sched_setaffinity"):
        # The pool's other threads were bound by OMP_PROC_BIND; this one works too and stays on its core.
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    return {"version": torch.__version__, "device": "cpu", "tensorCores": False}


def output(request):
    runs[request["id"]]["result"].to(torch.float32).cpu().contiguous().numpy().tofile(request["file"])
    return {}


def release(request):
    runs.pop(request["id"], None)
    give_back()
    return {}


def give_back():
    """The library allocates on the same device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


HANDLERS = {"hello": hello, "copy": copy, "prepare": prepare, "time": measure, "output": output, "release": release}

for line in sys.stdin:
    try:
        request = json.loads(line)
        answer = HANDLERS[request["op"]](request)
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    except Exception as error:  # the benchmark reports it and goes on with its other peers
        answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    if "error" in answer:
        # What the failed call held is free only now that its exception is gone. A device that is lost says so again.
        with contextlib.suppress(RuntimeError):
            give_back()
    print(json.dumps(answer), file=answers, flush=True)
