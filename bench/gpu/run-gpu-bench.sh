#!/usr/bin/env bash
# Verifies the CUDA kernels and measures them beside PyTorch: every stage has a share of the time, one that fails does not stop the next,
# and results are written as they come. Runs from a bundle (make-bundle.sh) without .NET, or from the repository, which makes one first.
# PyTorch is measured where python3 has torch and numpy.
#
#   run-gpu-bench.sh [--device cuda:0] [--out DIR] [--minutes N] [--types fp16,fp32,bf16] [--stages verify,bench] [--cache DIR]
#                    [--conformance DIR] [--dry-run]
#
# --out          DIR/run.log, DIR/stages.txt, DIR/tuning.json, and the report in DIR/results (default: gpu-bench beside the bundle)
# --minutes      for everything together (default 9)
# --stages       only these of verify, conformance, start, tune, bench, faults (default: all)
# --cache        keeps compiled kernels and tuning there for the next run (default: a folder that is deleted)
# --conformance  the ONNX backend node tests (default: those that the bundle brings, if any)
# --dry-run      the same stages in small where there is no GPU: the kernels' PTX is verified on device ptx, a product and
#                attention are tuned on the simulator, and the rest runs on the cpu, or on what --device names
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ ! -d "$here/dotnet" ]; then
  bundle="$here/../../artifacts/gpu-bundle"
  "$here/make-bundle.sh" "$bundle" >&2 || exit 1
  exec "$bundle/run-gpu-bench.sh" "$@"
fi

device="" out="$here/../gpu-bench" minutes=9 types="fp16,fp32,bf16" conformance="" dry="" stages="" cache=""
while [ $# -gt 0 ]; do
  case "$1" in
    --device) device="$2"; shift 2 ;;
    --out) out="$2"; shift 2 ;;
    --minutes) minutes="$2"; shift 2 ;;
    --types) types="$2"; shift 2 ;;
    --stages) stages="$2"; shift 2 ;;
    --cache) mkdir -p "$2" && cache="$(cd "$2" && pwd)"; shift 2 ;;
    --conformance) conformance="$(cd "$2" && pwd)"; shift 2 ;;
    --dry-run) dry=1; shift ;;
    *) sed -n '6,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
mkdir -p "$out/results" && out="$(cd "$out" && pwd)" && cd "$here" || exit 1
processors="$(nproc)"
if [ -n "$dry" ]; then
  checked=ptx device="${device:-cpu}" parts=2 jobs=2
  verify=(--filter "attention causal, matmul 120x200x344") workloads="gpu-dry-*"
else
  device="${device:-cuda:0}" checked="$device" parts=24 jobs=$((processors < 4 ? 1 : processors > 24 ? 12 : processors / 2))
  verify=() workloads="gpu-s*,gpu-decode*,gpu-matmul*"
fi

# ILGPU loads the driver by the unversioned name, which only development packages install.
mkdir -p "$here/lib"
for name in libcuda libOpenCL; do
  for folder in $(ldconfig -p 2>/dev/null | awk -v n="$name.so" 'index($1, n) == 1 { print $NF }') /usr/local/nvidia/lib64/$name.so.1; do
    [ -e "$folder" ] && { ln -sf "$folder" "$here/lib/$name.so"; break; }
  done
done
export DOTNET_ROOT="$here/dotnet" LD_LIBRARY_PATH="$here/lib:/usr/local/nvidia/lib64:${LD_LIBRARY_PATH:-}"
# Compiled kernels and tuning, ours and the driver's: what one stage compiled the next ones find, and nothing is left on the machine.
if [ -z "$cache" ]; then
  cache="$(mktemp -d)"
  trap 'rm -rf "$cache"' EXIT
fi
[ -n "$conformance" ] || [ ! -d "$here/conformance" ] || conformance="$here/conformance"
export ATTNKERNELS_CACHE="$cache/attn" CUDA_CACHE_PATH="$cache/driver" CUDA_CACHE_MAXSIZE=$((1 << 30))
attn() { "$here/dotnet/dotnet" "$here/attn/attn.dll" "$@"; }
bench() { "$here/dotnet/dotnet" "$here/bench/AttnKernels.Bench.dll" "$@"; }
tuner() { if [ -n "$dry" ]; then "$here/dotnet/dotnet" "$here/attn-simulator/attn.dll" tune "$@"; else attn tune "$@"; fi; }
export -f attn bench tuner
export here dry

failed=0
: > "$out/stages.txt"
: > "$out/run.log"
# The shell stays until its command ends, so that what ignores the first signal gets the second.
stage() { # NAME SECONDS COMMAND...: within its share and what is left of the whole
  local name="$1" left=$((minutes * 60 - SECONDS)) began=$SECONDS status
  case ",${stages:-$name},devices,gpu," in *",$name,"*) ;; *) return ;; esac
  local limit=$(($2 < left ? $2 : left)); shift 2
  echo "== $name" | tee -a "$out/run.log"
  if [ "$limit" -lt 5 ]; then status="skipped, no time left"; failed=1
  else
    timeout -k 5 "$limit" bash -c 'trap : TERM; "$@"' - "$@" 2>&1 | tee -a "$out/run.log"
    case "${PIPESTATUS[0]}" in
      0) status="passed" ;;
      124 | 137) status="stopped after $limit s"; failed=1 ;;
      *) status="FAILED"; failed=1 ;;
    esac
  fi
  printf '%-12s %-24s %4d s\n' "$name" "$status" $((SECONDS - began)) | tee -a "$out/stages.txt"
}

# Cases in parts, several processes at once: the driver's compiling takes longer than running. The filters outlive the signal that ends the stage.
# Behind a case that loses the device a new process goes on.
part() { # PART PARTS ARGUMENTS...
  local part="$1" parts="$2" skip=0 status=0 log; shift 2
  log="$(mktemp)"
  while [ -n "$skip" ]; do
    attn verify --part "$part/$parts" --skip "$skip" "$@" 2>&1 | (trap '' TERM; tee "$log" | sed -u "s/^/[$part] /")
    [ "${PIPESTATUS[0]}" -eq 0 ] || status=1
    skip="$(sed -n 's/^LOST.*go on with --skip \([0-9]*\)$/\1/p' "$log")"
  done
  rm -f "$log"
  return $status
}
verify() { # JOBS PARTS ARGUMENTS...
  local jobs="$1" parts="$2"; shift 2
  seq "$parts" | xargs -P "$jobs" -I{} bash -c 'part "$@"' - {} "$parts" "$@" | (trap '' TERM; exec awk '
    { print; fflush() }
    $3 == "passed," { passed += $2; failed += $4; unsupported += $6; parts++ }
    END { printf "%d passed, %d failed, %d unsupported in %d processes for '"$parts"' parts\n", passed, failed, unsupported, parts }')
  return "${PIPESTATUS[1]}"
}

# What a run costs the host, and a process's first call: compiling all itself, with the compiled kernels beside it, and with what the one before left in the caches.
starts() { # DEVICE
  local folder program ms status=0 keeps; folder="$(mktemp -d)"
  cp -r "$here/bench" "$folder/bench" && rm -f "$folder/bench/AttnKernels.kernels.zip"
  for keeps in nothing "compiled kernels" "compiled kernels, caches" "compiled kernels, caches" caches caches; do
    program="$here/bench"
    case "$keeps" in nothing | caches) program="$folder/bench" ;; esac
    case "$keeps" in
      *caches) export ATTNKERNELS_CACHE="$folder/attn" CUDA_CACHE_DISABLE=0 CUDA_CACHE_PATH="$folder/driver" ;;
      *) export ATTNKERNELS_CACHE=off CUDA_CACHE_DISABLE=1 ;;
    esac
    ms="$("$here/dotnet/dotnet" "$program/AttnKernels.Bench.dll" --first-call --device "$1")" || status=1
    echo "first call of a process with $keeps: ${ms:-failed} (ms in all, ms of the run, methods)"
  done
  rm -rf "$folder"
  bench --queue-time --device "$1" || status=1
  return $status
}

tunes() { # DEVICE
  local status=0 mask
  if [ -n "$dry" ]; then
    tuner matmul 64x64x128 --device "$1" --rounds 1 || status=1
    tuner attention --seq 16 --heads 1 --head-dim 64 --causal --device "$1" --rounds 1 || status=1
    return $status
  fi
  tuner matmul 4096x4096x4096 8192x8192x8192 64x4096x14336 --device "$1" || status=1
  tuner matmul 4096x4096x4096 8192x8192x8192 64x4096x14336 --device "$1" --type BFloat16 || status=1
  tuner matmul 4096x4096x4096 --device "$1" --type Float32 --input-precision Tf32 || status=1
  tuner matmul 4096x4096x4096 --device "$1" --type Float32 --input-precision Tf32x3 || status=1
  for mask in "" --causal; do
    tuner attention --seq 2048 4096 8192 16384 --heads 16 --head-dim 64 128 $mask --device "$1" || status=1
    tuner attention --seq 2048 4096 8192 16384 --heads 16 --head-dim 64 128 $mask --device "$1" --type BFloat16 || status=1
    tuner attention --seq 8192 --heads 16 --head-dim 64 $mask --device "$1" --type Float32 --input-precision Tf32x3 || status=1
  done
  return $status
}
export -f part verify starts tunes

share=$((minutes * 60))
stage devices 60 attn devices
[ -n "$dry" ] || stage gpu 20 nvidia-smi
stage verify $((share * 45 / 100)) verify "$jobs" "$parts" --device "$checked" "${verify[@]}"
[ -z "$conformance" ] || stage conformance $((share / 10)) attn conformance "$conformance" --device "$device"
stage start $((share / 10)) starts "$device"
stage tune $((share / 6)) tunes "$([ -n "$dry" ] && echo simulator || echo "$device")"
cat "$ATTNKERNELS_CACHE"/attnkernels-*.json > "$out/tuning.json" 2>/dev/null || echo "nothing tuned" | tee -a "$out/run.log"
stage bench $((share - SECONDS - 20)) bench --device "$device" --workload "$workloads" --dtype "$types" --peers pytorch --out "$out/results"
# Last: a device that does not get over it has given its results.
stage faults 20 attn faults --device "$checked"
echo "== stages"
cat "$out/stages.txt"
echo "results: $(ls "$out/results" | tr '\n' ' ')"
exit $failed
