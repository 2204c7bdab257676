"""Compares gleaner and anvil: signed transfers over JSON-RPC and their receipts, by the same sender (`gleaner bench ledger`).

anvil is installed from the npm registry into `.bench-npm` (ignored by git). By default it mines a block for each transaction; it is also
measured with an interval, which is its quickest way: in blocks of 0.2 s it takes the most of the intervals that were tried.
"""

import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from versus.common import ROOT, gleaner, machine, output, save, say

PINNED = "@foundry-rs/anvil@1.7.1"
SENDERS = 64
GAS_LIMIT = 1_000_000_000
# Name, flags of anvil, transfers that it can execute in reasonable time, and flags of the sender. Without an interval anvil stops mining when more
# transactions wait than there are senders, until another arrives, so there are never that many outstanding.
ANVIL = [
    ("anvil", [], 2_000, ["--unanswered", "32"]),
    ("anvil --block-time 0.2", ["--block-time", "0.2"], 20_000, []),
    ("anvil --block-time 0.2, batches", ["--block-time", "0.2"], 20_000, ["--batch", "100", "--connections", "8"]),
]
OURS = [
    ("gleaner", 50_000, []),
    ("gleaner, batches", 50_000, ["--batch", "100", "--connections", "8"]),
]


def flags(parser):
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--anvil", type=Path, help="a program [default: installed from the registry]")


def installed(given):
    if given:
        return given
    folder = ROOT / ".bench-npm"
    found = lambda: sorted(folder.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    if not found():
        say(f"installing {PINNED} into {folder.name}")
        folder.mkdir(exist_ok=True)
        subprocess.run(["npm", "install", "--no-save", "--ignore-scripts", "--prefix", folder, PINNED], check=True, stdout=subprocess.DEVNULL)
    return found()[0]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def load(program, transfers, flags):
    command = ["bench", "ledger", "--senders", str(SENDERS), "--transfers", str(transfers), *flags, "--json"]
    return {"command": " ".join(["gleaner", *command]), **json.loads(output([str(program), *command]))}


def against_anvil(anvil, program, flags, transfers, load_flags):
    port = free_port()
    command = [str(anvil), "--port", str(port), "--accounts", str(SENDERS), "--gas-limit", str(GAS_LIMIT), "--silent", *flags]
    with tempfile.TemporaryDirectory() as home:
        node = subprocess.Popen(command, cwd=home)
        try:
            wait_for(port)
            return load(program, transfers, ["--rpc", f"127.0.0.1:{port}", *load_flags])
        finally:
            node.kill()
            node.wait()


def wait_for(port):
    for _ in range(200):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def table(runs):
    groups = {}
    for run in runs:
        groups.setdefault(run["who"], []).append(run)
    lines = ["| who | transfers/s, each round | ms to receipt at half of that: median | p99 |", "| --- | --- | --- | --- |"]
    for who, group in groups.items():
        rates = " / ".join(f"{run['saturated']['transfers_per_second']:.0f}" for run in group)
        middle = " / ".join(f"{run['paced']['ms_to_receipt']['median']:.0f}" for run in group)
        slow = " / ".join(f"{run['paced']['ms_to_receipt']['p99']:.0f}" for run in group)
        lines.append(f"| {who} | {rates} | {middle} | {slow} |")
    return "\n".join(lines) + "\n"


def run(arguments):
    anvil, program = installed(arguments.anvil), gleaner(arguments)
    document = {"machine": machine(), "pinned": PINNED, "anvil": output([str(anvil), "--version"]).strip(), "runs": []}
    for turn in range(arguments.rounds):
        turns = [(who, lambda rest=rest: load(program, *rest)) for who, *rest in OURS]
        turns += [(who, lambda rest=rest: against_anvil(anvil, program, *rest)) for who, *rest in ANVIL]
        for who, measure in turns:
            document["runs"].append({"who": who, "round": turn, **measure()})
            last = document["runs"][-1]
            say(f"round {turn}: {who}: {last['saturated']['transfers_per_second']:.0f} transfers/s, "
                f"p99 at half of that {last['paced']['ms_to_receipt']['p99']:.0f} ms")
            save(arguments.date, "anvil", document, table(document["runs"]))
    print(table(document["runs"]), end="")
