"""Compares Uniswap v2 and v3 as native modules and as the contracts' bytecode, in one process, in turn, on one core.

Factories, routers, position manager, and a plain ERC-20 come from the npm registry into `.bench-npm/uniswap` (ignored by git); nothing of theirs runs at
installation. What a call is, and what is not timed, stands in `crates/execution/examples/uniswap_speed/main.rs`.
"""

import json
import shutil
import statistics
import subprocess

from versus.common import ROOT, machine, output, save, say

PINNED = [
    "solc@0.8.37",
    "@openzeppelin/contracts@5.4.0",
    "@uniswap/v2-core@1.0.1",
    "@uniswap/v2-periphery@1.1.0-beta.0",
    "@uniswap/v3-core@1.0.1",
    "@uniswap/v3-periphery@1.4.4",
]
GOALS = {"one transaction": 10, "whole transactions": 4}


def flags(parser):
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--core", type=int, default=0, help="the core that all of it runs on")


def installed():
    folder = ROOT / ".bench-npm" / "uniswap"
    if not (folder / "node_modules").exists():
        say(f"installing {', '.join(PINNED)} into {folder.relative_to(ROOT)}")
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(["npm", "install", "--no-save", *quiet, "--prefix", folder, *PINNED], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(ROOT / "scripts" / "reference" / "uniswap_speed.mjs", folder)
    subprocess.run(["node", "uniswap_speed.mjs", "code"], cwd=folder, check=True)
    return folder / "code"


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:.1f}"


def ratio(row):
    """How many times as fast native is: the median over the rounds, in each of which both ran, and the quarters."""
    pairs = zip(row["nanoseconds"]["native"], row["nanoseconds"]["bytecode"], strict=True)
    return statistics.quantiles([bytecode / native for native, bytecode in pairs], n=4)


def median(row, side):
    return statistics.median(row["nanoseconds"][side])


def table(rows):
    """The measurements of each mode and kind of asset. What the loop and its `CALL` take is part of a call; the last column leaves it out on both sides."""
    lines = []
    for mode, goal in GOALS.items():
        for assets in dict.fromkeys(row["assets"] for row in rows):
            chosen = [row for row in rows if (row["mode"], row["assets"]) == (mode, assets)]
            nothing = [row for row in chosen if row["operation"] == "nothing"]
            lines += [f"\n{mode}, {assets}; the goal is {goal} times", ""]
            lines += [
                "| operation | native, us | bytecode, us | times: median | quarters | gas, native | gas, bytecode | times without `nothing` |",
                "| --- | --- | --- | --- | --- | --- | --- | --- |",
            ]
            for row in chosen:
                native, bytecode = median(row, "native"), median(row, "bytecode")
                low, middle, high = ratio(row)
                alone = ""
                if nothing and row not in nothing:
                    alone = f"{(bytecode - median(nothing[0], 'bytecode')) / (native - median(nothing[0], 'native')):.1f}"
                figures = f"{microseconds(native)} | {microseconds(bytecode)} | {middle:.1f} | {low:.1f} to {high:.1f}"
                lines.append(f"| {row['operation']} | {figures} | {row['gas']['native']} | {row['gas']['bytecode']} | {alone} |")
    return "\n".join(lines).lstrip("\n") + "\n"


def across(rows):
    """What a call costs when nothing is native, and when everything is: contract and ERC-20 in bytecode, module and issued asset."""
    key = lambda row: (row["mode"], row["operation"])
    deployed = {key(row): row for row in rows if row["assets"] == "deployed ERC-20"}
    lines = ["\nbytecode with deployed ERC-20s against native with issued assets", "", "| operation | mode | native, us | bytecode, us | times |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        other = deployed[key(row)]
        if row["assets"] != "issued asset" or row["operation"] == "nothing":
            continue
        native, bytecode = median(row, "native"), median(other, "bytecode")
        lines.append(f"| {row['operation']} | {row['mode']} | {microseconds(native)} | {microseconds(bytecode)} | {bytecode / native:.1f} |")
    return "\n".join(lines) + "\n"


def run(arguments):
    code = installed()
    build = ["cargo", "build", "--release", "--quiet", "-p", "execution", "--example", "uniswap_speed"]
    subprocess.run(build, cwd=ROOT, check=True)
    facts = machine()
    program = ROOT / "target" / "release" / "examples" / "uniswap_speed"
    measured = json.loads(output(["taskset", "-c", str(arguments.core), str(program), str(code), str(arguments.rounds)]))
    document = {"machine": facts, "pinned": PINNED, **measured}
    text = table(measured["rows"]) + across(measured["rows"])
    save(arguments.date, "uniswap", document, text)
    print(text, end="")
    dearer = [row for row in measured["rows"] if row["gas"]["native"] > row["gas"]["bytecode"]]
    for row in dearer:
        say(f"{row['operation']}, {row['mode']}, {row['assets']}: gas {row['gas']['native']} above {row['gas']['bytecode']}")
    raise SystemExit(1 if dearer else 0)
