"""The test runner counts what programs report and never takes silence for success."""

import json
import os
import signal
import subprocess
import sys
import time

import tap

RUNNER = [sys.executable, str(tap.ROOT / "tools/run_tests.py")]
CATCH = """#!/usr/bin/env python3
import os, sys
report = open(sys.argv[sys.argv.index("-o") + 1], "w")
spec = sys.argv[1] if not sys.argv[1].startswith("-") else ""
"""
GOOD = '<TestCase name="{}"><OverallResult success="true" {}/></TestCase>'
BAD = """<TestCase name="{}"><Section name="when full"><Expression success="false" type="CHECK"
filename="../../a.cc" line="7"><Original>a == b</Original><Expanded>1 == 2</Expanded></Expression>
</Section><OverallResult success="false"/></TestCase>"""


def report(*cases, end="</Catch>"):
    return CATCH + f"report.write({'<Catch>' + ''.join(cases) + end!r})\nreport.flush()\n"


class RunnerTest(tap.Planted):
    def run_tests(self, *programs, arguments=(), skips=""):
        """Plants `programs` [(name, text, protocol)]. RETURNS (exit code, output, cases)."""
        tests = []
        for name, text, protocol in programs:
            self.plant({name: text})
            (self.root / name).chmod(0o755)
            test = {"name": name.replace("test_", "unit_"), "cmd": [str(self.root / name)]}
            test |= {"env": {}, "suite": ["x:unit"], "timeout": 1, "is_parallel": True}
            tests.append(test | {"protocol": protocol, "workdir": None})
        self.plant({"meson-info/intro-tests.json": json.dumps(tests), "skips.txt": skips})
        record = self.root / "record.json"
        command = [*RUNNER, str(self.root), "--skips", str(self.root / "skips.txt")]
        command += ["--record", str(record), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        cases = json.loads(record.read_text("utf-8"))["cases"] if record.exists() else []
        self.last = (run.stdout.splitlines() or [""])[-1]
        return run.returncode, run.stdout + run.stderr, cases

    def test_counts(self):
        """Cases of Catch2, TAP and plain programs add up in one last line."""
        code, output, _ = self.run_tests(
            ("test_a", report(GOOD.format("one", ""), GOOD.format("two", "")), "exitcode"),
            ("taps", "#!/bin/sh\necho 1..2; echo ok 1 - a; echo 'ok 2 - b # SKIP why'\n", "tap"),
            ("plain", "#!/bin/sh\nexit 0\n", "exitcode"),
            ("not_here", "#!/bin/sh\nexit 77\n", "exitcode"),
        )
        self.assertEqual((code, self.last), (0, "4 passed, 0 failed, 2 skipped"), output)

    def test_catch2_versions(self):
        """A case that Catch2 3 reports as skipped is skipped."""
        skipped = GOOD.format("three", 'skips="1"')
        self.run_tests(("test_a", report(GOOD.format("one", ""), skipped), "exitcode"))
        self.assertEqual(self.last, "1 passed, 0 failed, 1 skipped")

    def test_failed(self):
        """A failed case is shown with its place, its words and their values; the run fails."""
        program = report(GOOD.format("one", ""), BAD.format("two")) + "sys.exit(1)\n"
        code, output, _ = self.run_tests(("test_a", program, "exitcode"))
        self.assertEqual((code, self.last), (1, "1 passed, 1 failed"))
        for said in ("unit_a: two", "when full", "a.cc:7: CHECK( a == b )", "1 == 2"):
            self.assertIn(said, output)

    def test_crash_in_a_case(self):
        """A program that dies within a case fails under that case's name."""
        half = '<TestCase name="the hard one"><Section name="s">'
        program = report(GOOD.format("one", ""), half, end="") + "os.abort()\n"
        code, output, cases = self.run_tests(("test_a", program, "exitcode"))
        self.assertEqual((code, self.last), (1, "1 passed, 1 failed"), output)
        self.assertEqual(cases[-1]["case"], "the hard one")
        self.assertIn("SIGABRT", output)

    def test_crash_at_exit(self):
        """A program that dies after its last good case fails all the same."""
        program = report(GOOD.format("one", "")) + "os.kill(os.getpid(), 11)\n"
        code, output, _ = self.run_tests(("test_a", program, "exitcode"))
        self.assertEqual((code, self.last), (1, "1 passed, 1 failed"))
        self.assertIn("SIGSEGV", output)

    def test_exit_code(self):
        """A good report with a bad exit code fails: a sanitizer speaks that way."""
        program = report(GOOD.format("one", "")) + "print('leak'); sys.exit(23)\n"
        code, output, _ = self.run_tests(("test_a", program, "exitcode"))
        self.assertEqual((code, self.last), (1, "1 passed, 1 failed"))
        self.assertIn("leak", output)

    def test_silence(self):
        """A program without a report and one without a case both fail."""
        code, _, _ = self.run_tests(
            ("test_a", "#!/bin/sh\nexit 0\n", "exitcode"), ("test_b", report(), "exitcode")
        )
        self.assertEqual((code, self.last), (1, "0 passed, 2 failed"))

    def test_hang(self):
        """A program that does not end is ended with what it started, and fails."""
        program = "#!/bin/sh\n(sleep 60; touch late) & wait\n"
        code, output, _ = self.run_tests(("plain", program, "exitcode"))
        self.assertEqual((code, self.last), (1, "0 passed, 1 failed"))
        self.assertIn("did not end within 1 s", output)

    def test_ended(self):
        """A run that is ended from outside names what ran, and leaves no program behind."""
        pid_file = self.root / "pid"
        program = f"#!/bin/sh\necho $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60\n"
        self.plant({"plain": program})
        (self.root / "plain").chmod(0o755)
        test = {"name": "the_long_one", "cmd": [str(self.root / "plain")], "env": {}, "suite": []}
        test |= {"timeout": 60, "is_parallel": True, "protocol": "exitcode", "workdir": None}
        self.plant({"meson-info/intro-tests.json": json.dumps([test])})
        command = [*RUNNER, str(self.root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
            while not pid_file.exists():
                self.assertIsNone(run.poll())
                time.sleep(0.01)
            run.terminate()
            said, _ = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 128 + signal.SIGTERM)
        self.assertIn("the_long_one", said)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid_file.read_text("utf-8")), 0)

    def test_tap(self):
        """A TAP program fails by a bad line, and by fewer lines than it planned."""
        bad = "#!/bin/sh\necho 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1\n"
        short = "#!/bin/sh\necho 1..2; echo ok 1 - a\n"
        self.run_tests(("bad", bad, "tap"))
        self.assertEqual(self.last, "1 passed, 1 failed")
        self.run_tests(("short", short, "tap"))
        self.assertEqual(self.last, "1 passed, 1 failed")

    def test_none(self):
        """A run in which no case ran fails."""
        code, output, _ = self.run_tests()
        self.assertEqual((code, self.last), (1, "0 passed, 0 failed"))
        self.assertIn("no test case ran", output)

    def test_filter_by_program(self):
        """A filter that is part of a program's name runs that program whole."""
        programs = [(n, report(GOOD.format(n, "")), "exitcode") for n in ("test_aa", "test_bb")]
        _, _, cases = self.run_tests(*programs, arguments=["--filter", "unit_bb"])
        self.assertEqual([case["case"] for case in cases], ["test_bb"])

    def test_filter_by_case(self):
        """Any other filter goes to Catch2; a program that it matches nothing in does not count."""
        echo = CATCH + "report.write('<Catch><TestCase name=\"' + spec +"
        echo += "'\"><OverallResult success=\"true\"/></TestCase></Catch>')\n"
        empty = report() + "sys.exit(2)\n"
        code, _, cases = self.run_tests(
            ("test_a", echo, "exitcode"), ("test_b", empty, "exitcode"), arguments=["--filter", "hot"]
        )
        self.assertEqual((code, [case["case"] for case in cases]), (0, ["*hot*"]))

    def test_filter_of_nothing(self):
        """A filter that matches nothing runs nothing, and fails."""
        empty, line = report() + "sys.exit(2)\n", "#!/bin/sh\necho 1..1\necho ok 1 - one\n"
        code, output, cases = self.run_tests(
            ("test_a", empty, "exitcode"), ("tool", line, "tap"), arguments=["--filter", "typo"]
        )
        self.assertEqual((code, cases), (1, []))
        self.assertIn("no test case ran", output)

    def test_targets(self):
        """What has to be built is all without a filter, and with one what the chosen tests need."""
        tests = [{"name": "unit_a", "cmd": ["/b/test_a"], "depends": ["a@exe"]}]
        tests.append({"name": "script", "cmd": ["/usr/bin/python3"], "depends": []})
        built = [{"id": "a@exe", "filename": [str(self.root / "tests/test_a")]}]
        self.plant({"meson-info/intro-tests.json": json.dumps(tests)})
        self.plant({"meson-info/intro-targets.json": json.dumps(built)})
        for text, targets in (("", "all"), ("unit_a", "tests/test_a"), ("script", "")):
            command = [*RUNNER, str(self.root), "--print-targets", "--filter", text]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            self.assertEqual(run.stdout.strip(), targets)

    def test_skips(self):
        """A listed case is left out under its flavour and counted as skipped."""
        echo = CATCH + "print(spec)\nreport.write('<Catch><TestCase name=\"one\">"
        echo += "<OverallResult success=\"true\"/></TestCase></Catch>')\n"
        skips = "tsan | unit_a: two | takes an hour\nasan,tsan | plain: * | has no code of ours\n"
        programs = (("test_a", echo, "exitcode"), ("plain", "#!/bin/sh\nexit 0\n", "exitcode"))
        self.run_tests(*programs, arguments=["--flavour", "tsan"], skips=skips)
        self.assertEqual(self.last, "1 passed, 0 failed, 2 skipped")
        self.run_tests(*programs, skips=skips)
        self.assertEqual(self.last, "2 passed, 0 failed")

    def test_skip_without_reason(self):
        """A listed case without a reason stops the run."""
        code, output, _ = self.run_tests(skips="tsan | unit_a: two |\n")
        self.assertEqual(code, 1)
        self.assertIn("skips.txt:1", output)


tap.main()
