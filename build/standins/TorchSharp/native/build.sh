#!/usr/bin/env bash
# Builds libTorchStandIn.so:  build.sh OUTPUT_FOLDER
# Uses Debian's libtorch-dev, or the libtorch whose folder LIBTORCH names (a PyTorch install's torch/ folder will do).
# Does nothing when neither the sources nor the libtorch changed since the last build into that folder.
set -euo pipefail
# The stamp below must not depend on the caller's sorting and dates.
export LC_ALL=C

out=${1:?usage: build.sh OUTPUT_FOLDER}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
library=libTorchStandIn.so
cxx=${CXX:-g++}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# The form that MSBuild shows as an error of its own.
fail() { echo "TorchSharp stand-in : error : $1" >&2; exit 1; }

if [[ -n ${LIBTORCH:-} ]]; then
    include=("-I$LIBTORCH/include" "-I$LIBTORCH/include/torch/csrc/api/include")
    libraries="$LIBTORCH/lib"
    header="$LIBTORCH/include/ATen/ATen.h"
    version_header="$LIBTORCH/include/torch/csrc/api/include/torch/version.h"
    missing="LIBTORCH=$LIBTORCH holds no include/ATen/ATen.h; name the torch folder of a PyTorch install or an unpacked libtorch"
else
    include=("-I/usr/include/torch/csrc/api/include")
    libraries="/usr/lib/$(uname -m)-linux-gnu"
    header=/usr/include/ATen/ATen.h
    version_header=/usr/include/torch/csrc/api/include/torch/version.h
    missing="the headers of libtorch are missing: apt-get install -y g++ libtorch-dev, or set LIBTORCH to an installed libtorch"
fi
command -v "$cxx" >/dev/null || fail "the compiler $cxx is missing: apt-get install -y g++ libtorch-dev"
[[ -f $header ]] || fail "$missing"
[[ -f $libraries/libtorch_cpu.so ]] || fail "$libraries/libtorch_cpu.so is missing: apt-get install -y libtorch-dev, or set LIBTORCH"

sources=("$here"/*.cpp)
stamp=$({
    cat "$here"/*.cpp "$here"/*.h "$here/build.sh" "$version_header"
    echo "$cxx $libraries"
    stat -Lc '%s %Y' "$libraries/libtorch_cpu.so"
    ls "$libraries/openblas-openmp" 2>/dev/null || true
} | sha256sum | cut -d' ' -f1)
current() { [[ -f $out/$library && -f $out/stamp && $(<"$out/stamp") == "$stamp" ]]; }

current && exit 0
exec 9>"$out/lock"
flock 9
# Another build may have finished while this one waited.
current && exit 0

work=$(mktemp -d "$out/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

abi=()
if [[ -n ${LIBTORCH:-} ]]; then
    # A std::string in a mangled name tells which ABI the library was built with.
    if grep -qa '_ZN3c105ErrorC1ENS_14SourceLocationESs' "$LIBTORCH/lib/libc10.so"; then abi=(-D_GLIBCXX_USE_CXX11_ABI=0)
    else abi=(-D_GLIBCXX_USE_CXX11_ABI=1); fi
fi
# Debian's libtorch runs its threads by the compiler's own OpenMP; a PyTorch install brings another, which must not be loaded twice.
openmp=()
if [[ -z ${LIBTORCH:-} ]]; then openmp=(-fopenmp); fi
flags=(-std=c++17 -O2 -fPIC -fvisibility=hidden -w "${openmp[@]}" "${abi[@]}" "${include[@]}")
printf '%s\0' "${sources[@]}" | xargs -0 -P 2 -I{} bash -c 'source=$1; work=$2; shift 2; "$@" -c "$source" -o "$work/$(basename "$source" .cpp).o"' \
    _ {} "$work" "$cxx" "${flags[@]}" || fail "the native part did not compile against $libraries"

link=("${openmp[@]}" -ltorch -ltorch_cpu -lc10)
if [[ -f $libraries/libtorch_cuda.so ]]; then link=(-Wl,--no-as-needed -ltorch_cuda -lc10_cuda "${link[@]}"); fi
# OpenBLAS on OpenMP shares libtorch's threads; with threads of its own the two sets spin against each other for the same cores.
# An old-style rpath counts for the libraries that libtorch loads, too.
path=$libraries
if [[ -z ${LIBTORCH:-} && -f $libraries/openblas-openmp/libblas.so.3 ]]; then path=$libraries/openblas-openmp:$libraries; fi
"$cxx" -shared "$work"/*.o -o "$work/$library" "-L$libraries" "-Wl,--disable-new-dtags,-rpath,$path" -Wl,-z,defs "${link[@]}" ||
    fail "the native part did not link against $libraries"
mv -f "$work/$library" "$out/$library"
echo "$stamp" > "$work/stamp"
mv -f "$work/stamp" "$out/stamp"
