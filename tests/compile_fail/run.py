#!/usr/bin/env python3
"""Proves that wrong code does not compile and that the compiler says one sentence about it.

usage: run.py BUILD_DIR CASES_DIR

A case is a CASES_DIR/NAME.cc:
  // EXPECT: the sentence of the static_assert, whole,
  // on as many lines of this first comment as it needs
  #include …
  #ifdef SKALD_RIGHT
  … the right way to write it …
  #else
  … the wrong one …
  #endif
It is compiled twice with the build directory's compiler and flags. The wrong half must give exactly
one error, a failed static assertion with that sentence; with -DSKALD_RIGHT it must compile.
HEADER, which every case includes, is compiled once, ahead.
"""

import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HEADER = "skald/saga/define.h"
FLAGS_FILE = "compile_fail/flags/flags.cc"
ONLY_FRONT = ("-S", "-o", os.devnull)
EXPECT = re.compile(r"// EXPECT: (.+)")
# "static assertion failed: X" (gcc), "static assertion failed due to requirement 'R': X" (clang)
ERROR = re.compile(r"\berror: (.*)$", re.MULTILINE)
SENTENCE = re.compile(r"static assertion failed(?: due to requirement '.*?(?<!\\)')?: \"?(.*?)\"?$")


def compiler(build):
    """(command without files, folder to run it in), from the compile command of flags.cc."""
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        entries = [e for e in json.load(file) if e["file"].endswith(FLAGS_FILE)]
    words, kept = iter(shlex.split(entries[0]["command"])), []
    for word in words:
        if word in ("-o", "-MF", "-MQ", "-MT"):
            next(words)
        elif word not in ("-c", "-MD", entries[0]["file"]) and pathlib.Path(word).name != "ccache":
            kept.append(word)
    # Only the compiler's front half matters; colours would hide the words, optimisation costs.
    return [*kept, "-O0", *ONLY_FRONT, "-fdiagnostics-color=never"], entries[0]["directory"]


def with_header(command, directory, folder):
    """The command, finding HEADER compiled in `folder`."""
    header = pathlib.Path(folder) / "header.h"
    header.write_text(f'#include "{HEADER}"\n', "utf-8")
    is_clang = "clang" in pathlib.Path(command[0]).name
    compiled = header.with_suffix(".h.pch" if is_clang else ".h.gch")
    whole = [word for word in command if word not in ONLY_FRONT]
    subprocess.run(
        [*whole, "-x", "c++-header", str(header), "-o", str(compiled)], cwd=directory, check=True
    )
    use = ["-include-pch", str(compiled)] if is_clang else ["-include", str(header)]
    return [*command, *use]


def expected(text):
    """The sentence that the first comment asks for; None when it asks for none."""
    lines = itertools.takewhile(lambda line: line.startswith("//"), text.split("\n"))
    match = EXPECT.fullmatch("// " + " ".join(line[2:].strip() for line in lines))
    return match[1].strip() if match else None


def judge_wrong(sentence, code, output):
    """What is wrong with how the wrong half failed; None when it is as expected."""
    if code == 0:
        return "it compiles"
    errors = ERROR.findall(output)
    if len(errors) != 1:
        return f"wanted one error, got {len(errors)}"
    match = SENTENCE.fullmatch(errors[0].strip())
    if not match:
        return f"wanted a failed static assertion, got: {errors[0]}"
    said = match[1].replace('\\"', '"')
    return None if said == sentence else f"wanted: {sentence}\ngot:    {said}"


def run_case(command, folder, case):
    """RETURNS None, or what is wrong."""
    sentence = expected(case.read_text("utf-8"))
    if not sentence:
        return "the first comment must be // EXPECT: and a sentence"
    if "#ifdef SKALD_RIGHT" not in case.read_text("utf-8"):
        return "wants an #ifdef SKALD_RIGHT half that compiles"

    def compile_it(*more):
        return subprocess.run(
            [*command, *more, str(case)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )

    wrong = compile_it()
    if problem := judge_wrong(sentence, wrong.returncode, wrong.stdout):
        return f"the wrong half: {problem}\n{wrong.stdout[:4000]}"
    right = compile_it("-DSKALD_RIGHT")
    if right.returncode:
        return f"the right half does not compile\n{right.stdout[:4000]}"
    return None


def main():
    build, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    cases = sorted(folder.glob("*.cc"))
    command, directory = compiler(build)
    print(f"1..{len(cases)}", flush=True)
    with tempfile.TemporaryDirectory() as made:
        return run_all(cases, with_header(command, directory, made), directory)


def run_all(cases, command, directory):
    """RETURNS the exit code."""
    failed = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(lambda case: run_case(command, directory, case), cases)
        for number, (case, problem) in enumerate(zip(cases, problems), 1):
            name = case.stem.replace("_", " ")
            print(f"{'not ok' if problem else 'ok'} {number} - {name}")
            if problem:
                failed = True
                print("".join(f"# {line}\n" for line in problem.splitlines()), end="")
            sys.stdout.flush()
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
