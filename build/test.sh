#!/usr/bin/env bash
# Builds everything in Release and runs all tests, or those that match a filter:
#   bash build/test.sh [FILTER]        for example: bash build/test.sh Stack
# The last line is 'N passed, N failed', with ', N skipped' if tests were skipped. The exit code is that of the test runner.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests=test/Microsoft.ML.Reversible.Tests

command -v dotnet >/dev/null || {
    echo "Missing: the .NET 10 SDK. Install it from https://dotnet.microsoft.com/download and put dotnet on the PATH." >&2
    exit 1
}
dotnet build Reversible.MLNet.sln -c Release -v q --nologo

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The summary is read below, so it must be in English.
export DOTNET_CLI_UI_LANGUAGE=en TESTINGPLATFORM_UI_LANGUAGE=en
code=0
dotnet run --project "$tests" -c Release --no-build -- --progress off --no-ansi --minimum-expected-tests 1 ${1:+--filter "$1"} 2>&1 |
    tee "$log" || code=${PIPESTATUS[0]}

count() { sed -n "s/^ *$1: *\([0-9][0-9]*\) *$/\1/p" "$log" | tail -n 1; }
passed=$(count succeeded) failed=$(count failed) skipped=$(count skipped)
if [[ -z "$passed" || -z "$failed" ]]; then
    echo "The tests ended without a summary." >&2
    [[ "$code" != 0 ]] || code=1
    passed=0 failed=1
fi
if [[ "$code" != 0 && "$failed" == 0 ]]; then
    echo "The test runner failed with exit code $code." >&2
    failed=1
fi
line="$passed passed, $failed failed"
[[ "${skipped:-0}" == 0 ]] || line+=", $skipped skipped"
echo "$line"
exit "$code"
