"""Reads the output of runs, and builds the table."""
import json
import statistics


def read(output):
    """Combines the JSON lines of a run into one result: tokens_per_s, peak_gib, batch, largest_batch, or why they are missing."""
    rows = [row for row in map(_json, output.splitlines()) if row]
    measured = [row for row in rows if row.get("tokens_per_s")]
    found = next((row for row in reversed(rows) if "largest_batch" in row), None)
    if found is None:
        if not measured:
            return {"failure": _why_not(rows[-1]) if rows else None}
        best = measured[-1]
        return {**_picked(best), "batch": best.get("batch")}
    if not measured or not found["largest_batch"]:
        return {"failure": _why_not(rows[0])}
    best = max(measured, key=lambda row: row["tokens_per_s"])
    if found.get("best_batch"):
        best = next(row for row in reversed(measured) if row["batch"] == found["best_batch"])
    largest = next(row for row in measured if row["batch"] == found["largest_batch"])
    return {**_picked(best), "tokens_per_s": found["best_tokens_per_s"], "peak_gib": largest.get("peak_gib"), "batch": best.get("batch"),
            "largest_batch": found["largest_batch"]}


def median(results):
    """Returns the median of each number over repeated runs, their count, and the reason of the last failure."""
    good = [result for result in results if "failure" not in result]
    if not good:
        return {"failure": next((r["failure"] for r in reversed(results) if r.get("failure")), "not run")}
    keys = ("tokens_per_s", "samples_per_s", "peak_gib", "fixed_gib", "batch", "largest_batch")
    values = {key: [result[key] for result in good if result.get(key) is not None] for key in keys}
    return {"runs": len(good), **{key: statistics.median(value) for key, value in values.items() if value}}


def table(configurations, results):
    """Returns Markdown with a row for each run of ours and each other run of its configuration. `results` maps (name, run) to a list."""
    head = ["configuration", "ours", "against", "batch", "of the other", "tokens/s", "of the other", "ratio", "samples/s", "of the other",
            "peak, GiB", "of the other", "ratio", "beyond weights, gradients, optimizer", "largest batch", "of the other", "ratio", "runs"]
    rows = []
    for configuration in configurations:
        for own in configuration.ours:
            mine = median(results.get((configuration.name, own), []))
            for other in configuration.against or (None,):
                theirs = median(results.get((configuration.name, other), [])) if other else {}
                rows.append([
                    configuration.name, _named(own, mine), _named(other, theirs) if other else "",
                    _number(mine, "batch", 0), _number(theirs, "batch", 0),
                    *_beside(mine, theirs, "tokens_per_s", 0),
                    _number(mine, "samples_per_s", 2), _number(theirs, "samples_per_s", 2),
                    *_beside(mine, theirs, "peak_gib", 2),
                    f"{mine['peak_gib'] - mine['fixed_gib']:.2f}" if "fixed_gib" in mine and "peak_gib" in mine else "",
                    *_beside(mine, theirs, "largest_batch", 0),
                    "/".join(str(part.get("runs", 0)) for part in ((mine, theirs) if other else (mine,))),
                ])
    used = [i for i in range(len(head)) if any(row[i] for row in rows)]
    lines = [[row[i] for i in used] for row in (head, ["---"] * len(head), *rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _beside(mine, theirs, key, digits):
    ratio = f"{mine[key] / theirs[key]:.3f}" if mine.get(key) and theirs.get(key) else ""
    return [_number(mine, key, digits), _number(theirs, key, digits), ratio]


def _number(values, key, digits):
    return f"{values[key]:,.{digits}f}" if key in values else ""


def _named(run, values):
    text = run.label + (f" ({values['failure']})" if "failure" in values else "")
    return text.replace("|", "/").replace("\n", " ")


def _picked(row):
    return {key: row[key] for key in ("tokens_per_s", "samples_per_s", "peak_gib", "fixed_gib", "libtorch") if row.get(key) is not None}


def _why_not(row):
    return "out of memory" if row.get("out_of_memory") else row.get("conflict") or row.get("error") or "no result"


def _json(line):
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
