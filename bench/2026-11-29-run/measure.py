"""What a run takes beside training: speed, processor time and memory of two workers, against two `bench train` side by side.

    python3 bench/2026-11-29-run/measure.py GLEANER CORPUS > bench/2026-11-29-run/results.json

Both run in turn on two cores that nothing else uses: first two `gleaner bench train`, one thread each, on the model and batch of the demo;
then `gleaner demo` with two workers of one thread each. The demo audits newcomers fully, so the threads that repeat rounds (named "replay") are
counted apart. They are sampled every 20 ms: each loses at most that much of its time at its end.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def stat(path):
    """Returns name, parent and processor seconds of a process or thread; None when it has ended."""
    try:
        text = open(path).read()
    except OSError:
        return None
    name, rest = re.match(r"\d+ \((.*)\) (.*)", text, re.DOTALL).groups()
    fields = rest.split()
    return name, int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS


def peak(pid):
    try:
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) * 1024
    except (OSError, TypeError):
        return 0


class Watch(threading.Thread):
    """Samples a process and its children until it ends."""

    def __init__(self, root):
        super().__init__()
        self.root, self.ended = root, False
        self.processes, self.threads, self.peaks = {}, {}, {}

    def run(self):
        while not self.ended:
            children = [self.root]
            for entry in filter(str.isdigit, os.listdir("/proc")):
                found = stat(f"/proc/{entry}/stat")
                if found and found[1] == self.root:
                    children.append(int(entry))
            for pid in children:
                self.sample(pid)
            time.sleep(0.02)

    def sample(self, pid):
        if found := stat(f"/proc/{pid}/stat"):
            self.processes[pid] = found[2]
        self.peaks[pid] = max(self.peaks.get(pid, 0), peak(pid))
        try:
            names = os.listdir(f"/proc/{pid}/task")
        except OSError:
            return
        for thread in names:
            if found := stat(f"/proc/{pid}/task/{thread}/stat"):
                self.threads[pid, thread] = found[0], found[2]

    def of_threads(self, pid):
        sums = {}
        for (owner, _), (name, seconds) in self.threads.items():
            if owner == pid:
                sums[name] = sums.get(name, 0) + seconds
        return {name: round(seconds, 2) for name, seconds in sorted(sums.items(), key=lambda item: -item[1]) if seconds >= 0.05}


def bench_train(gleaner, steps):
    command = [gleaner, "bench", "train", "--size", "canonical", "--steps", str(steps), "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    results = [json.loads(process.communicate()[0]) for process in both]
    for result in results:
        del result["losses"]
    return results


def demo(gleaner, corpus, folder, rounds):
    command = [gleaner, "demo", "--corpus", corpus, "--workers", "2", "--rounds", str(rounds), "--data-dir", folder, "--json"]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = Watch(process.pid)
    watch.start()
    report = process.communicate()[0]
    watch.ended = True
    watch.join()
    return json.loads(report), watch, process.pid, time.monotonic() - started


def main(gleaner, corpus):
    trained = bench_train(gleaner, 120)
    with tempfile.TemporaryDirectory() as folder:
        report, watch, root, wall = demo(gleaner, corpus, folder, 24)
    again = bench_train(gleaner, 120)
    processes = []
    for pid, seconds in watch.processes.items():
        threads = watch.of_threads(pid)
        processes.append(
            {
                "process": "demo: trainer, node, owner's auditor" if pid == root else "worker",
                "cpu_s": round(seconds, 2),
                "cpu_replays_s": threads.get("replay", 0),
                "peak_bytes": watch.peaks[pid],
                "threads": threads,
            }
        )
    print(json.dumps({"bench_train": trained, "bench_train_again": again, "wall_s": round(wall, 2), "processes": processes, "report": report}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
