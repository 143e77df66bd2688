#!/usr/bin/env python3
"""Runs clang-tidy-19 over the sources that a clang build directory compiles, tests left out.

usage: tidy.py ROOT BUILD_DIR
A file that was clean is not looked at again until something it is made of changes: the key is its
preprocessed text, the raw text of its own headers (for NOLINT comments) and the configuration.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

TIDY = "clang-tidy-19"
FOLDERS = ("lib/", "examples/", "tools/", "benchmarks/")
NO_FILES = ("-o", "-MF", "-MQ", "-MT")
LINE_MARK = re.compile(rb'^# \d+ "([^"]+)"[^\n]*$', re.MULTILINE)


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = pathlib.Path(base) / "skald-tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def entries(root, build):
    """(path relative to `root`, entry of compile_commands.json) of every file to look at."""
    found = {}
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        for entry in json.load(file):
            path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
            name = os.path.relpath(path, root)
            if name.startswith(FOLDERS):
                found.setdefault(name, entry)
    return sorted(found.items())


def flags_of(entry):
    """The compiler and its flags, without what names output and input files."""
    words, kept, skip = shlex.split(entry["command"]), [], False
    for word in words:
        if skip or word in NO_FILES:
            skip = not skip and word in NO_FILES
        elif word not in ("-c", "-MD", "ccache", entry["file"]):
            kept.append(word)
    return kept


def key_of(root, entry, configuration):
    flags = flags_of(entry)
    run = subprocess.run(
        [*flags, "-E", entry["file"]], cwd=entry["directory"], capture_output=True, check=False
    )
    if run.returncode:
        return None, run.stderr.decode("utf-8", "replace")
    digest = hashlib.sha256(configuration)
    digest.update(" ".join(flags).encode())
    own = set()
    for mark in set(LINE_MARK.findall(run.stdout)):
        path = (pathlib.Path(entry["directory"]) / mark.decode()).resolve()
        if root in path.parents and path.is_file():
            own.add(path)
    for path in sorted(own):
        digest.update(path.read_bytes())
    digest.update(LINE_MARK.sub(b"", run.stdout))
    return digest.hexdigest(), ""


def look(root, build, name, entry, configuration, cache):
    """RETURNS (name, what is wrong or "", whether the cache knew)."""
    key, error = key_of(root, entry, configuration)
    if key is None:
        return name, error, False
    if (cache / key).exists():
        return name, "", True
    command = [TIDY, "--quiet", f"-p={build}", str(root / name)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        return name, run.stdout + run.stderr, False
    (cache / key).touch()
    return name, "", False


def main():
    root, build = (pathlib.Path(arg).resolve() for arg in sys.argv[1:3])
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    configuration = version + (root / ".clang-tidy").read_bytes()
    cache, work = cache_folder(), entries(root, build)
    wrong = known = done = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(look, root, build, name, entry, configuration, cache)
            for name, entry in work
        ]
        for job in concurrent.futures.as_completed(jobs):
            name, error, hit = job.result()
            done, known, wrong = done + 1, known + hit, wrong + bool(error)
            if error:
                print(f"tidy: {name}\n{error}", flush=True)
            if sys.stderr.isatty():
                print(f"\r\033[Ktidy: {done}/{len(work)} {name}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    said = f"tidy: {len(work)} files, {known} of them unchanged since they were clean"
    print(said + (f", {wrong} wrong" if wrong else ""))
    return 1 if wrong or not work else 0


if __name__ == "__main__":
    sys.exit(main())
