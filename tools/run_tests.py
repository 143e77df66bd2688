#!/usr/bin/env python3
"""Runs the tests of a build directory and counts test cases over all of them.

A test is what Meson has registered. Its programs speak one of three ways:
  catch2    the program's name begins with test_: its XML report names every case
  tap       registered with protocol 'tap': a line a case
  exitcode  everything else: one case; exit code 77 says skipped
A program that crashes, is killed for its time or says nothing readable is a failed case of its own.
Ends with one line "N passed, N failed[, N skipped]"; exit code 1 when any failed or none ran.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from test_programs import Result, Skips, end_all, run_program, seconds_of, speaks  # noqa: E402


def load_tests(build):
    with open(build / "meson-info" / "intro-tests.json", encoding="utf-8") as file:
        return json.load(file)


def program_names(test):
    return [test["name"], os.path.basename(test["cmd"][0])]


def choose(tests, text):
    """The tests that `text` names, and the Catch2 spec for them when it names none."""
    if not text:
        return tests, None
    named = [t for t in tests if any(text in name for name in program_names(t))]
    if named:
        return named, None
    spec = text if any(c in text for c in '*[],~"') else f"*{text}*"
    return [t for t in tests if speaks(t) == "catch2"], spec


def targets_of(build, tests):
    """The ninja targets that `tests` run or are handed; empty when they are scripts alone."""
    with open(build / "meson-info" / "intro-targets.json", encoding="utf-8") as file:
        files = {target["id"]: target["filename"] for target in json.load(file)}
    wanted = {path for test in tests for name in test["depends"] for path in files[name]}
    return sorted(os.path.relpath(path, build) for path in wanted)


class Screen:
    """One line a test program; on a terminal also which ones are running."""

    def __init__(self, total, width):
        self.total, self.width, self.done, self.running = total, width, 0, []
        self.tty = sys.stdout.isatty()

    def status(self):
        if self.tty:
            line = f"[{self.done}/{self.total}] {', '.join(self.running)}"
            print("\r\033[K" + line[:100], end="", flush=True)

    def start(self, name):
        self.running.append(name)
        self.status()

    def finish(self, result):
        self.done += 1
        self.running.remove(result.name)
        if self.tty:
            print("\r\033[K", end="")
        failed = result.count("failed")
        word = "FAILED" if failed else "ok"
        cases = len(result.cases)
        line = f"{word:7} {result.name:{self.width}} {cases:5} cases {result.seconds:7.1f} s"
        print(line + (f"  {failed} failed" if failed else ""), flush=True)
        for case in result.cases:
            if case.outcome == "failed":
                print(f"  FAILED {result.name}: {case.name}")
                print("".join(f"    {line}\n" for line in case.detail), end="")
        if failed and result.output:
            print("  --- its output, the last lines ---")
            print("".join(f"    {line}\n" for line in result.output.splitlines()[-60:]), end="")
        sys.stdout.flush()
        self.status()


def run_all(tests, options, build):
    skips = Skips.load(options.skips, options.flavour)
    screen = Screen(len(tests), max((len(t["name"]) for t in tests), default=0))
    results = []

    def run(test):
        screen.start(test["name"])
        result = run_program(test, build, options.spec, skips, options.slower)
        screen.finish(result)
        return result

    # What may take longest starts first, so that no long one runs alone at the end.
    together = sorted((t for t in tests if t["is_parallel"]), key=lambda t: -seconds_of(t, 1))
    alone = [t for t in tests if not t["is_parallel"]]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results += pool.map(run, together)
    results += [run(test) for test in alone]
    if screen.tty:
        print("\r\033[K", end="")
    return results


def be_ended(number, frame):
    """Somebody's patience has ended: says whose fault it is, and leaves nothing behind."""
    names = ", ".join(end_all()) or "none"
    print(f"ended by {signal.Signals(number).name} while these ran: {names}", flush=True)
    os._exit(128 + number)


def summarize(results, record):
    totals = {o: sum(r.count(o) for r in results) for o in ("passed", "failed", "skipped")}
    if record:
        cases = [
            {"test": r.name, "case": c.name, "suite": r.suite, "outcome": c.outcome}
            for r in results
            for c in r.cases
        ]
        with open(record, "w", encoding="utf-8") as file:
            json.dump({"totals": totals, "cases": cases}, file, indent=1)
    if totals["passed"] + totals["failed"] == 0:
        print("no test case ran")
    line = f"{totals['passed']} passed, {totals['failed']} failed"
    print(line + (f", {totals['skipped']} skipped" if totals["skipped"] else ""))
    return 0 if totals["passed"] and not totals["failed"] else 1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=lambda p: pathlib.Path(p).resolve())
    parser.add_argument("--filter", default="", help="part of a name, or a Catch2 test spec")
    parser.add_argument("--flavour", default="release", help="asan and tsan have cases to skip")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", help="write what ran to this JSON file")
    parser.add_argument("--skips", default=pathlib.Path(__file__).parent / "sanitizer_skips.txt")
    parser.add_argument("--print-targets", action="store_true", help="what ninja has to build first")
    return parser.parse_args()


def main():
    options = parse_arguments()
    options.slower = {"asan": 4, "tsan": 10, "coverage": 4, "debug": 4}.get(options.flavour, 1)
    tests, options.spec = choose(load_tests(options.build), options.filter)
    if options.print_targets:
        print(" ".join(targets_of(options.build, tests) if options.filter else ["all"]))
        return 0
    signal.signal(signal.SIGTERM, be_ended)
    signal.signal(signal.SIGINT, be_ended)
    return summarize(run_all(tests, options, options.build), options.record)


if __name__ == "__main__":
    sys.exit(main())
