"""What a computing process of its own costs: speed and memory of `gleaner join` with it and with --in-process, against `gleaner bench train`.

    cargo build --release
    python3 bench/2026-11-30-confined/measure.py target/release/gleaner CORPUS [SIZE ...] > results.json

For each SIZE (demo, canonical) in turn, twice (the file here: once, with 4 rounds, while others compiled): `bench train`; a ledger, a trainer and two workers with computing processes; the same with
--in-process. One thread each. The figures are those of the first worker. Its speed is that of its rounds but the first: tokens between two lines "tokens done", aggregation, blocks and
waiting for the trainer included. The memory is the largest sum of the proportional set sizes (Pss) of the worker and its children, sampled every 50 ms:
what both share counts once. That of `bench train` is the largest Pss, too.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

ROUNDS = 6
STEPS = {"demo": 60, "canonical": 12}


def pss(pid):
    try:
        return int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M)[1]) * 1024
    except (OSError, TypeError):
        return 0


def family(pid):
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, open(f"/proc/{pid}/task/{task}/children").read().split())
    except OSError:
        pass
    return found


class Peak(threading.Thread):
    def __init__(self, pid):
        super().__init__()
        self.pid, self.most, self.ended = pid, 0, False
        self.start()

    def run(self):
        while not self.ended:
            self.most = max(self.most, sum(map(pss, family(self.pid))))
            time.sleep(0.05)

    def end(self):
        self.ended = True
        self.join()
        return self.most


def bench(binary, size):
    command = [binary, "bench", "train", "--size", size, "--steps", str(STEPS[size]), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peak = Peak(process.pid)
    result = json.loads(process.communicate()[0])
    return {"tokens_per_second": round(result["tokens_per_second"]["median"]), "peak_bytes": peak.end(), "workload": result["workload"]}


def worker(binary, corpus, workload, steps, flags):
    with tempfile.TemporaryDirectory() as folder:
        environment = {"GLEANER_HOME": folder, "GLEANER_PASSWORD": "correct horse", "PATH": os.environ["PATH"]}
        run = lambda *args, **more: subprocess.Popen([binary, *args], env=environment, cwd=folder, text=True, **more)
        created = run("wallet", "new", "--json", stdout=subprocess.PIPE).communicate()[0]
        account = json.loads(created)["address"]
        node = run("node", "--rpc", "127.0.0.1:0", "--fund", f"{account}=100000", "--json", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        text = ""
        while not text.endswith("\n}\n"):
            text += node.stdout.readline()
        rpc = json.loads(text)["rpc"]
        model = {name: workload[name] for name in ("layers", "width", "heads", "context", "hidden")}
        lines = "".join(f"{name} = {value}\n" for name, value in model.items())
        project = f"name = 'barley'\ncorpus = '{corpus}'\n[model]\n{lines}[training]\nrounds = {ROUNDS}\nsteps_per_round = {steps}\nwarmup_steps = {steps}\n"
        project += f"batch = {workload['batch']}\nseed = 5\n[terms]\nworkers_min = 2\nworkers_max = 2\nround_seconds = 3000\naudit_seconds = 3000\nrelay_fee = '0'\n"
        open(f"{folder}/project.toml", "w").write(project)
        train = run("train", "project.toml", "--audit", "0", "--json", "--rpc", rpc, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = []
        for line in train.stderr:
            said.append(line)
            if "is open" in line:
                break
        threading.Thread(target=train.stderr.read, daemon=True).start()
        flags = ["--project", "1", "--rpc", rpc, "--json", *flags]
        joins = [
            run("join", *flags, "--account", f"0x{index:040x}", "--data-dir", f"{folder}/{index}", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for index in (1, 2)
        ]
        threading.Thread(target=joins[1].stderr.read, daemon=True).start()
        join, peak, done = joins[0], Peak(joins[0].pid), []
        for line in join.stderr:
            said.append(line)
            if found := re.search(r"(\d+) tokens done", line):
                done.append((time.monotonic(), int(found[1])))
        for process in [*joins, train]:
            process.wait()
        node.kill()
        if len(done) < 2:
            raise SystemExit("".join(said))
        seconds = done[-1][0] - done[0][0]
        return {"tokens_per_second": round(sum(tokens for _, tokens in done[1:]) / seconds), "peak_bytes": peak.end(), "rounds": len(done), "round_s": round(seconds / (len(done) - 1), 2)}


def main(binary, corpus, *sizes):
    binary, corpus = os.path.abspath(binary), os.path.abspath(corpus)
    results = {"load_before": os.getloadavg(), "cores": os.cpu_count()}
    for size in sizes or ["demo", "canonical"]:
        rows = results[size] = []
        for _ in range(2):
            trained = bench(binary, size)
            workload = trained["workload"]
            rows.append({"bench_train": trained, "child": worker(binary, corpus, workload, STEPS[size], []), "in_process": worker(binary, corpus, workload, STEPS[size], ["--in-process"])})
    results["load_after"] = os.getloadavg()
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
