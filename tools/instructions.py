#!/usr/bin/env python3
"""Counts the instructions of the core paths and compares them with those that are kept.

usage: instructions.py PROGRAM KEPT.json [--update] [PATH]...

PROGRAM is benchmarks/core_paths. Each path is run under valgrind's callgrind, with N rounds and
then with 2N; the difference is what N rounds cost, without preparation. Counts depend on neither
time nor load. What would make them depend on the machine is held still: the environment is empty, and
glibc is told not to choose its memory functions by the processor, and to keep all that is freed at
hand: which of its slower ways an allocation takes hangs on all that came before.

Fails when a path takes over 3 % more than is kept of it, or when nothing is kept that compares.
--update keeps what is measured now: of the named paths, or of all.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

TOLERANCE = 0.03
# Of a path of a few dozen instructions one more is over the tolerance, and means nothing.
SLACK_INSTRUCTIONS = 2.0
RUN_SECONDS_MAX = 120
END_OF_PART = "SkaldEndOfPart"
SAY_SECONDS = 10

ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": "/usr/bin:/bin",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-ERMS,-SSSE3,-SSE4_1,-SSE4_2"
    ",-AVX_Fast_Unaligned_Load:glibc.cpu.x86_non_temporal_threshold=0xc0000"
    ":glibc.malloc.tcache_count=65535",
}

UPDATE = "if that is on purpose: ./dev instructions --update"


class CannotMeasure(Exception):
    """What went wrong, on what, and what to do."""


def run(command):
    try:
        done = subprocess.run(
            command,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotMeasure(f"could not run {' '.join(command)}: {error}") from error
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise CannotMeasure(f"{' '.join(command)} failed with {done.returncode}: {said}")
    return done.stdout


def listed(program):
    """name -> rounds, in their order."""
    paths = {}
    for line in run([program, "--list"]).splitlines():
        name, times, _ = line.split(" ", 2)
        paths[name] = int(times)
    if not paths:
        raise CannotMeasure(f"{program} --list names no path")
    return paths


def about(program, valgrind):
    known = dict(line.split(": ", 1) for line in run([program, "--about"]).splitlines())
    known["valgrind"] = run([valgrind, "--version"]).strip().removeprefix("valgrind-")
    return known


def parts(valgrind, program, path, times):
    """The instructions of each part of one run, in their order."""
    with tempfile.TemporaryDirectory(prefix="callgrind-") as place:
        out = pathlib.Path(place, "out")
        tool = [valgrind, "--tool=callgrind", f"--dump-after={END_OF_PART}"]
        run(tool + [f"--callgrind-out-file={out}", program, path, "--times", str(times)])
        totals = []
        while (part := out.with_suffix(f".{len(totals) + 1}")).exists():
            totals += [
                int(line.split()[1])
                for line in part.read_text("utf-8").splitlines()
                if line.startswith("totals:")
            ]
        return totals


def measure_path(valgrind, program, path, times):
    counted = parts(valgrind, program, path, times)
    if len(counted) < 3 or counted[2] <= counted[1]:
        raise CannotMeasure(f"{path}: callgrind counted {counted}, not three growing parts")
    return round((counted[2] - counted[1]) / times, 1)


def measure(valgrind, program, paths):
    """name -> instructions a round. `paths`: name -> rounds."""
    now, said = {}, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            pool.submit(measure_path, valgrind, program, path, times): path
            for path, times in paths.items()
        }
        try:
            for one in concurrent.futures.as_completed(runs):
                now[runs[one]] = one.result()
                if time.monotonic() - said >= SAY_SECONDS:
                    said = time.monotonic()
                    print(f"instructions: {len(now)} of {len(paths)} paths", file=sys.stderr)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {path: now[path] for path in paths}


def judge(kept, now):
    """(change or None, verdict, whether it fails) of one path; None: not kept, not there."""
    if kept is None:
        return None, "NEW", True
    if now is None:
        return None, "GONE", True
    change = now / kept - 1
    if abs(now - kept) <= max(SLACK_INSTRUCTIONS, TOLERANCE * kept):
        return change, "as kept", False
    if change > 0:
        return change, "MORE", True
    return change, "less", False


def compare(kept, now):
    """[(path, kept, now, change, verdict, fails)]; kept and now: path -> instructions."""
    names = list(now) + [name for name in kept if name not in now]
    rows = []
    for name in names:
        rows.append((name, kept.get(name), now.get(name), *judge(kept.get(name), now.get(name))))
    return rows


def differences(kept, now):
    """What was built or runs otherwise than when the counts were kept: one line each."""
    return [
        f"{name} is {now.get(name, 'not known')}, kept with {kept.get(name, 'not known')}"
        for name in sorted(set(kept) | set(now))
        if kept.get(name) != now.get(name)
    ]


def number(value):
    return "-" if value is None else f"{value:,.1f}"


def print_table(rows):
    print(f"{'path':22} {'kept':>12} {'now':>12} {'change':>8}  verdict")
    for name, kept, now, change, verdict, _ in rows:
        share = "-" if change is None else f"{100 * change:+.1f} %"
        print(f"{name:22} {number(kept):>12} {number(now):>12} {share:>8}  {verdict}")


def load(path):
    try:
        text = pathlib.Path(path).read_text("utf-8")
        kept = json.loads(text)
        return {"about": dict(kept["about"]), "instructions": dict(kept["instructions"])}
    except FileNotFoundError:
        return {"about": {}, "instructions": {}}
    except (ValueError, KeyError, TypeError) as error:
        raise CannotMeasure(f"{path} does not read ({error}); write it anew with --update") from error


def save(path, known, instructions):
    """Whole or not at all."""
    text = {
        "what": "instructions a round of each path of benchmarks/core_paths, as tools/instructions.py "
        "counts them",
        "about": known,
        "instructions": instructions,
    }
    new = pathlib.Path(f"{path}.new")
    new.write_text(json.dumps(text, indent=2) + "\n", "utf-8")
    new.replace(path)


def update(path, known, kept, now, is_all, paths):
    merged = {} if is_all else kept["instructions"]
    if not is_all and merged and differences(kept["about"], known):
        raise CannotMeasure("the rest was kept with other tools: update all, and name no path")
    merged = {**merged, **now}
    save(path, known, {name: merged[name] for name in paths if name in merged})
    print(f"instructions: {len(now)} of {len(paths)} paths kept in {path}")


def arguments():
    parser = argparse.ArgumentParser(description="Counts the instructions of the core paths.")
    parser.add_argument("program")
    parser.add_argument("kept")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("paths", nargs="*", metavar="PATH")
    return parser.parse_intermixed_args()


def check(wanted):
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CannotMeasure("there is no valgrind; install the package of that name")
    program = os.path.abspath(wanted.program)
    paths = listed(program)
    known = about(program, valgrind)
    try:
        kept = load(wanted.kept)
    except CannotMeasure:
        if not wanted.update or wanted.paths:
            raise
        kept = {"about": {}, "instructions": {}}
    chosen = {name: paths[name] for name in wanted.paths or paths}
    now = measure(valgrind, program, chosen)
    old = {n: c for n, c in kept["instructions"].items() if not wanted.paths or n in chosen}
    rows = compare(old, now)
    print_table(rows)
    if wanted.update:
        update(wanted.kept, known, kept, now, not wanted.paths, paths)
        return 0
    others = differences(kept["about"], known) if kept["about"] else []
    for line in others:
        print(f"instructions: does not compare: {line}")
    failed = sum(fails for *_, fails in rows)
    less = sum(verdict == "less" for *_, verdict, _ in rows)
    if failed or others:
        print(f"instructions: {UPDATE}")
    elif less:
        print(f"instructions: {less} paths take less; ./dev instructions --update keeps it so")
    print(f"instructions: {len(rows)} paths, {failed} failed, tolerance {100 * TOLERANCE:.0f} %")
    return 1 if failed or others or not rows else 0


def main():
    wanted = arguments()
    try:
        unknown = sorted(set(wanted.paths) - listed(os.path.abspath(wanted.program)).keys())
        if unknown:
            print(
                f"instructions: there is no path {', '.join(unknown)}; {wanted.program} --list "
                "names them",
                file=sys.stderr,
            )
            return 2
        return check(wanted)
    except CannotMeasure as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
