"""Runs a short `gleaner demo --json` on a corpus it writes itself, then checks what came out and that nothing was left behind.

usage: demo.py PATH_TO_GLEANER SCRATCH_FOLDER [demo flags ...]
"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

# The keys every user of the document may rely on.
KEYS = {
    "chain": {"height", "state_root"},
    "run": {"id", "rounds_completed", "tokens_verified", "loss_initial", "loss_final", "model_path", "model_digest"},
    "traffic": {"update_bytes_up", "update_bytes_down", "fp32_every_step_bytes"},
    "audits": {"performed", "passed", "failed"},
    "escrow": {"deposited", "paid", "refunded"},
}
PAYOUT_KEYS = {"account", "device", "tokens_verified", "paid", "standing"}
SECONDS_MAX = 300


def need(condition, message):
    if not condition:
        sys.exit(f"demo.py: {message}")


def write_corpus(path):
    """About 200 kB of plain sentences: regular enough that a few rounds teach something."""
    pick = random.Random(7).choice
    who = ["the miller", "a child", "her neighbour", "the old man", "one of the reapers", "the widow"]
    does = ["gathers", "carries", "counts", "leaves", "finds", "keeps", "shares"]
    what = ["the barley", "what is left", "a handful of grain", "the last sheaf", "every ear of wheat"]
    where = ["at the edge of the field", "behind the barn", "before the rain", "in the evening", "when the harvest is in"]
    lines = (f"{pick(who)} {pick(does)} {pick(what)} {pick(where)}.".capitalize() for _ in range(3500))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def processes_of(session, folder):
    """Processes of the demo's session, and any other that names its folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            # After the name in parentheses: state, parent, group, session.
            state, _, _, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if state != "Z" and (int(its_session) == session or str(folder) in command):
            found.append(f"{entry.name}: {command}")
    return found


def run_demo(program, corpus, folder, flags):
    command = [program, "demo", "--json", "--corpus", str(corpus), "--data-dir", str(folder), *flags]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        output, _ = demo.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(demo.pid, 9)
        sys.exit(f"demo.py: not done after {SECONDS_MAX} s: {' '.join(command)}")
    need(demo.returncode == 0, f"exit code {demo.returncode}: {' '.join(command)}")
    left = processes_of(demo.pid, folder)
    need(not left, "left behind:\n" + "\n".join(left))
    return json.loads(output)


def number(flags, name):
    """The value of a flag, 0 without it."""
    return int(flags[flags.index(name) + 1]) if name in flags else 0


def check(document, cheats):
    for section, keys in KEYS.items():
        missing = keys - set(document.get(section, {}))
        need(not missing, f"{section} lacks {sorted(missing)}")
    run, escrow, audits, traffic = (document[name] for name in ("run", "escrow", "audits", "traffic"))

    amounts = [escrow[name] for name in ("deposited", "paid", "refunded")]
    amounts += [payout.get("paid") for payout in document["payouts"]]
    for amount in amounts:
        need(isinstance(amount, str) and re.fullmatch(r"0|[1-9][0-9]*", amount), f"not an amount: {amount!r}")
    deposited, paid, refunded = map(int, amounts[:3])
    need(deposited == paid + refunded, f"deposited {deposited} != paid {paid} + refunded {refunded}")
    need(0 < paid, "nobody was paid")

    for payout in document["payouts"]:
        need(PAYOUT_KEYS <= set(payout), f"a payout lacks {sorted(PAYOUT_KEYS - set(payout))}")
    listed = sum(int(payout["paid"]) for payout in document["payouts"])
    need(listed == paid, f"payouts add up to {listed}, escrow paid {paid}")
    verified = sum(payout["tokens_verified"] for payout in document["payouts"])
    need(verified == run["tokens_verified"], f"payouts list {verified} verified tokens, the run {run['tokens_verified']}")

    need(run["loss_final"] < run["loss_initial"] - 1.0, f"loss {run['loss_initial']} -> {run['loss_final']}: hardly fell")
    need(0 < traffic["update_bytes_up"] < traffic["fp32_every_step_bytes"], f"traffic: {traffic}")
    need(audits["passed"] + audits["failed"] <= audits["performed"], f"audits do not add up: {audits}")
    if cheats:
        need(cheats <= audits["failed"], f"no cheat was caught: {audits}")
        unpaid = [payout for payout in document["payouts"] if payout["paid"] == "0" and payout["tokens_verified"] == 0]
        need(cheats <= len(unpaid), f"no cheat stands unpaid in {document['payouts']}")
        standings = [payout["standing"] for payout in document["payouts"]]
        caught = standings.count("convicted") + standings.count("vouched")
        need(caught == cheats, f"{cheats} cheats, but these standings: {standings}")
        need("false auditor" not in standings, f"an honest device is expelled: {standings}")
    else:
        need(audits["failed"] == 0, f"an honest run failed audits: {audits}")
    need(re.fullmatch(r"(0x)?[0-9a-f]{64}", run["model_digest"]), f"not a digest: {run['model_digest']}")


def check_governed(governed):
    """Workers have earned voice, the brake has delayed what both houses decided, and the rule holds."""
    need(all(int(member["voice"]) > 0 for member in governed["voice"]), f"work without voice: {governed['voice']}")
    need(governed["parameter_before"] != governed["parameter_after"] == "1000", f"the parameter: {governed}")
    need(governed["brake_delay_seconds"] == 5 * 24 * 3600, f"the brake: {governed['brake_delay_seconds']} s")
    need("can be executed from" in governed["too_early"], f"executed early? {governed['too_early']}")
    need("audit_rate is 999" in governed["refused"], f"the module did not obey: {governed['refused']}")
    for house in ("stake", "work"):
        tally = {name: int(votes) for name, votes in governed[house].items()}
        need(tally["no"] < tally["yes"] <= tally["total"], f"{house}: {tally}")
    check_sealed(governed["sealed"], len(governed["voice"]) + 1)


def check_sealed(sealed, voters):
    """Nobody could read or count a ballot before the end; then a threshold of the keys opened all of them."""
    need(2 <= sealed["threshold"] <= sealed["holders"], f"the keys: {sealed}")
    need(sealed["ballots"] == sealed["opened"] == voters, f"{voters} voters: {sealed}")
    need(sealed["readable_before"] == 0, f"ballots were read while the vote went on: {sealed}")
    need(sealed["keys_used"] == sealed["threshold"], f"opened with {sealed['keys_used']} keys")
    need("until" in sealed["too_early"] or "vote" in sealed["too_early"], f"published early? {sealed['too_early']}")
    need(sealed["parameter_before"] != sealed["parameter_after"] == "2500", f"the parameter: {sealed}")
    for house in ("stake", "work"):
        before, after = ({name: int(votes) for name, votes in sealed[key].items()} for key in (f"{house}_before", house))
        need(before["yes"] == before["no"] == 0 < before["total"], f"{house} was counted before the end: {before}")
        need(after["no"] < after["yes"] <= after["total"], f"{house}: {after}")


def main():
    program, scratch, *flags = sys.argv[1:]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir=scratch))
    corpus = folder / "corpus.txt"
    write_corpus(corpus)
    document = run_demo(program, corpus, folder / "data", flags)
    check(document, number(flags, "--cheats") + number(flags, "--colluders"))
    if "--govern" in flags:
        check_governed(document["govern"])

    model = document["run"]["model_path"]
    sample = subprocess.run(
        [program, "sample", model, "--prompt", "The miller", "--bytes", "40", "--seed", "1", "--json"],
        stdout=subprocess.PIPE, check=True,
    )
    need(json.loads(sample.stdout)["text"], "the saved model says nothing")
    run, escrow = document["run"], document["escrow"]
    print(f"loss {run['loss_initial']:.3f} -> {run['loss_final']:.3f}, paid {escrow['paid']} of {escrow['deposited']}, {document['audits']}")


main()
