"""What a run takes beside training: speed, processor time and memory of two workers, against the same rounds alone.

    cargo build --release && cargo build --release -p verification --example simulate
    python3 bench/2026-11-29-run/measure.py target/release CORPUS > results.json

In turn, on two cores that nothing else uses: two `gleaner bench train --size demo` side by side; two processes that do the rounds of the demo's model and nothing else (example `simulate` of
`verification`, one worker each, without network, ledger or audits), side by side; then `gleaner demo` with two workers of one thread
each; then all again but the demo. The demo audits newcomers fully. So threads that repeat rounds (named "replay") are counted apart, and the speed is
given for all rounds, and for those in which nobody repeated one. "owner" is the process with trainer and node, without its threads that repeat
rounds or generate the text that the demo shows. These are sampled every 50 ms: each loses at most that much of its time at its end, so the owner's
time is a little too long. "watcher_cpu_s" is what measuring the demo itself took of the two cores.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

# Threads of the demo that neither the trainer nor the node needs.
BESIDE = ("replay", "sample")
TICKS = os.sysconf("SC_CLK_TCK")
ROUNDS = 24


def stat(path):
    """Returns name, processor seconds, and processor seconds of the children that have ended, of a process or thread; None when it has ended."""
    try:
        text = open(path).read()
    except OSError:
        return None
    name, rest = re.match(r"\d+ \((.*)\) (.*)", text, re.DOTALL).groups()
    fields = rest.split()
    return name, (int(fields[11]) + int(fields[12])) / TICKS, (int(fields[13]) + int(fields[14])) / TICKS


def tasks(pid):
    """Returns the threads of a process."""
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def children(pid):
    """Returns the processes that a process started."""
    found = []
    for thread in tasks(pid):
        try:
            found += map(int, open(f"/proc/{pid}/task/{thread}/children").read().split())
        except OSError:
            pass
    return found


def peak(pid):
    try:
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) * 1024
    except (OSError, TypeError):
        return 0


def descendants(pid):
    """Returns the processes that a process and its children started, each after the one that started it."""
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def anonymous(pid):
    """Returns the bytes that only this process has: without its program, which others of the same program share."""
    try:
        return int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) * 1024
    except (OSError, TypeError):
        return 0


class Watch(threading.Thread):
    """Samples a process and all that it and its children start, until it ends. A worker computes in a process of its own, one for each round: its time and
    memory are the worker's.

    It shares the cores with what it measures, so every 50 ms it reads only which threads there are, and the times of those that do not last (`BESIDE`);
    all else once a second, and when it is asked.
    """

    def __init__(self, root):
        super().__init__()
        self.root, self.ended = root, False
        # By the process that is counted: the root, and each child of it with its own children.
        self.processes, self.threads, self.peaks = {}, {}, {}
        self.owners = {}
        self.names, self.replaying = {}, []
        self.lock = threading.Lock()

    def run(self):
        for turn in itertools.count():
            if self.ended:
                return
            with self.lock:
                if turn % 20 == 0:
                    self.sample()
                self.sample_beside()
            time.sleep(0.05)

    def sample(self):
        groups = {self.root: [self.root], **{child: [child, *descendants(child)] for child in children(self.root)}}
        for owner, pids in groups.items():
            seconds = 0
            for pid in pids:
                self.owners[pid] = owner
                if found := stat(f"/proc/{pid}/stat"):
                    # The root's children are counted themselves.
                    seconds += found[1] + (found[2] if pid != self.root else 0)
                for thread in tasks(pid):
                    self.sample_thread(pid, thread)
            # A process that ends between two looks is in neither sum for a moment.
            self.processes[owner] = max(seconds, self.processes.get(owner, 0))
            # The program is the same, so it is counted once.
            together = peak(pids[-1]) + sum(anonymous(pid) for pid in pids[:-1])
            self.peaks[owner] = max(self.peaks.get(owner, 0), together)

    def sample_thread(self, pid, thread):
        if found := stat(f"/proc/{pid}/task/{thread}/stat"):
            self.names[pid, thread] = found[0]
            self.threads[pid, thread] = found[0], found[1]

    def sample_beside(self):
        for pid in list(self.owners):
            for thread in tasks(pid):
                if self.names.get((pid, thread)) in (None, *BESIDE):
                    self.sample_thread(pid, thread)
                    if self.names.get((pid, thread)) == "replay":
                        self.replaying.append(time.monotonic())

    def so_far(self):
        """Returns the processor seconds of trainer and node without replays, and of the workers."""
        with self.lock:
            self.sample()
        owner = self.processes.get(self.root, 0) - sum(seconds for (pid, _), (name, seconds) in list(self.threads.items()) if pid == self.root and name in BESIDE)
        return owner, sum(seconds for pid, seconds in list(self.processes.items()) if pid != self.root)

    def of_threads(self, pid):
        sums = {}
        for (thread_of, _), (name, seconds) in self.threads.items():
            if self.owners.get(thread_of) == pid:
                sums[name] = sums.get(name, 0) + seconds
        return {name: round(seconds, 2) for name, seconds in sorted(sums.items(), key=lambda item: -item[1]) if seconds >= 0.05}


def alone(binaries, corpus):
    """Returns tokens per second of two processes side by side, together, and their peaks of memory."""
    command = [f"{binaries}/examples/simulate", corpus, "workers=1", "cores=1", f"rounds={ROUNDS}"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    watches = [Watch(process.pid) for process in both]
    for watch in watches:
        watch.start()
    lines = [process.communicate()[0].strip().splitlines()[-1] for process in both]
    for watch in watches:
        watch.ended = True
        watch.join()
    speeds = [int(re.search(r"(\d+) tokens/s", line)[1]) for line in lines]
    return {"tokens_per_second": speeds, "peak_bytes": [watch.peaks[watch.root] for watch in watches]}


def bench_train(binaries):
    """Returns the tokens per second of two `bench train` side by side: as many steps as in the rounds."""
    command = [f"{binaries}/gleaner", "bench", "train", "--size", "demo", "--steps", str(ROUNDS * 15), "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(2)]
    results = [json.loads(process.communicate()[0]) for process in both]
    return [{"tokens_per_second": round(result["tokens_per_second"]["median"]), "peak_bytes": result["peak_memory_bytes"]} for result in results]


def demo(binaries, corpus, folder):
    command = [f"{binaries}/gleaner", "demo", "--corpus", corpus, "--workers", "2", "--rounds", str(ROUNDS), "--data-dir", folder, "--json"]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watch = Watch(process.pid)
    watch.start()
    ends = []
    for line in process.stderr:
        if re.match(r"round \d+ done", line):
            ends.append((time.monotonic(), watch.so_far()))
    report = json.loads(process.stdout.read())
    process.wait()
    watch.ended = True
    watch.join()
    return report, watch, process.pid, time.monotonic() - started, ends


def rounds_of(ends, replaying):
    """Returns what each round but the first took, and whether somebody repeated a round meanwhile."""
    rounds = []
    for (begun, _), (ended, _) in zip(ends, ends[1:]):
        is_quiet = not any(begun - 0.05 <= at <= ended for at in replaying)
        # Two workers; the first three rounds have half the steps.
        tokens = 2 * 8 * 128 * (16 if len(rounds) + 2 > 3 else 8)
        rounds.append({"seconds": round(ended - begun, 3), "tokens": tokens, "without_replays": is_quiet})
    speed = lambda chosen: round(sum(each["tokens"] for each in chosen) / sum(each["seconds"] for each in chosen)) if chosen else None
    quiet = [each for each in rounds if each["without_replays"]]
    return {
        "rounds": rounds,
        "tokens_per_second": speed(rounds),
        "rounds_without_replays": len(quiet),
        "tokens_per_second_without_replays": speed(quiet),
    }


def main(binaries, corpus):
    trained, before = bench_train(binaries), alone(binaries, corpus)
    with tempfile.TemporaryDirectory() as folder:
        own = time.process_time()
        report, watch, root, wall, ends = demo(binaries, corpus, folder)
        own = time.process_time() - own
    trained_again, after = bench_train(binaries), alone(binaries, corpus)
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
    speed = rounds_of(ends, watch.replaying)
    owner, workers = watch.so_far()
    (owner_4, workers_4), (owner_24, workers_24) = ends[3][1], ends[-1][1]
    print(
        json.dumps(
            {
                "bench_train": trained,
                "bench_train_again": trained_again,
                "alone": before,
                "alone_again": after,
                "wall_s": round(wall, 2),
                "watcher_cpu_s": round(own, 2),
                "owner_share_of_workers": round(owner / workers, 4),
                "owner_share_of_workers_rounds_5_to_24": round((owner_24 - owner_4) / (workers_24 - workers_4), 4),
                "speed": speed,
                "processes": processes,
                "report": report,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
