# Runs samples/Quickstart, the main job from raw text to a saved model; arguments go to the sample.
$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot 'setup.ps1')
dotnet run -c Release --project (Join-Path $root 'samples/Quickstart') -- @args
exit $LASTEXITCODE
