# Builds everything in Release and runs all tests, or those that match a filter:
#   build/test.ps1 [FILTER]        for example: build/test.ps1 Stack
# The last line is 'N passed, N failed', with ', N skipped' if tests were skipped. The exit code is that of the test runner.
param([string] $Filter)
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
    throw 'Missing: the .NET 10 SDK. Install it from https://dotnet.microsoft.com/download and put dotnet on the PATH.'
}
# The summary is read below, so it must be in English.
$env:DOTNET_CLI_UI_LANGUAGE = 'en'
$env:TESTINGPLATFORM_UI_LANGUAGE = 'en'

# The repository's folder has the global.json that selects the SDK.
Push-Location $root
try {
    dotnet build Reversible.MLNet.sln -c Release -v q --nologo
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    $options = @('--progress', 'off', '--no-ansi', '--minimum-expected-tests', '1')
    if ($Filter) { $options += @('--filter', $Filter) }
    dotnet run --project test/Microsoft.ML.Reversible.Tests -c Release --no-build -- @options | Tee-Object -Variable lines
    $code = $LASTEXITCODE
}
finally {
    Pop-Location
}

function Get-Count([string] $name) {
    $found = $lines | Select-String -Pattern "^\s*${name}:\s*(\d+)\s*$" | Select-Object -Last 1
    if ($found) { [int] $found.Matches[0].Groups[1].Value } else { -1 }
}
$passed = Get-Count 'succeeded'
$failed = Get-Count 'failed'
$skipped = Get-Count 'skipped'
if ($passed -lt 0 -or $failed -lt 0) {
    Write-Host 'The tests ended without a summary.'
    if ($code -eq 0) { $code = 1 }
    $passed = 0
    $failed = 1
}
if ($code -ne 0 -and $failed -eq 0) { $failed = 1 }
$line = "$passed passed, $failed failed"
if ($skipped -gt 0) { $line += ", $skipped skipped" }
Write-Host $line
exit $code
