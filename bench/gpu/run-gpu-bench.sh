#!/usr/bin/env bash
# Verifies the CUDA kernels and measures them beside PyTorch: every stage has a share of the time, one that fails does not stop the next,
# and results are written as they come. Runs from a bundle (make-bundle.sh) without .NET, or from the repository, which makes one first.
# PyTorch is measured where python3 has torch and numpy.
#
#   run-gpu-bench.sh [--device cuda:0] [--out DIR] [--minutes N] [--types fp32,fp16] [--conformance DIR] [--dry-run]
#
# --out          logs, and the report in DIR/results (default: gpu-bench beside the bundle)
# --minutes      for everything together (default 9)
# --conformance  also runs ONNX backend node tests from there
# --dry-run      the same stages in small on a device that is always there (cpu, or what --device names): does the script work?
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ ! -d "$here/dotnet" ]; then
  bundle="$here/../../artifacts/gpu-bundle"
  "$here/make-bundle.sh" "$bundle" >&2 || exit 1
  exec "$bundle/run-gpu-bench.sh" "$@"
fi

device="" out="$here/../gpu-bench" minutes=9 types="fp32,fp16" conformance="" dry=""
while [ $# -gt 0 ]; do
  case "$1" in
    --device) device="$2"; shift 2 ;;
    --out) out="$2"; shift 2 ;;
    --minutes) minutes="$2"; shift 2 ;;
    --types) types="$2"; shift 2 ;;
    --conformance) conformance="$(cd "$2" && pwd)"; shift 2 ;;
    --dry-run) dry=1; shift ;;
    *) sed -n '6,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
mkdir -p "$out/results" && out="$(cd "$out" && pwd)" && cd "$here" || exit 1
if [ -n "$dry" ]; then
  device="${device:-cpu}" types="${types%%,*}"
  verify=(--size Tiny --filter "attention float32 causal, matmul float32") workloads="gpu-dry-*"
else
  device="${device:-cuda:0}" verify=() workloads="gpu-s*,gpu-decode*,gpu-matmul*"
fi

# ILGPU loads the driver by the unversioned name, which only development packages install.
mkdir -p "$here/lib"
for name in libcuda libOpenCL; do
  for folder in $(ldconfig -p 2>/dev/null | awk -v n="$name.so" 'index($1, n) == 1 { print $NF }') /usr/local/nvidia/lib64/$name.so.1; do
    [ -e "$folder" ] && { ln -sf "$folder" "$here/lib/$name.so"; break; }
  done
done
export DOTNET_ROOT="$here/dotnet" LD_LIBRARY_PATH="$here/lib:/usr/local/nvidia/lib64:${LD_LIBRARY_PATH:-}"
attn() { "$here/dotnet/dotnet" "$here/attn/attn.dll" "$@"; }
bench() { "$here/dotnet/dotnet" "$here/bench/AttnKernels.Bench.dll" "$@"; }
export -f attn bench
export here

failed=0
: > "$out/stages.txt"
stage() { # NAME SECONDS COMMAND...: within its share and what is left of the whole
  local name="$1" left=$((minutes * 60 - SECONDS)) began=$SECONDS status
  local limit=$(($2 < left ? $2 : left)); shift 2
  echo "== $name"
  if [ "$limit" -lt 5 ]; then status="skipped, no time left"; failed=1
  else
    timeout -k 5 "$limit" bash -c '"$@"' - "$@" 2>&1 | tee "$out/$name.log"
    case "${PIPESTATUS[0]}" in
      0) status="passed" ;;
      124 | 137) status="stopped after $limit s"; failed=1 ;;
      *) status="FAILED"; failed=1 ;;
    esac
  fi
  printf '%-12s %-24s %4d s\n' "$name" "$status" $((SECONDS - began)) >> "$out/stages.txt"
}

# The first start of a process compiles; the second reads what the first kept.
starts() {
  local folder ms status=0; folder="$(mktemp -d)"
  for cache in off off "$folder" "$folder" "$folder"; do
    ms="$(ATTNKERNELS_CACHE="$cache" bench --first-call --device "$1")" || status=1
    echo "first call of a process, cache $([ "$cache" = off ] && echo off || echo on): ${ms:-failed} ms"
  done
  rm -rf "$folder"
  return $status
}
export -f starts

share=$((minutes * 60))
stage devices 60 attn devices
[ -n "$dry" ] || stage gpu 20 nvidia-smi
stage verify $((share * 45 / 100)) attn verify --device "$device" "${verify[@]}"
[ -z "$conformance" ] || stage conformance $((share / 10)) attn conformance "$conformance" --device "$device"
stage start $((share / 10)) starts "$device"
stage bench "$share" bench --device "$device" --workload "$workloads" --dtype "$types" --peers pytorch --out "$out/results"
[ -n "$dry" ] || stage tune 60 attn tune 4096x4096x4096 8192x8192x8192 64x4096x14336 --device "$device" --cache "$out/tuning"
echo "== stages"
cat "$out/stages.txt"
echo "results: $(ls "$out/results" | tr '\n' ' ')"
exit $failed
