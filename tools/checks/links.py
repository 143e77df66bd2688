#!/usr/bin/env python3
"""Checks that every relative link of every *.md leads to a file, and to a heading where it names one.

usage: links.py ROOT
"""

import pathlib
import re
import sys
import urllib.parse

from files import files, read

FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:|^//")


def blank(text, pattern):
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def anchors(text):
    """The anchors that GitHub gives to the headings of a page."""
    found, seen = set(), {}
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def check_link(root, path, target):
    name, _, anchor = urllib.parse.unquote(target).partition("#")
    place = (root / path).parent / name if name else root / path
    if name.startswith("/"):
        return "is absolute; write it relative to the page"
    if root not in [place.resolve(), *place.resolve().parents]:
        return "leads out of the repository"
    if not place.exists():
        return "leads nowhere"
    if anchor and place.suffix == ".md" and anchor not in anchors(read(root, place)):
        return f"has no heading #{anchor}"
    return None


def run(root):
    errors, count = [], 0
    names = files(root, ".md")
    for path in names:
        text = blank(blank(read(root, path), FENCE), CODE)
        for match in LINK.finditer(text):
            target = match[1] or match[2]
            if SCHEME.match(target):
                continue
            count += 1
            if error := check_link(root, path, target):
                line = text.count("\n", 0, match.start()) + 1
                errors.append(f"{path}:{line}: the link {target} {error}")
    if not names:
        errors.append("no page found: nothing was checked")
    return errors, f"links: {count} relative links in {len(names)} pages"


def main():
    errors, said = run(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(errors + [said + (f", {len(errors)} wrong" if errors else "")]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
