#!/usr/bin/env python3
"""Checks lengths: a line over 100 columns is an error; big functions and files are told of.

usage: lines.py ROOT
"""

import pathlib
import re
import sys

from files import files, read

COLUMNS_MAX = 100
HEADER_LINES = 200
SOURCE_LINES = 400
FUNCTION_LINES = 35
NOT_A_FUNCTION = re.compile(r"namespace|struct|class|enum|union|extern|template|#|//|.* = ")


def functions(lines):
    """(first line, length) of each body that begins and ends in the first column."""
    start, opened = None, False
    for number, line in enumerate(lines, 1):
        if start is None:
            if not re.match(r"[A-Za-z_\[]", line) or NOT_A_FUNCTION.match(line):
                continue
            start, opened = number, False
        if opened and line.startswith("}"):
            yield start, number - start + 1
            start = None
        elif not opened:
            opened = line.rstrip().endswith("{")
            start = None if line.rstrip().endswith((";", "}")) else start


def check(path, text):
    """RETURNS (errors, hints)."""
    lines = text.splitlines()
    errors = [
        f"{path}:{number}: {len(line)} columns"
        for number, line in enumerate(lines, 1)
        if len(line) > COLUMNS_MAX
    ]
    bound = HEADER_LINES if path.endswith(".h") else SOURCE_LINES
    hints = [f"{path}: {len(lines)} lines, wants to be under {bound}"] if len(lines) > bound else []
    if path.startswith(("lib/", "include/")):
        hints += [
            f"{path}:{start}: a function of {length} lines, wants to be under {FUNCTION_LINES}"
            for start, length in functions(lines)
            if length > FUNCTION_LINES
        ]
    return errors, hints


def run(root):
    names = files(root, ".h", ".cc")
    errors, hints = [], []
    for path in names:
        own_errors, own_hints = check(path, read(root, path))
        errors += own_errors
        hints += own_hints
    if not names:
        errors.append("no source found: nothing was checked")
    return errors, hints, f"lines: {len(names)} files, {len(hints)} hints"


def main():
    errors, hints, said = run(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join([f"hint: {hint}" for hint in hints] + errors))
    print(said + (f", {len(errors)} wrong" if errors else ""))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
