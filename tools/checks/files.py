#!/usr/bin/env python3
"""Which files the checks read: those of the repository, or of a plain folder when it is none.

usage: files.py ROOT SUFFIX...    prints the paths of the files with these suffixes, one a line
"""

import os
import pathlib
import subprocess
import sys

IGNORED = {".git", "build", ".cache", "__pycache__"}


def repository_files(root):
    """Paths of tracked and of new, not ignored files; None when `root` is no repository's top."""
    git = ["git", "-C", str(root), "-c", "safe.directory=*"]
    try:
        top = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True)
        if top.returncode or pathlib.Path(top.stdout.strip()).resolve() != root:
            return None
        listed = subprocess.run(
            [*git, "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, check=True
        )
    except FileNotFoundError:
        return None
    return [name for name in listed.stdout.decode("utf-8").split("\0") if name]


def walked_files(root):
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED]
        found += [str((pathlib.Path(folder) / name).relative_to(root)) for name in names]
    return found


def files(root, *suffixes):
    """Sorted paths, relative to `root`, of the existing files that end in one of `suffixes`."""
    root = pathlib.Path(root).resolve()
    names = repository_files(root)
    names = walked_files(root) if names is None else names
    return sorted({n for n in names if n.endswith(suffixes) and (root / n).is_file()})


def read(root, name):
    return (pathlib.Path(root) / name).read_text("utf-8", "replace")


if __name__ == "__main__":
    print("\n".join(files(sys.argv[1], *sys.argv[2:])))
