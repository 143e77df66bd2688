#!/usr/bin/env python3
"""Checks the form of the decision records: docs/adr/NNNN-title.md.

usage: adrs.py ROOT
"""

import pathlib
import re
import sys

from files import files, read

NAME = re.compile(r"docs/adr/(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md")
SECTIONS = ("Context", "Decision", "Alternatives", "Consequences")
STATUSES = ("Proposed", "Accepted", "Superseded", "Rejected")


def field(text, name):
    """The value of "## Name" or of a line "Name: value"; None when there is neither."""
    line = re.search(rf"^[-*]?\s*\**{name}\**:\**\s*(.+?)\s*$", text, re.MULTILINE)
    return line[1] if line else section(text, name)


def section(text, name):
    """The text below the heading that begins with `name`; None when there is no such heading."""
    found = re.search(rf"^##+ {name}\b[^\n]*\n(.*?)(?=^##? |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else None


def check(path, text):
    errors = []
    if not re.match(r"# \S", text):
        errors.append("wants a title: # …")
    if not (field(text, "Status") or "").startswith(STATUSES):
        errors.append(f"wants a Status, one of {', '.join(STATUSES)}")
    if not re.match(r"\d{4}-\d{2}-\d{2}", field(text, "Date") or ""):
        errors.append("wants a Date, YYYY-MM-DD")
    errors += [f"wants a section ## {name} with text" for name in SECTIONS if not section(text, name)]
    return [f"{path}: {error}" for error in errors]


def run(root):
    errors, numbers = [], []
    names = [n for n in files(root, ".md") if n.startswith("docs/adr/") and "README" not in n]
    for path in names:
        match = NAME.fullmatch(path)
        if not match:
            errors.append(f"{path}: wants the name NNNN-title-in-lower-case.md")
            continue
        numbers.append(int(match[1]))
        errors += check(path, read(root, path))
    for place, number in enumerate(sorted(numbers), 1):
        if number != place:
            errors.append(f"docs/adr: number {place:04} is missing or another comes twice")
            break
    if not names:
        errors.append("docs/adr has no record: nothing was checked")
    return errors, f"adrs: {len(names)} records"


def main():
    errors, said = run(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(errors + [said + (f", {len(errors)} wrong" if errors else "")]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
