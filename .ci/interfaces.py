"""Compiles the Solidity that `gleaner abi` prints with solc, and compares the ABI that solc gives with the one that `gleaner abi` prints.

usage: interfaces.py PATH_TO_GLEANER SCRATCH_FOLDER
"""

import json
import pathlib
import shutil
import subprocess
import sys

SECONDS_MAX = 120


def main(program, scratch):
    program = pathlib.Path(program).resolve()
    folder = pathlib.Path(scratch).resolve() / "interfaces"
    source = pathlib.Path(__file__).resolve().parent.parent / "tests" / "clients"
    folder.mkdir()
    for name in ("package.json", "package-lock.json", "interfaces.mjs"):
        shutil.copy(source / name, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)

    def gleaner(*arguments):
        return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout

    modules = [row["name"] for row in json.loads(gleaner("abi", "--json"))]
    if not modules:
        sys.exit("interfaces.py: `gleaner abi` lists no module")
    for module in modules:
        (folder / f"{module}.sol").write_text(gleaner("abi", module, "--solidity"))
        (folder / f"{module}.json").write_text(gleaner("abi", module))
    subprocess.run(["node", "interfaces.mjs", *modules], cwd=folder, check=True, timeout=SECONDS_MAX)


if __name__ == "__main__":
    main(*sys.argv[1:])
