#!/usr/bin/env bash
# Decides where Microsoft.ML, Microsoft.ML.Tokenizers and TorchSharp come from, and installs what that needs.
#   bash build/setup.sh            decides (or keeps the remembered decision) and says so in a line
#   bash build/setup.sh --probe    asks the feed again
#   bash build/setup.sh --quiet    speaks only of what is new
# The decision is remembered in build/packages.local.props; the variable ReversiblePackages (nuget or standin) overrides it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
decision=build/packages.local.props
quiet=false

fail() { echo "$1" >&2; exit 1; }
recorded() { sed -n "s:.*<$1[^>]*>\(.*\)</$1>.*:\1:p" "$decision"; }
version_of() { sed -n "s/.*Include=\"$1\" Version=\"\([^\"]*\)\".*/\1/p" Directory.Packages.props; }

# MSBuild runs this script too, and a dotnet started below it must not take up its settings.
forget_outer_msbuild() {
    local name
    for name in $(compgen -e); do
        case "$name" in MSBUILDDISABLENODEREUSE) ;; [Mm][Ss][Bb][Uu][Ii][Ll][Dd]*) unset "$name" ;; esac
    done
}

why_not() {
    local package
    for package in Microsoft.ML Microsoft.ML.Tokenizers TorchSharp; do
        if grep -q -E "NU11[0-9]{2}: .* $package( |\.( |\$))|NU1603: .* depends on $package " "$1"; then
            echo "the feed has no $package $(version_of "$package")"
            return
        fi
    done
    echo "the feed gave no answer; bash build/setup.sh --probe asks again"
}

probe() {
    local work mode=standin reason=""
    work=$(mktemp -d)
    if (forget_outer_msbuild
        dotnet restore build/probe/Probe.csproj -v q --disable-build-servers -nodeReuse:false "-p:BaseIntermediateOutputPath=$work/obj/" >"$work/log" 2>&1); then
        mode=nuget
    else
        reason=$(why_not "$work/log")
    fi
    cat >"$work/props" <<EOF
<Project>
  <PropertyGroup>
    <ReversiblePackages Condition="'\$(ReversiblePackages)' == ''">$mode</ReversiblePackages>
    <ReversiblePackagesReason>$reason</ReversiblePackagesReason>
  </PropertyGroup>
</Project>
EOF
    # Moved into place, since another build may be reading it.
    cp "$work/props" "$decision.$$" && mv "$decision.$$" "$decision"
    rm -rf "$work"
}

installed() { [[ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]; }

missing_packages() {
    command -v "${CXX:-g++}" >/dev/null || echo g++
    [[ -z "${LIBTORCH:-}" ]] || return 0
    installed libtorch-dev || echo libtorch-dev
    # Without it libtorch runs on the slow reference BLAS, or on one whose threads spin against libtorch's own.
    installed libopenblas0-openmp || echo libopenblas0-openmp
}

install_missing() {
    local missing log root=()
    if [[ -n "${LIBTORCH:-}" && ! -d "$LIBTORCH/include" ]]; then
        fail "LIBTORCH names '$LIBTORCH', which has no include folder: name an unpacked libtorch or the torch folder of a PyTorch install."
    fi
    missing=$(missing_packages | xargs)
    [[ -n "$missing" ]] || return 0
    if ! command -v apt-get >/dev/null; then
        fail "Missing: $missing. Without apt, install a C++ compiler and set LIBTORCH to an unpacked libtorch, for example: export LIBTORCH=\$HOME/libtorch"
    fi
    if [[ "$(id -u)" != 0 ]]; then
        sudo -n true 2>/dev/null || fail "Missing: $missing. Install with: sudo apt-get update && sudo apt-get install -y $missing"
        root=(sudo -n)
    fi
    echo "Installing $missing with apt"
    log=$(mktemp)
    # shellcheck disable=SC2086 # one word a package
    if ! { "${root[@]}" apt-get update -qq &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $missing; } >"$log" 2>&1; then
        cat "$log" >&2
        fail "apt could not install $missing. Try: apt-get update && apt-get install -y $missing, or set LIBTORCH to an unpacked libtorch."
    fi
    rm -f "$log"
    missing=$(missing_packages | xargs)
    [[ -z "$missing" ]] || fail "Missing after the installation: $missing. Is it on the PATH?"
}

for argument in "$@"; do
    case "$argument" in
        --probe) rm -f "$decision" ;;
        --quiet) quiet=true ;;
        *) fail "build/setup.sh takes --probe and --quiet, not '$argument'." ;;
    esac
done

command -v dotnet >/dev/null || fail "Missing: the .NET 10 SDK. Install it from https://dotnet.microsoft.com/download and put dotnet on the PATH."

mode=${ReversiblePackages:-}
reason="ReversiblePackages is set"
if [[ -z "$mode" ]]; then
    if [[ ! -e "$decision" || -z "$(recorded ReversiblePackages)" ]]; then
        dotnet --version >/dev/null 2>&1 || fail "Missing: the .NET 10 SDK (dotnet is here, but no SDK that global.json accepts). Install it from https://dotnet.microsoft.com/download."
        probe
        quiet=false
    fi
    mode=$(recorded ReversiblePackages)
    reason=$(recorded ReversiblePackagesReason)
fi

case "$mode" in
    nuget) line="Packages: Microsoft.ML $(version_of Microsoft.ML), Microsoft.ML.Tokenizers $(version_of Microsoft.ML.Tokenizers), TorchSharp $(version_of TorchSharp), from the feed" ;;
    standin) line="Packages: stand-ins on ${LIBTORCH:-the installed libtorch}${reason:+ ($reason)}" ;;
    *) fail "ReversiblePackages is '$mode'; it can be nuget or standin." ;;
esac
$quiet || echo "$line"
[[ "$mode" == nuget ]] || install_missing
