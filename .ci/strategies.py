"""Runs `gleaner experiment strategies --json` and checks that no way of cheating gains and nobody honest is harmed.

usage: strategies.py PATH_TO_GLEANER RUNS
"""

import json
import subprocess
import sys

KEYS = {"name", "runs", "gain", "gain_low", "gain_high", "honest_harmed"}
# An honest row gains nothing against itself; with few runs an interval may reach a little above nothing.
SLACK = 0.02


def need(condition, message):
    if not condition:
        sys.exit(f"strategies.py: {message}")


def main():
    program, runs = sys.argv[1:]
    command = [program, "experiment", "strategies", "--runs", runs, "--seed", "1", "--json"]
    document = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    rows = document["strategies"]
    need(len(rows) >= 20, f"only {len(rows)} strategies")
    for row in rows:
        need(KEYS <= set(row), f"a row lacks {sorted(KEYS - set(row))}")
        need(row["honest_harmed"] == 0, f"{row['name']}: {row['honest_harmed']} honest devices are harmed")
        need(row["gain"] <= SLACK, f"{row['name']} gains {row['gain']}")
    best = max(rows, key=lambda row: row["gain"])
    print(f"{len(rows)} strategies, {runs} runs each: the best gains {best['gain']:.4f} ({best['name']})")


main()
