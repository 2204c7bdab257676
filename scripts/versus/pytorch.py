"""Compares gleaner and PyTorch: training steps from the same weights on the same batches.

The first call makes a virtual environment in `.bench-venv` (ignored by git) with the versions pinned below. On Linux the registry's
wheel of PyTorch brings CUDA along, about 2 GB; only the processor is used. Both lists of losses are kept: figures of runs whose losses
differ mean nothing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from versus.common import ROOT, gleaner, machine, output, save, say

PINNED = ["torch==2.15.0", "numpy==2.4.6", "safetensors==0.8.0"]
STEPS = {"tiny": 10, "canonical": 10, "medium": 3, "large": 2}
MODES = ["eager", "compile", "bf16"]
OURS = {"canonical": ["", "avx2"]}
BATCH = {"tiny": 2, "canonical": 8, "medium": 8, "large": 4}
CURVE_STEPS = 200


def flags(parser):
    parser.add_argument("--sizes", nargs="*", default=["canonical", "medium", "large"], choices=list(STEPS))
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--modes", nargs="*", default=MODES, choices=MODES,
                        help="of PyTorch; compile at canonical only. Without bf16 instructions bf16 takes a quarter of a minute a step")
    parser.add_argument("--rounds", type=int, default=2, help="of canonical; larger sizes have one")
    parser.add_argument("--text", type=Path, help="what the curve of losses reads [default: this repository's documents]")
    parser.add_argument("--no-curve", action="store_true")
    parser.add_argument("--python", type=Path, help="an interpreter that has torch and safetensors already")


def interpreter(given):
    if given:
        return given
    folder = ROOT / ".bench-venv"
    program = folder / "bin" / "python"
    if not (folder / "ready").exists():
        say(f"installing {', '.join(PINNED)} into {folder.name}")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([program, "-m", "pip", "install", "--quiet", *PINNED], check=True)
        (folder / "ready").touch()
    return program


class Bench:
    """Both programs, with the options that all their runs share."""

    def __init__(self, arguments, scratch):
        self.arguments, self.scratch = arguments, scratch
        self.python, self.gleaner = interpreter(arguments.python), gleaner(arguments)

    def start(self, folder, size, steps, text=None):
        text = ["--text", text] if text else []
        command = [self.gleaner, "bench", "train", "--size", size, "--steps", steps, *text, "--save-start", folder]
        output([str(part) for part in command])
        (folder / "batch").write_text(str(BATCH[size]))

    def ours(self, size, threads, steps, isa="", text=None):
        flags = ["--size", size, "--threads", threads, "--steps", steps, *(["--isa", isa] if isa else [])]
        command = ["bench", "train", *map(str, flags), "--json"]
        document = json.loads(output([str(self.gleaner), *command, *(["--text", str(text)] if text else [])]))
        shown = " ".join(["gleaner", *command, *(["--text", "TEXT"] if text else [])])
        return {"who": "gleaner " + document["isa"], "command": shown, **document}

    def theirs(self, folder, size, mode, threads, steps):
        flags = ["--mode", mode, "--threads", str(threads), "--steps", str(steps)]
        script = "scripts/reference/pytorch_step.py"
        count = str(threads)
        text = output([str(self.python), str(ROOT / script), str(folder), *flags], OMP_NUM_THREADS=count, MKL_NUM_THREADS=count)
        shown = " ".join(["python", script, "START", *flags])
        return {"who": f"PyTorch {mode}", "command": shown, "workload": {"name": size}, **json.loads(text)}

    def measure(self, size):
        runs = []
        steps, folder = STEPS[size], self.scratch / size
        self.start(folder, size, 1)
        rounds = self.arguments.rounds if size == "canonical" else 1
        for threads in self.arguments.threads:
            for turn in range(rounds):
                turns = [lambda isa=isa: self.ours(size, threads, steps, isa) for isa in OURS.get(size, [""])]
                modes = [mode for mode in self.arguments.modes if size == "canonical" or mode != "compile"]
                for mode in modes:
                    turns.append(lambda mode=mode: self.theirs(folder, size, mode, threads, steps))
                for run in turns:
                    runs.append({**run(), "round": turn})
                    last = runs[-1]
                    say(f"{size} {threads} threads round {turn}: {last['who']}: {last['cpu_ms_per_step']:.0f} CPU ms, "
                        f"{last['ms_per_step']['best']:.0f} ms at best, {last['losses'][0]:.5f} to {last['losses'][-1]:.5f}")
        return runs

    def curve(self):
        text = self.arguments.text
        if text is None:
            text = self.scratch / "text"
            pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
            text.write_text("\n".join(page.read_text() for page in pages))
        say(f"{CURVE_STEPS} steps on {text.name}")
        folder, threads = self.scratch / "curve", max(self.arguments.threads)
        self.start(folder, "canonical", CURVE_STEPS, text)
        us, them = self.ours("canonical", threads, CURVE_STEPS, text=text), self.theirs(folder, "canonical", "eager", threads, CURVE_STEPS)
        gaps = [abs(a - b) / b * 100 for a, b in zip(us["losses"], them["losses"])]
        last = lambda losses: sum(losses[-20:]) / 20
        summary = {
            "largest_difference_percent": max(gaps),
            "difference_of_last_20_percent": (last(us["losses"]) / last(them["losses"]) - 1) * 100,
        }
        say(f"curve: {summary}, last 20: {last(us['losses']):.5f} and {last(them['losses']):.5f}")
        return {"text": text.name, **summary, "runs": [us, them]}


def row(runs):
    first = runs[0]
    memory = max(run["peak_memory_bytes"] for run in runs) / 1e6
    cpu = " / ".join(f"{run['cpu_ms_per_step']:.0f}" for run in runs)
    best = min(run["ms_per_step"]["best"] for run in runs)
    ends = f"{first['losses'][0]:.5f} → {first['losses'][-1]:.5f}"
    return f"| {first['workload']['name']} | {first['threads']} | {first['who']} | {cpu} | {best:.0f} | {memory:.0f} | {ends} |"


def table(runs):
    groups = {}
    for run in runs:
        groups.setdefault((run["workload"]["name"], run["threads"], run["who"]), []).append(run)
    head = "| size | threads | who | CPU ms a step, each round | best wall ms | peak RSS, MB | loss, first → last step |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    return head + "\n".join(row(group) for group in groups.values()) + "\n"


def run(arguments):
    document = {"machine": machine(), "pinned": PINNED, "runs": []}
    # Written after each part, so that a stopped run leaves its results.
    keep = lambda: save(arguments.date, "pytorch", document, table(document["runs"]))
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(arguments, Path(name))
        for index, size in enumerate(arguments.sizes):
            document["runs"] += bench.measure(size)
            keep()
            if index == 0 and not arguments.no_curve:
                document["curve"] = bench.curve()
                keep()
    print(table(document["runs"]), end="")
