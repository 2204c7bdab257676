"""Starts nodes, two of them for development, and lets viem, ethers, web3.py, Uniswap's SDKs and a hardhat project work with them. Installs them, pinned, into
the scratch folder.

usage: clients.py PATH_TO_GLEANER SCRATCH_FOLDER
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

# Keys 0 to 4 of the phrase "test test test test test test test test test test test junk", known to everybody: one for each client.
ACCOUNTS = [
    ("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    ("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    ("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    ("0x90F79bf6EB2c4f870365E785982E1f101E93b906", "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    ("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
]
SECONDS_MAX = 120


def copy(name, scratch):
    """A copy of a folder of tests with the packages it needs."""
    folder = scratch / name
    source = pathlib.Path(__file__).resolve().parent.parent / "tests" / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "artifacts", "cache"))
    # Nothing of theirs runs at installation.
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    return folder


def install(scratch):
    """A copy of the scripts with what they need beside them, and the Python to run them with."""
    scripts = copy("clients", scratch)
    environment = scratch / "python"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", scripts / "requirements.txt"], check=True)
    subprocess.run(["node", "compile.mjs", scripts], cwd=scripts, check=True)
    return scripts, python


def start_node(program, *flags):
    command = [program, "node", "--json", "--rpc", "127.0.0.1:0", *flags]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    text = ""
    while not text.endswith("\n}\n"):
        line = node.stdout.readline()
        if not line:
            sys.exit(f"clients.py: the node ended with {node.wait()}")
        text += line
    return node, json.loads(text)["rpc"]


@contextlib.contextmanager
def running_node(program, *flags):
    node, url = start_node(program, *flags)
    try:
        yield url
    finally:
        node.terminate()
        node.wait()


def main(program, scratch):
    scratch = pathlib.Path(scratch).resolve() / "clients-run"
    scratch.mkdir()
    scripts, python = install(scratch)
    program = pathlib.Path(program).resolve()
    funds = [flag for address, _ in ACCOUNTS for flag in ("--fund", f"{address}=1000")]
    with running_node(program, "--data-dir", scratch / "node", *funds) as url:
        clients = ["node", "viem.mjs"], ["node", "ethers.mjs"], [python, "web3py.py"], ["node", "uniswap.mjs"], ["node", "uniswap-v3.mjs"]
        for client, (_, key) in zip(clients, ACCOUNTS, strict=True):
            subprocess.run([*client, url, key, scripts], cwd=scripts, check=True, timeout=SECONDS_MAX)
    with running_node(program, "--dev") as url:
        subprocess.run(["node", "dev.mjs", url, scripts], cwd=scripts, check=True, timeout=SECONDS_MAX)
    suite = copy("hardhat", scratch)
    hardhat = ["node_modules/.bin/hardhat", "test", "--network", "localhost"]
    with running_node(program, "--dev", "--client-version", "hardhat") as url:
        environment = {**os.environ, "GLEANER_URL": url, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"}
        subprocess.run(hardhat, cwd=suite, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=SECONDS_MAX)


main(*sys.argv[1:])
