"""Compares native modules with the bytecode of the contracts that they reproduce, which it installs, pinned, into the scratch folder.

usage: bytecode.py SCRATCH_FOLDER [prepare]

`prepare` only installs what is not there yet; `cargo xtask deep` compares then.
"""

import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Script in scripts/reference, packages, and packages that are only unpacked because their own dependencies can't be installed.
UNISWAP_V2 = ("uniswap_v2.mjs", ["solc@0.8.37", "@uniswap/v2-core@1.0.1", "@uniswap/v2-periphery@1.1.0-beta.0", "canonical-weth@1.4.0"], {})
UNISWAP_V3 = ("uniswap_v3.mjs", ["solc@0.8.37", "@uniswap/v3-core@1.0.1", "@uniswap/v3-periphery@1.4.4"], {})
YIELD = (
    "yield.mjs",
    [
        "solc5@npm:solc@0.5.16",
        "solc6@npm:solc@0.6.12",
        "solc8@npm:solc@0.8.28",
        "openzeppelin-solidity-2.3.0@npm:openzeppelin-solidity@2.3.0",
        "openzeppelin3@npm:@openzeppelin/contracts@3.4.2",
        "@openzeppelin/contracts@5.4.0",
    ],
    {"synthetix": "synthetix@2.102.1", "sushiswap": "@sushiswap/core@1.4.2"},
)
GOVERNOR = ("governor.mjs", ["solc8@npm:solc@0.8.28", "@openzeppelin/contracts@5.4.0"], {})
PRICE_FEEDS = ("price_feeds.mjs", ["solc6@npm:solc@0.6.6"], {"chainlink": "@chainlink/contracts@0.6.1"})


def prepare(scratch, name, reference):
    """Compiles and unpacks what a comparison needs, and checks that what is committed of it is the same; returns the folder of the bytecode."""
    script, packages, unpacked = reference
    folder = scratch / name
    code, compiled, ready = folder / "code", folder / "testdata", folder / "ready"
    if ready.exists():
        return code
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "reference" / script, folder)
    # Nothing of theirs runs at installation.
    subprocess.run(["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *packages], cwd=folder, check=True)
    for to, package in unpacked.items():
        packed = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            archive.extractall(folder / to, filter="data")
    outputs = {"yield": [code, compiled], "governor": [code, compiled], "price-feeds": [code]}.get(name, [compiled, code])
    subprocess.run(["node", script, *outputs], cwd=folder, check=True)
    for made in sorted(compiled.glob("*.hex")):
        if made.read_text() != (ROOT / "testdata" / name / made.name).read_text():
            sys.exit(f"bytecode.py: testdata/{name}/{made.name} is not what {script} compiles")
    ready.touch()
    return code


def compare(example, *arguments):
    run = ["cargo", "run", "--release", "--quiet", "-p", "execution", "--example", example, "--"]
    subprocess.run([*run, *map(str, arguments)], cwd=ROOT, check=True)


def main(scratch, only=None):
    scratch = pathlib.Path(scratch).resolve()
    of_v2 = prepare(scratch, "uniswap-v2", UNISWAP_V2)
    of_v3 = prepare(scratch, "uniswap-v3", UNISWAP_V3)
    of_yield = prepare(scratch, "yield", YIELD)
    of_prices = prepare(scratch, "price-feeds", PRICE_FEEDS)
    of_governor = prepare(scratch, "governor", GOVERNOR)
    if only == "prepare":
        return
    compare("against_uniswap_v2", of_v2, 100)
    compare("against_uniswap_v3", of_v3, 70)
    for seed, kind in enumerate(("rewards", "chef", "vault")):
        compare("against_bytecode", of_yield, kind, 10_000, seed)
    compare("against_bytecode", of_governor, "governor", 10_000, 1)
    compare("against_chainlink", of_prices, 500, 1)


main(*sys.argv[1:])
