#!/usr/bin/env python3
"""Checks that no code says what tools/banned.txt bans.

usage: banned.py ROOT
"""

import pathlib
import re
import sys

from files import files, read

# Comments, raw strings, strings and characters, whichever begins first.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)


def code_of(text):
    """`text` with comments and literals blanked, line by line the same."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def parse(text):
    """RETURNS bans [(name, folders, regex, why)], allowed {(name, file): line number}, errors."""
    bans, allowed, errors = [], {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, _, rest = line.partition(" ")
        fields = [field.strip() for field in re.split(r"\s\|\s", rest)]
        if kind == "ban" and len(fields) == 4 and all(fields):
            folders = tuple(folder + "/" for folder in fields[1].split())
            bans.append((fields[0], folders, re.compile(fields[2]), fields[3]))
        elif kind == "allow" and len(fields) == 3 and all(fields):
            allowed[fields[0], fields[1]] = number
        else:
            errors.append(f"tools/banned.txt:{number}: not a ban and not an allow line")
    return bans, allowed, errors


def run(root):
    bans, allowed, errors = parse(read(root, "tools/banned.txt"))
    names = files(root, ".h", ".cc", ".inc")
    used = set()
    for path in names:
        code = None
        for name, folders, regex, why in bans:
            if not path.startswith(folders):
                continue
            code = code_of(read(root, path)) if code is None else code
            for match in regex.finditer(code):
                if (name, path) in allowed:
                    used.add((name, path))
                    break
                line = code.count("\n", 0, match.start()) + 1
                errors.append(f"{path}:{line}: banned ({name}): {match[0].strip()}  -- {why}")
    for (name, path), number in allowed.items():
        if (name, path) not in used:
            errors.append(f"tools/banned.txt:{number}: {path} needs no leave for {name}; drop the line")
    if not bans or not names:
        errors.append("no ban or no file: nothing was checked")
    return errors, f"banned: {len(bans)} bans over {len(names)} files, {len(allowed)} leaves given"


def main():
    errors, said = run(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(errors + [said + (f", {len(errors)} wrong" if errors else "")]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
