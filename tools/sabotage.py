#!/usr/bin/env python3
"""Plants one bug after the other and lets the simulator look for it.

usage: sabotage.py SKALD_SIM [--seeds N] [BUG]...
Prints a table: the bug, the seed that found it, the promise that it broke, how. A bug that none of
the N seeds finds is a survivor; exit code 1 when there is one, or when no bug was planted.
"""

import argparse
import re
import subprocess
import sys
import tempfile

FOUND = re.compile(r"^seed (\d+) broke a promise: ([^:]+): (.*)$", re.MULTILINE)
CHECK = re.compile(r"^.*(?:CHECK|check|invariant).*$", re.MULTILINE | re.IGNORECASE)


def look(program, bug, seeds):
    """RETURNS (seed, promise, how), or None when nothing was noticed."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [program, "--plant", bug, "--seeds", f"1..{seeds}", "--no-shrink", "--save", folder],
            capture_output=True,
            text=True,
            check=False,
        )
    found = FOUND.search(run.stdout)
    if found:
        return found.groups()
    if run.returncode < 0:
        said = CHECK.search(run.stderr)
        return "-", "an invariant of its own", said.group(0) if said else f"signal {-run.returncode}"
    if run.returncode == 2:
        sys.exit(f"sabotage: {run.stderr.strip()}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=10000)
    parser.add_argument("bugs", nargs="*")
    options = parser.parse_args()
    listed = subprocess.run(
        [options.program, "--list-bugs"], capture_output=True, text=True, check=True
    ).stdout.split()
    bugs = options.bugs or listed
    caught = 0
    print(f"{'planted bug':24} {'seed':>6}  {'promise':24} how it shows", flush=True)
    for bug in bugs:
        found = look(options.program, bug, options.seeds)
        caught += found is not None
        seed, promise, how = found or ("-", "SURVIVED", f"{options.seeds} seeds did not find it")
        print(f"{bug:24} {seed:>6}  {promise:24} {how[:110]}", flush=True)
    print(f"{caught} of {len(bugs)} planted bugs caught")
    return 0 if bugs and caught == len(bugs) else 1


if __name__ == "__main__":
    sys.exit(main())
