#!/usr/bin/env python3
"""Prints the last line of a CI run: "N passed, N failed[, N skipped]" over all flavours.

usage: ci_totals.py RECORDS_DIR [FAILED_STAGE]...
A failed stage none of whose cases failed counts as one failure: nothing fails unseen.
"""

import json
import pathlib
import sys


def main():
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    explained = set()
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        own = json.loads(path.read_text("utf-8"))["totals"]
        for outcome in totals:
            totals[outcome] += own[outcome]
        if own["failed"]:
            explained.add(path.stem)
    unexplained = [stage for stage in sys.argv[2:] if stage not in explained]
    for stage in sys.argv[2:]:
        print(f"failed stage: {stage}")
    totals["failed"] += len(unexplained)
    line = f"{totals['passed']} passed, {totals['failed']} failed"
    print(line + (f", {totals['skipped']} skipped" if totals["skipped"] else ""))
    return 0 if totals["passed"] and not totals["failed"] and not sys.argv[2:] else 1


if __name__ == "__main__":
    sys.exit(main())
