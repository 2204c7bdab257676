"""Compares the native Uniswap v2 with the bytecode of the contracts, which it installs, pinned, into the scratch folder.

usage: uniswap_v2.py SCRATCH_FOLDER COUNT
"""

import pathlib
import shutil
import subprocess
import sys

PACKAGES = ["solc@0.8.37", "@uniswap/v2-core@1.0.1", "@uniswap/v2-periphery@1.1.0-beta.0", "canonical-weth@1.4.0"]


def main(scratch, count):
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(scratch).resolve() / "uniswap-v2"
    folder.mkdir()
    shutil.copy(root / "scripts" / "reference" / "uniswap_v2.mjs", folder)
    # Nothing of theirs runs at installation.
    install = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([*install, *PACKAGES], cwd=folder, check=True)
    compiled = folder / "testdata"
    subprocess.run(["node", "uniswap_v2.mjs", compiled, folder / "code"], cwd=folder, check=True)
    for name in ("token.hex", "actor.hex"):
        if (compiled / name).read_text() != (root / "testdata" / "uniswap-v2" / name).read_text():
            sys.exit(f"uniswap_v2.py: testdata/uniswap-v2/{name} is not what the script compiles")
    run = ["cargo", "run", "--release", "--quiet", "-p", "execution", "--example", "against_uniswap_v2", "--"]
    subprocess.run([*run, folder / "code", count], cwd=root, check=True)


main(*sys.argv[1:])
