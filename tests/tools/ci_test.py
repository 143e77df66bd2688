"""The CI's comparisons and totals hide nothing."""

import json
import subprocess
import sys

import tap


def record(*cases):
    listed = [dict(zip(("test", "case", "outcome", "suite"), c + (["x:unit"],) * (4 - len(c)))) for c in cases]
    totals = {o: sum(c["outcome"] == o for c in listed) for o in ("passed", "failed", "skipped")}
    return json.dumps({"totals": totals, "cases": listed})


class CompareTest(tap.Planted):
    def compare(self, plain, own, flavour="tsan", skips=""):
        for tool in ("compare_cases.py", "test_programs.py"):
            self.plant({tool: (tap.ROOT / "tools" / tool).read_text("utf-8")})
        self.plant({"plain.json": plain, "own.json": own, "sanitizer_skips.txt": skips})
        names = ["compare_cases.py", flavour, "plain.json", "own.json"]
        run = subprocess.run(
            [sys.executable, *names], cwd=self.root, capture_output=True, text=True, check=False
        )
        return run.returncode, run.stdout

    def test_same(self):
        """The same cases pass, whatever came of them."""
        plain, own = record(("a", "x", "passed")), record(("a", "x", "failed"))
        self.assertEqual(self.compare(plain, own), (0, "tsan: 1 of 1 cases; 0 left out as listed\n"))

    def test_lost(self):
        """A case that the flavour did not run fails, by name."""
        plain = record(("a", "x", "passed"), ("a", "y", "passed"))
        code, said = self.compare(plain, record(("a", "x", "passed")))
        self.assertEqual(code, 1)
        self.assertIn("a: y", said)

    def test_listed(self):
        """A case that is listed for the flavour may be missing; for another one it may not."""
        plain, own = record(("a", "x", "passed"), ("a", "y", "passed")), record(("a", "x", "passed"))
        skips = "tsan | a: y | too slow\n"
        self.assertEqual(self.compare(plain, own, "tsan", skips)[0], 0)
        self.assertEqual(self.compare(plain, own, "asan", skips)[0], 1)

    def test_sanitizers_own(self):
        """The flavour's proof that it finds what is planted does not count as a case more."""
        own = record(("a", "x", "passed"), ("p", "z", "passed", ["x:sanitizer"]))
        self.assertEqual(self.compare(record(("a", "x", "passed")), own)[0], 0)

    def test_extra(self):
        """A case that only the flavour knows fails."""
        own = record(("a", "x", "passed"), ("a", "z", "passed"))
        self.assertEqual(self.compare(record(("a", "x", "passed")), own)[0], 1)


class TotalsTest(tap.Planted):
    def totals(self, records, *stages):
        self.plant(records)
        tool = tap.ROOT / "tools/ci_totals.py"
        run = subprocess.run(
            [sys.executable, str(tool), str(self.root), *stages],
            capture_output=True,
            text=True,
            check=False,
        )
        return run.returncode, run.stdout.splitlines()[-1]

    def test_sum(self):
        """The last line adds up all flavours."""
        records = {
            "tests.json": record(("a", "x", "passed"), ("a", "y", "passed")),
            "tsan.json": record(("a", "x", "passed"), ("a", "y", "skipped")),
        }
        self.assertEqual(self.totals(records), (0, "3 passed, 0 failed, 1 skipped"))

    def test_failed_case(self):
        """A stage that failed by its cases counts those and nothing more."""
        records = {"tests.json": record(("a", "x", "failed"), ("a", "y", "passed"))}
        self.assertEqual(self.totals(records, "tests"), (1, "1 passed, 1 failed"))

    def test_failed_stage(self):
        """A stage that failed without a case counts as one failure."""
        records = {"tests.json": record(("a", "x", "passed"))}
        self.assertEqual(self.totals(records, "check"), (1, "1 passed, 1 failed"))

    def test_nothing(self):
        """A run without a case fails."""
        self.assertEqual(self.totals({}), (1, "0 passed, 0 failed"))


tap.main()
