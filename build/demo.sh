#!/usr/bin/env bash
# Sets up and runs samples/Quickstart, the main job from raw text to a saved model; arguments go to the sample.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/build/setup.sh"
exec dotnet run -c Release --project "$root/samples/Quickstart" -- "$@"
