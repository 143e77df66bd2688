#!/usr/bin/env python3
"""Prints line and branch coverage of each room from gcovr's JSON summary.

usage: coverage_table.py COVERAGE.json
"""

import collections
import json
import pathlib
import sys

KINDS = ("line_covered", "line_total", "branch_covered", "branch_total")


def room_of(filename):
    parts = pathlib.PurePath(filename).parts
    return parts[2] if parts[0] == "include" and len(parts) > 3 else parts[1]


def share(covered, total):
    return f"{100 * covered / total:5.1f} %  ({covered}/{total})" if total else "none"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        measured = json.load(file)["files"]
    rooms = collections.defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for entry in measured:
        for name in (room_of(entry["filename"]), "all rooms"):
            for kind in KINDS:
                rooms[name][kind] += entry[kind]
    if not rooms:
        print("coverage: no file was measured")
        return 1
    print(f"{'room':14} {'lines':24} branches")
    for name in sorted(rooms, key=lambda room: (room == "all rooms", room)):
        counted = rooms[name]
        lines = share(counted["line_covered"], counted["line_total"])
        branches = share(counted["branch_covered"], counted["branch_total"])
        print(f"{name:14} {lines:24} {branches}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
