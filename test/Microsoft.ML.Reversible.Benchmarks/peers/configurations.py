"""The configurations to compare: presets, files and options."""
import dataclasses
import json
import shlex

_GPU = "--context-length 1024 --vocabulary-size 50304 --device cuda --precision bfloat16"


@dataclasses.dataclass(frozen=True)
class Run:
    """One program with its arguments. `program` is "peer" or "reversible"."""
    program: str
    label: str
    arguments: tuple


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Runs of this library, each of which is compared with each of the other runs."""
    name: str
    ours: tuple
    against: tuple

    def runs(self):
        """Returns all runs, alternating between this library and the others."""
        longest = max(len(self.ours), len(self.against))
        for i in range(longest):
            yield from self.against[i:i + 1]
            yield from self.ours[i:i + 1]


def peer(label, text):
    return Run("peer", label, tuple(shlex.split(text)))


def reversible(label, text):
    return Run("reversible", label, tuple(["bench", "--json", *shlex.split(text)]))


def _store(shape, batch, extra=""):
    return [peer(f"store, {p}", f"--mode store --precision {p} {shape} --batch {batch} {extra}") for p in ("autocast", "bf16")]


def _checkpoint(shape, batch, extra=""):
    return [peer(f"ckpt, {p}, chunked loss", f"--mode ckpt --precision {p} --chunk-loss 4096 {shape} --batch {batch} {extra}")
            for p in ("autocast", "bf16")]


def _searched(name, layers, width, heads, batch, peers):
    """Compares the reversible mode in bfloat16 with peers, each at its best batch."""
    theirs = f"--layers {layers} --width {width} --heads {heads} --context 1024 --vocab 50304"
    ours = f"--layer-count {layers} --width {width} --head-count {heads} --context-length 1024 --vocabulary-size 50304"
    runs = [run for make, first in peers for run in make(theirs, first, "--search")]
    return Configuration(
        name, (reversible("midpoint, reversible", f"{ours} --device cuda --precision bfloat16 --batch-size {batch} --search"),), tuple(runs))


def _wide():
    return [_searched(f"wide-512, {n} layers", n, 512, 8, 128, [(_store, 16), (_checkpoint, 64)]) for n in (96, 64, 32, 16)]


def _small():
    return [_searched("gpt2-small", 12, 768, 12, 128, [(_store, 16), (_checkpoint, 64)])]


def _large():
    return [_searched("gpt2-large", 36, 1280, 20, 64, [(_store, 8), (_checkpoint, 32)])]


def _cpu():
    theirs = "--layers 12 --width 256 --heads 4 --context 256 --vocab 8192 --batch 8"
    ours = "--layer-count 12 --width 256 --head-count 4 --context-length 256 --vocabulary-size 8192 --batch-size 8 --device cpu"
    return [
        Configuration("cpu, stored", (reversible("residual, stored", f"{ours} --scheme residual --backward-mode stored"),),
                      (peer("store", f"--mode store {theirs}"),)),
        Configuration("cpu, reversible", (reversible("midpoint, reversible", ours),), (peer("ckpt", f"--mode ckpt {theirs}"),)),
    ]


def _depth():
    return [
        Configuration(f"depth, {placement}, {layers} layers", (reversible(
            "midpoint, reversible",
            f"--layer-count {layers} --width 512 --head-count 8 --context-length 1024 --vocabulary-size 50304 --device cuda "
            f"--precision bfloat16 --batch-size 32 --steps 1 --optimizer-placement {placement}"),), ())
        for placement in ("after-backward", "inside-backward") for layers in (12, 24, 48, 96, 192)]


def _exact():
    shape = ("--layer-count 96 --width 512 --head-count 8 --context-length 1024 --vocabulary-size 50304 --device cuda "
             "--precision bfloat16 --batch-size 128")
    midpoint = reversible("midpoint, float", f"{shape} --arithmetic float")
    return [
        Configuration("exact, midpoint", (reversible("midpoint, exact", f"{shape} --arithmetic exact"),), (midpoint,)),
        # A blend cannot be run backwards in float; its float runs are stored or checkpointed.
        Configuration("exact, blend", (reversible("blend:16, exact", f"{shape} --scheme blend:16 --arithmetic exact"),), (
            midpoint,
            reversible("blend:16, float, checkpointed", f"{shape} --scheme blend:16 --arithmetic float --backward-mode checkpointed"))),
    ]


def _compiled():
    """Compares with plain training under torch.compile, at batches that fit it."""
    return [
        Configuration(f"compiled, {name}", (
            reversible("midpoint, reversible", f"{ours} --batch-size 128"),
            reversible("midpoint, layers kept", f"{ours} --batch-size 128 --kept-layer-count {kept}")),
            (peer("store compiled, bf16", f"--mode compile --precision bf16 {theirs} --context 1024 --vocab 50304 --batch {batch}"),))
        for name, ours, kept, theirs, batch in (
            ("96 layers", f"{_GPU} --layer-count 96 --width 512 --head-count 8", 30, "--layers 96 --width 512 --heads 8", 32),
            ("gpt2-small", f"{_GPU} --layer-count 12 --width 768 --head-count 12", 12, "--layers 12 --width 768 --heads 12", 128))]


def _deterministic():
    return [
        Configuration(f"deterministic, {name}", (
            reversible("deterministic, float", f"{shape} --arithmetic float --deterministic"),
            reversible("deterministic, exact", f"{shape} --arithmetic exact --deterministic")),
            (reversible("midpoint, float", f"{shape} --arithmetic float"),))
        for name, shape in (
            ("96 layers", f"{_GPU} --layer-count 96 --width 512 --head-count 8 --batch-size 128"),
            ("gpt2-small", f"{_GPU} --layer-count 12 --width 768 --head-count 12 --batch-size 128"))]


PRESETS = {"wide-512": _wide, "gpt2-small": _small, "gpt2-large": _large, "cpu": _cpu, "depth": _depth, "exact": _exact,
           "compiled": _compiled, "deterministic": _deterministic}


def from_file(path):
    """[{"name": .., "ours": {label: arguments}, "peers": {label: arguments}, "against": {label: our own other arguments}}, ..]"""
    with open(path, encoding="utf-8") as file:
        return [Configuration(
            entry["name"],
            tuple(reversible(*item) for item in entry["ours"].items()),
            tuple([*(peer(*item) for item in entry.get("peers", {}).items()),
                   *(reversible(*item) for item in entry.get("against", {}).items())])) for entry in json.load(file)]


def pair(number, theirs, ours):
    return Configuration(f"pair {number}", (reversible(ours, ours),), (peer(theirs, theirs),))


def with_options(run, changes):
    """Returns the run with options set to other values, e.g. {"reversible": "--steps 1"}."""
    arguments = list(run.arguments)
    for option, values in _options(shlex.split(changes.get(run.program, ""))):
        if option in arguments:
            start = arguments.index(option)
            end = next((i for i in range(start + 1, len(arguments)) if arguments[i].startswith("--")), len(arguments))
            del arguments[start:end]
        arguments += [option, *values]
    return dataclasses.replace(run, arguments=tuple(arguments))


def _options(words):
    for i, word in enumerate(words):
        if word.startswith("--"):
            end = next((j for j in range(i + 1, len(words)) if words[j].startswith("--")), len(words))
            yield word, words[i + 1:end]
