"""Runs one test program and reads from its report which cases passed, failed or were skipped."""

import dataclasses
import fnmatch
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

# A program that says nothing of its own time gets this; Meson's own default of 30 s is for nothing.
MESON_DEFAULT_SECONDS = 30
DEFAULT_SECONDS = 300
SKIPPED_EXIT_CODE = 77
OUTPUT_BYTES_MAX = 200_000


@dataclasses.dataclass
class Case:
    name: str
    outcome: str  # passed, failed, skipped
    detail: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Result:
    name: str
    suite: list
    cases: list = dataclasses.field(default_factory=list)
    output: str = ""
    seconds: float = 0.0

    def count(self, outcome):
        return sum(case.outcome == outcome for case in self.cases)


class Skips:
    """Which cases a sanitizer flavour leaves out: lines "FLAVOUR | TEST: CASE | reason"."""

    def __init__(self, patterns):
        self.patterns = patterns  # of "test: case", the case may end in *

    @classmethod
    def load(cls, path, flavour):
        patterns = []
        for number, line in enumerate(pathlib.Path(path).read_text("utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 3 or ": " not in fields[1] or not all(fields):
                raise SystemExit(f"{path}:{number}: want FLAVOUR | TEST: CASE | reason")
            if flavour in fields[0].split(","):
                patterns.append(fields[1])
        return cls(patterns)

    def whole(self, test):
        return f"{test}: *" in self.patterns

    def cases(self, test):
        return [p[len(test) + 2 :] for p in self.patterns if p.startswith(f"{test}: ")]

    def matches(self, test, case):
        return any(fnmatch.fnmatchcase(f"{test}: {case}", p) for p in self.patterns)


def speaks(test):
    if os.path.basename(test["cmd"][0]).startswith("test_"):
        return "catch2"
    return "tap" if test.get("protocol") == "tap" else "exitcode"


def seconds_of(test, slower):
    own = test["timeout"] or DEFAULT_SECONDS
    return (DEFAULT_SECONDS if own == MESON_DEFAULT_SECONDS else own) * slower


# The programs that run now, with the name of their test; see end_all().
_running = {}
_running_lock = threading.RLock()  # a signal may find it held


def spawn(command, test, build, seconds):
    """Runs `command` in a process group of its own. RETURNS (exit code or None, output)."""
    environment = {**os.environ, **test["env"]}
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command,
            cwd=test.get("workdir") or build,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with _running_lock:
            _running[process] = test["name"]
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with _running_lock:
                _running.pop(process, None)
            end_group(process)
        size = out.seek(0, os.SEEK_END)
        out.seek(0 if speaks(test) == "tap" else max(0, size - OUTPUT_BYTES_MAX))
        return code, out.read().decode("utf-8", "replace")


def end_all():
    """Ends every program that runs now. RETURNS the names of their tests."""
    with _running_lock:
        running = dict(_running)
    for process in running:
        end_group(process)
    return sorted(running.values())


def end_group(process):
    """Ends what the program has left behind; it may not outlive its test."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def how_it_ended(code, seconds):
    if code is None:
        return f"did not end within {seconds} s"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def run_program(test, build, spec, skips, slower):
    """Runs one registered test. RETURNS a Result; never raises for what the program does."""
    result = Result(test["name"], test["suite"])
    if skips.whole(test["name"]):
        result.cases.append(Case("*", "skipped"))
        return result
    started = time.monotonic()
    seconds = seconds_of(test, slower)
    run = {"catch2": run_catch2, "tap": run_tap, "exitcode": run_exitcode}[speaks(test)]
    try:
        run(test, build, spec, skips, seconds, result)
    except OSError as error:
        result.cases.append(Case("(start)", "failed", [f"could not run: {error}"]))
    result.seconds = time.monotonic() - started
    return result


def run_exitcode(test, build, spec, skips, seconds, result):
    code, result.output = spawn(test["cmd"], test, build, seconds)
    outcome = {0: "passed", SKIPPED_EXIT_CODE: "skipped"}.get(code, "failed")
    detail = [how_it_ended(code, seconds)] if outcome == "failed" else []
    result.cases.append(Case(test["name"], outcome, detail))


def run_tap(test, build, spec, skips, seconds, result):
    code, result.output = spawn(test["cmd"], test, build, seconds)
    planned = None
    pattern = re.compile(r"(not )?ok\b\s*\d*\s*-?\s*(.*?)(?:\s*#\s*(skip)\b.*)?$", re.IGNORECASE)
    for line in result.output.splitlines():
        if plan := re.fullmatch(r"1\.\.(\d+).*", line):
            planned = int(plan[1])
        elif match := pattern.match(line):
            outcome = "failed" if match[1] else "skipped" if match[3] else "passed"
            result.cases.append(Case(match[2], outcome))
    ended_well = code == 0 or (code == 1 and result.count("failed"))
    if planned != len(result.cases) or not ended_well:
        said = f"planned {planned} cases, told of {len(result.cases)}"
        result.cases.append(Case("(program)", "failed", [said, how_it_ended(code, seconds)]))


def catch2_spec(test, spec, skips):
    """One Catch2 test spec: what was asked for, less what this flavour skips."""
    left_out = [
        '~"' + re.sub(r'([\\,\["])', r"\\\1", name) + '"' for name in skips.cases(test["name"])
    ]
    terms = ([spec] if spec else []) + left_out
    return [" ".join(terms)] if terms else []


def run_catch2(test, build, spec, skips, seconds, result):
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.xml")
        command = test["cmd"] + catch2_spec(test, spec, skips) + ["-r", "xml", "-o", report]
        code, result.output = spawn(command, test, build, seconds)
        open_case, whole = read_catch2(report, result)
    judge_catch2(spec, code, open_case, whole, seconds, result)
    for name in skips.cases(test["name"]):
        result.cases.append(Case(name, "skipped"))


def judge_catch2(spec, code, open_case, whole, seconds, result):
    """Adds what the program's end says beyond its report."""
    if spec and code is not None and code >= 0 and not open_case and not result.cases:
        return  # the spec names no case of this program
    last_failed = bool(result.cases) and result.cases[-1].outcome == "failed"
    ended_well = code == 0 or (code is not None and code > 0 and result.count("failed"))
    if whole and last_failed and not ended_well:
        result.cases[-1].detail.append(how_it_ended(code, seconds))  # it took the program with it
    elif open_case or not whole or not ended_well:
        result.cases.append(Case(open_case or "(program)", "failed", [how_it_ended(code, seconds)]))
    elif not result.cases:
        result.cases.append(Case("(program)", "failed", ["has no test case"]))


def read_catch2(report, result):
    """Reads as much as the program has written. RETURNS (case it was in, report is whole)."""
    open_case = None
    try:
        for event, node in xml.iterparse(report, events=("start", "end")):
            if node.tag != "TestCase":
                continue
            if event == "start":
                open_case = node.get("name")
            else:
                result.cases.append(catch2_case(node))
                open_case = None
    except (xml.ParseError, FileNotFoundError):
        return open_case, False
    return None, True


def catch2_case(node):
    overall = node.find("OverallResult")
    good = overall is not None and overall.get("success") == "true"
    skipped = overall is not None and int(overall.get("skips") or 0) > 0
    fatal = node.find(".//FatalErrorCondition") is not None
    outcome = "failed" if fatal or not good else "skipped" if skipped else "passed"
    return Case(node.get("name"), outcome, catch2_detail(node) if outcome == "failed" else [])


def catch2_detail(node, path=()):
    """The failed expressions, exceptions and messages below `node`, one or two lines each."""
    lines, notes = [], []
    for child in node:
        where = f"{(child.get('filename') or '').removeprefix('../../')}:{child.get('line')}"
        text = " ".join((child.text or "").split())
        if child.tag == "Section":
            lines += catch2_detail(child, path + (child.get("name"),))
        elif child.tag in ("Info", "Warning"):
            notes.append(f"  with message: {text}")
        elif child.tag == "Expression" and child.get("success") != "true":
            original = " ".join((child.findtext("Original") or "").split())
            expanded = " ".join((child.findtext("Expanded") or "").split())
            lines += [*path[-1:], f"{where}: {child.get('type')}( {original} )"]
            lines += [f"  that is: {expanded}"] if expanded != original else []
            lines += [f"  threw: {' '.join((e.text or '').split())}" for e in child.iter("Exception")]
            lines += notes
        elif child.tag in ("Exception", "Failure", "FatalErrorCondition"):
            lines += [*path[-1:], f"{where}: {child.tag}: {text}"] + notes
    return lines
