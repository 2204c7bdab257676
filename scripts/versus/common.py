"""Shared parts of the comparisons: this machine, our program, and the folder of figures."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def say(words):
    print(words, file=sys.stderr, flush=True)


def gleaner(arguments):
    if arguments.gleaner:
        return arguments.gleaner.resolve()
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release" / "gleaner"


def output(command, **environment):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}).stdout


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    wanted = ("avx2", "fma", "avx512f", "avx512_bf16")
    return {
        "processor": facts.get("model name", platform.processor()),
        "family": facts.get("cpu family"),
        "model": facts.get("model"),
        "cores": os.cpu_count(),
        "flags": [flag for flag in facts.get("flags", "").split() if flag in wanted],
        "load_before": os.getloadavg()[0],
        "system": platform.system(),
        "commit": output(["git", "-C", str(ROOT), "rev-parse", "HEAD"]).strip(),
        "rustc": output(["rustc", "--version"]).strip(),
        "python": platform.python_version(),
    }


def save(date, name, document, table):
    folder = ROOT / "bench" / date
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / f"{name}.md").write_text(table)
