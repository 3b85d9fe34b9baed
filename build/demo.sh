#!/usr/bin/env bash
# Runs samples/Quickstart, from raw text to a saved model; arguments go to the sample.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command -v dotnet >/dev/null || {
    echo "Missing: the .NET 10 SDK. Install it from https://dotnet.microsoft.com/download and put dotnet on the PATH." >&2
    exit 1
}
exec dotnet run -c Release --project "$root/samples/Quickstart" -- "$@"
