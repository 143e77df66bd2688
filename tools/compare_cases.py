#!/usr/bin/env python3
"""Proves that a sanitizer flavour ran the cases of the plain one, less the listed ones.

usage: compare_cases.py FLAVOUR PLAIN.json FLAVOUR.json    (records of tools/run_tests.py)
"""

import json
import pathlib
import sys

from test_programs import Skips

SANITIZER_ONLY = "sanitizer"  # the suite of cases that exist in these flavours alone


def cases(path, outcomes):
    with open(path, encoding="utf-8") as file:
        listed = json.load(file)["cases"]
    suite = SANITIZER_ONLY
    return {
        (c["test"], c["case"])
        for c in listed
        if c["outcome"] in outcomes and not any(s.split(":")[-1] == suite for s in c["suite"])
    }


def main():
    flavour, plain_path, own_path = sys.argv[1:]
    skips = Skips.load(pathlib.Path(__file__).parent / "sanitizer_skips.txt", flavour)
    plain = cases(plain_path, {"passed", "failed"})
    own = cases(own_path, {"passed", "failed"})
    left_out = {case for case in plain - own if skips.matches(*case)}
    lost = plain - own - left_out
    extra = own - plain
    for test, case in sorted(lost):
        print(f"{flavour} did not run, and no reason is listed: {test}: {case}")
    for test, case in sorted(extra):
        print(f"only {flavour} ran: {test}: {case}")
    print(f"{flavour}: {len(own)} of {len(plain)} cases; {len(left_out)} left out as listed")
    return 1 if lost or extra or not own else 0


if __name__ == "__main__":
    sys.exit(main())
