#!/usr/bin/env bash
# Builds the benchmark program and runs it: ./run-bench.sh --help says what it can do.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
command -v dotnet >/dev/null || { echo "run-bench.sh needs the .NET SDK 10: https://dotnet.microsoft.com/download" >&2; exit 1; }
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# The solution is restored first: that chooses the kernel API by asking the package feeds for ILGPU once.
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
echo "building (Release) ..." >&2
if ! { dotnet restore "$root/AttnKernels.sln" && dotnet build "$root/bench/AttnKernels.Bench.csproj" -c Release; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
exec dotnet run --project "$root/bench/AttnKernels.Bench.csproj" -c Release --no-build -- "$@"
