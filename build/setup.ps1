# The nuget half of build/setup.sh: checks that the feed serves the packages; there are no stand-ins here.
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
Push-Location $root
try {
    if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
        throw 'Missing: the .NET 10 SDK. Install it from https://dotnet.microsoft.com/download and put dotnet on the PATH.'
    }
    $said = dotnet restore build/probe/Probe.csproj -v q
    if ($LASTEXITCODE -ne 0) {
        $said | Write-Host
        throw 'The package feeds configured here do not serve Microsoft.ML, Microsoft.ML.Tokenizers and TorchSharp; see the lines above.'
    }
}
finally {
    Pop-Location
}
