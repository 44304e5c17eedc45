#!/usr/bin/env bash
# Puts the programs, the compiled kernels, the .NET runtime of this machine and run-gpu-bench.sh into one folder and one archive, which run
# on a Linux machine of the same processor kind that has a GPU but neither .NET nor a package feed.
#
#   bench/gpu/make-bundle.sh [FOLDER]        default: artifacts/gpu-bundle; the archive is FOLDER.tar.gz
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
out="${1:-$root/artifacts/gpu-bundle}"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
home="$(dirname "$(readlink -f "$(command -v dotnet)")")"
version="$(dotnet --list-runtimes | awk '$1 == "Microsoft.NETCore.App" && $2 ~ /^10\./ { v = $2 } END { print v }')"
[ -n "$version" ] || { echo "make-bundle.sh needs the .NET 10 SDK" >&2; exit 1; }

rm -rf "$out" "$out.tar.gz"
mkdir -p "$out/dotnet/shared/Microsoft.NETCore.App"
dotnet restore "$root/AttnKernels.sln" -v q -p:KernelApi=Ilgpu
dotnet publish "$root/host/Cli/AttnKernels.Cli.csproj" -c Release -p:KernelApi=Ilgpu -p:RunAnalyzers=false --no-self-contained -v q -o "$out/attn"
dotnet publish "$root/bench/AttnKernels.Bench.csproj" -c Release -p:KernelApi=Ilgpu -p:RunAnalyzers=false --no-self-contained -v q -o "$out/bench"
# The compiled kernels are these very builds'.
for library in AttnKernels AttnKernels.Kernels ILGPU ILGPU.Algorithms; do cmp "$out/attn/$library.dll" "$out/bench/$library.dll"; done
dotnet "$out/attn/attn.dll" compile
ln -s ../attn/AttnKernels.kernels.zip "$out/bench/"
dotnet restore "$root/AttnKernels.sln" -v q -p:KernelApi=Simulator
dotnet publish "$root/host/Cli/AttnKernels.Cli.csproj" -c Release -p:KernelApi=Simulator -p:RunAnalyzers=false --no-self-contained -v q -o "$out/attn-simulator"
mkdir -p "$out/bench/Peers/Torch"
cp "$root/bench/Peers/Torch/worker.py" "$out/bench/Peers/Torch/"
cp "$root/bench/gpu/run-gpu-bench.sh" "$out/"
nodes="${ATTN_CONFORMANCE:-$root/../shared/conformance/onnx/node}"
[ ! -d "$nodes" ] || cp -r "$nodes" "$out/conformance"
cp "$home/dotnet" "$out/dotnet/"
cp -r "$home/host" "$out/dotnet/"
cp -r "$home/shared/Microsoft.NETCore.App/$version" "$out/dotnet/shared/Microsoft.NETCore.App/"
# No part of a run there: debuggers, other systems' profilers, the compiler of attn mutate.
find "$out" \( -name '*.pdb' -o -name 'msdia*' -o -name 'libmscordbi.so' -o -name 'libmscordaccore.so' -o -name 'Microsoft.CodeAnalysis*' \) -delete
tar -C "$(dirname "$out")" -czf "$out.tar.gz" "$(basename "$out")"
echo "$out.tar.gz ($(du -h "$out.tar.gz" | cut -f1)): unpack it there and run $(basename "$out")/run-gpu-bench.sh"
