#!/usr/bin/env python3
"""Runs `reversible bench` and peers alternately on the same device, and prints one Markdown table with the ratios ours/other.

A peer is any program that accepts the options in configurations.py and prints JSON lines with the fields of `reversible bench --json`.

    python3 compare.py --peer gpt.py --reversible path/to/reversible --preset cpu --repeat 3
    python3 compare.py --peer gpt.py --reversible path/to/reversible --preset wide-512 --only "96 layers" --gpus 0 --results wide.jsonl
    python3 compare.py --preset wide-512 --results wide.jsonl --table
"""
import argparse
import collections
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import configurations
import results


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peer", help="the peer's Python file")
    p.add_argument("--python", default=sys.executable, help="the Python interpreter for the peer")
    p.add_argument("--reversible", help="the path of the program `reversible`")
    p.add_argument("--preset", nargs="+", default=[], choices=sorted(configurations.PRESETS))
    p.add_argument("--file", help="configurations as JSON; see configurations.from_file")
    p.add_argument("--pair", nargs=2, action="append", default=[], metavar=("PEER", "OURS"), help="arguments of both, each as one string")
    p.add_argument("--only", nargs="+", help="selects configurations whose name contains one of these texts")
    p.add_argument("--repeat", type=int, default=1, help="number of alternating runs of each; the table has medians")
    p.add_argument("--gpus", help="GPU numbers, separated by commas; each runs one configuration at a time")
    p.add_argument("--peer-options", default="", help="options to set or replace in all runs of peers")
    p.add_argument("--our-options", default="", help="options to set or replace in all runs of this library")
    p.add_argument("--time-limit", type=float, help="seconds after which running programs are stopped and no more are started")
    p.add_argument("--results", help="file to which results are appended, and from which earlier results are read")
    p.add_argument("--table", action="store_true", help="only prints the table of existing results")
    return p.parse_args()


class Comparison:
    def __init__(self, a, chosen):
        self.a, self.chosen = a, chosen
        self.deadline = time.monotonic() + a.time_limit if a.time_limit else None
        self.results = collections.defaultdict(list)
        self.lock = threading.Lock()
        self.children = set()
        self.stopped = False

    def load(self):
        if not self.a.results or not os.path.exists(self.a.results):
            return
        known = {(c.name, run) for c in self.chosen for run in c.runs()}
        others = 0
        with open(self.a.results, encoding="utf-8") as file:
            for entry in map(json.loads, file):
                run = configurations.Run(entry["program"], entry["label"], tuple(entry["arguments"]))
                if (entry["configuration"], run) in known:
                    self.results[entry["configuration"], run].append(entry["result"])
                else:
                    others += 1
        if others:
            print(f"{self.a.results}: {others} results of other configurations or arguments are left out", file=sys.stderr)

    def execute(self):
        gpus = self.a.gpus.split(",") if self.a.gpus else [None]
        waiting = queue.SimpleQueue()
        for configuration in self.chosen:
            waiting.put(configuration)
        workers = [threading.Thread(target=self.work, args=(waiting, gpu)) for gpu in gpus]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def work(self, waiting, gpu):
        while not self.over():
            try:
                configuration = waiting.get_nowait()
            except queue.Empty:
                return
            for _ in range(self.a.repeat):
                for run in configuration.runs():
                    if self.over():
                        return
                    self.add(configuration, run, gpu)

    def add(self, configuration, run, gpu):
        start = time.monotonic()
        result = self.measure(run, gpu)
        if result is None:
            return
        seconds = time.monotonic() - start
        shown = result.get("failure") or f"{result['tokens_per_s']:,.0f} tokens/s"
        entry = dict(configuration=configuration.name, program=run.program, label=run.label, arguments=run.arguments, gpu=gpu,
                     seconds=round(seconds, 1), result=result)
        with self.lock:
            print(f"{configuration.name}: {run.program}, {run.label}: {shown} ({seconds:.0f} s)", file=sys.stderr, flush=True)
            self.results[configuration.name, run].append(result)
            if self.a.results:
                with open(self.a.results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")

    def measure(self, run, gpu):
        """Returns a result, also for a program that fails or is stopped; None if the comparison was stopped."""
        program = [self.a.python, self.a.peer] if run.program == "peer" else [self.a.reversible]
        environment = dict(os.environ, **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}))
        try:
            child = subprocess.Popen(
                [*program, *run.arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                errors="replace", start_new_session=True)
        except OSError as e:
            return {"failure": str(e)}
        with self.lock:
            self.children.add(child)
        try:
            output, errors = child.communicate(timeout=self.deadline and max(0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            end(child)
            partial = results.read(child.communicate()[0])
            so_far = "nothing" if "failure" in partial else f"batch {partial['batch']}, {partial['tokens_per_s']:,.0f} tokens/s"
            return {"failure": f"cut off by the time limit, so far {so_far}"}
        finally:
            with self.lock:
                self.children.discard(child)
        if self.stopped:
            return None
        result = results.read(output)
        if "failure" in result and not result["failure"]:
            last = (errors.strip().splitlines() or ["no output"])[-1]
            result["failure"] = f"ended with {child.returncode}: {last[:200]}"
        return result

    def over(self):
        return self.stopped or (self.deadline is not None and time.monotonic() >= self.deadline)

    def stop(self, *_):
        self.stopped = True
        for child in list(self.children):
            end(child)


def end(child):
    """Ends a run with all processes that it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def machine(a, measured):
    gpus = said("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader").splitlines()
    torch = said(a.python, "-c", "import torch; print(torch.__version__)") if a.peer else ""
    device = f"{len(gpus)} x {gpus[0].replace(', ', ', driver ')}" if gpus else processor()
    libtorch = sorted({result["libtorch"] for runs in measured.values() for result in runs if "libtorch" in result})
    return ", ".join([device, f"{os.cpu_count()} cores", *([f"the peers' torch {torch}"] if torch else []),
                      *(f"our libtorch {version}" for version in libtorch)])


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return "CPU"


def chosen_configurations(a):
    chosen = [c for preset in a.preset for c in configurations.PRESETS[preset]()]
    chosen += configurations.from_file(a.file) if a.file else []
    chosen += [configurations.pair(i + 1, *pair) for i, pair in enumerate(a.pair)]
    if a.only:
        chosen = [c for c in chosen if any(text in c.name for text in a.only)]
    changes = {"peer": a.peer_options, "reversible": a.our_options}
    return [configurations.Configuration(
        c.name, *(tuple(configurations.with_options(run, changes) for run in runs) for runs in (c.ours, c.against))) for c in chosen]


def main():
    a = options()
    chosen = chosen_configurations(a)
    if not chosen:
        sys.exit("Nothing to compare: --preset, --file or --pair names configurations.")
    programs = {run.program for c in chosen for run in c.runs()}
    for program, path in (("peer", a.peer), ("reversible", a.reversible)):
        if program in programs and not path and not a.table:
            sys.exit(f"--{program} is missing.")
    comparison = Comparison(a, chosen)
    comparison.load()
    if not a.table:
        signal.signal(signal.SIGTERM, comparison.stop)
        signal.signal(signal.SIGINT, comparison.stop)
        comparison.execute()
    print(f"{machine(a, comparison.results)}; medians of alternating runs. On a GPU our peak is the driver's figure with its context, "
          "that of a peer what its allocator reports; for a search it is that of the largest batch, and the rest is of the fastest.\n")
    print(results.table(chosen, comparison.results))


if __name__ == "__main__":
    main()
