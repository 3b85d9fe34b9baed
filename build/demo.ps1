# Runs samples/Quickstart, from raw text to a saved model; arguments go to the sample.
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
    throw 'Missing: the .NET 10 SDK. Install it from https://dotnet.microsoft.com/download and put dotnet on the PATH.'
}
dotnet run -c Release --project (Join-Path $root 'samples/Quickstart') -- @args
exit $LASTEXITCODE
