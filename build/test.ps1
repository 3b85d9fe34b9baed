# Builds everything in Release and runs all tests, or those that a filter names: build/test.ps1 [FILTER]
param([string] $Filter)
$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot 'setup.ps1')
dotnet build (Join-Path $root 'Reversible.MLNet.sln') -c Release -v q --nologo
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
$options = @('--minimum-expected-tests', '1')
if ($Filter) { $options += @('--filter', $Filter) }
dotnet run --project (Join-Path $root 'test/Microsoft.ML.Reversible.Tests') -c Release --no-build -- @options
exit $LASTEXITCODE
