"""Counts of instructions are compared with those that are kept, and nothing fails unseen."""

import json
import os
import subprocess
import sys

import tap

# Stands for benchmarks/core_paths: two paths.
PROGRAM = """#!/bin/sh
case $1 in
  --list) printf 'fold 100 one event\\nsaga 10 a whole one\\n' ;;
  --about) printf 'compiler: %s\\n' "$(cat "$(dirname "$0")/compiler")" ;;
  *) exit 1 ;;
esac
"""
# Stands for valgrind: counts.json says what a round of each path takes; 7,000 are preparation.
VALGRIND = """#!/usr/bin/env python3
import json, os, sys
if sys.argv[1] == "--version":
    print("valgrind-3.19.0")
    sys.exit()
out = [a.split("=", 1)[1] for a in sys.argv if a.startswith("--callgrind-out-file=")][0]
path, _, times = sys.argv[-3:]
with open(os.path.join(os.path.dirname(sys.argv[0]), "counts.json")) as file:
    round_costs = json.load(file)[path]
for part, rounds in enumerate((1, int(times), 2 * int(times)), 1):
    if round_costs is not None:
        with open(f"{out}.{part}", "w") as file:
            file.write(f"events: Ir\\ntotals: {7000 + rounds * round_costs}\\n")
"""


class InstructionsTest(tap.Planted):
    def setUp(self):
        super().setUp()
        self.plant({"core_paths": PROGRAM, "valgrind": VALGRIND, "compiler": "gcc 12.2.0"})
        for program in ("core_paths", "valgrind"):
            os.chmod(self.root / program, 0o755)
        self.counts(fold=500, saga=20000)

    def counts(self, **counts):
        self.plant({"counts.json": json.dumps(counts)})

    def check(self, *arguments):
        run = subprocess.run(
            [sys.executable, str(tap.ROOT / "tools/instructions.py"), "core_paths", "kept.json", *arguments],
            cwd=self.root,
            env={"PATH": f"{self.root}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        return run.returncode, run.stdout + run.stderr

    def kept(self):
        return json.loads((self.root / "kept.json").read_text("utf-8"))["instructions"]

    def keep(self, **counts):
        self.counts(**counts)
        self.assertEqual(self.check("--update")[0], 0)
        self.assertEqual(self.kept(), counts)

    def test_update_and_same(self):
        """What is kept is what a round takes without preparation, and it compares with itself."""
        self.keep(fold=500, saga=20000)
        code, said = self.check()
        self.assertEqual(code, 0, said)
        self.assertIn("2 paths, 0 failed", said)

    def test_more(self):
        """Over three percent more fails and names the path; three percent do not."""
        self.keep(fold=500, saga=20000)
        self.counts(fold=500, saga=20600)
        self.assertEqual(self.check()[0], 0)
        self.counts(fold=500, saga=20601)
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(said, r"saga +20,000.0 +20,601.0 +\+3.0 % +MORE\n")
        self.assertIn("if that is on purpose: ./dev instructions --update", said)
        self.assertRegex(said, r"fold .* as kept")

    def test_less(self):
        """Over three percent less passes, and asks for an update."""
        self.keep(fold=500, saga=20000)
        self.counts(fold=500, saga=19000)
        code, said = self.check()
        self.assertEqual(code, 0)
        self.assertRegex(said, r"saga +20,000.0 +19,000.0 +-5.0 % +less\n")
        self.assertIn("1 paths take less; ./dev instructions --update", said)

    def test_few(self):
        """Two instructions more of a path that has few pass; three fail."""
        self.keep(fold=30, saga=20000)
        self.counts(fold=32, saga=20000)
        self.assertEqual(self.check()[0], 0)
        self.counts(fold=33, saga=20000)
        self.assertEqual(self.check()[0], 1)

    def test_nothing_kept(self):
        """Paths of which nothing is kept fail."""
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(said, r"fold +- +500.0 +- +NEW")

    def test_gone(self):
        """A kept path that the program does not have any more fails."""
        self.keep(fold=500, saga=20000)
        text = (self.root / "kept.json").read_text("utf-8")
        self.plant({"kept.json": text.replace('"fold"', '"plan": 7, "fold"')})
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(said, r"plan +7.0 +- +- +GONE")

    def test_nothing_measured(self):
        """A path that was not counted fails, and is not kept."""
        self.keep(fold=500, saga=20000)
        self.counts(fold=None, saga=20000)
        for arguments in ((), ("--update",)):
            code, said = self.check(*arguments)
            self.assertEqual(code, 1)
            self.assertIn("fold: callgrind counted []", said)
        self.assertEqual(self.kept()["fold"], 500)

    def test_other_compiler(self):
        """Counts of another compiler do not compare: that is said, and fails."""
        self.keep(fold=500, saga=20000)
        self.plant({"compiler": "gcc 13.1.0"})
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("compiler is gcc 13.1.0, kept with gcc 12.2.0", said)
        self.assertEqual(self.check("--update", "fold")[0], 1)
        self.assertEqual(self.check("--update")[0], 0)
        self.assertEqual(self.check()[0], 0)

    def test_named(self):
        """Named paths alone are compared, and kept."""
        self.keep(fold=500, saga=20000)
        self.counts(fold=700, saga=30000)
        code, said = self.check("fold")
        self.assertEqual(code, 1)
        self.assertNotIn("saga ", said)
        self.assertEqual(self.check("--update", "fold")[0], 0)
        self.assertEqual(self.kept(), {"fold": 700, "saga": 20000})

    def test_unknown_path(self):
        """A path that does not exist is named and exits with 2."""
        code, said = self.check("flod")
        self.assertEqual(code, 2)
        self.assertIn("no path flod", said)

    def test_damaged(self):
        """A file that does not read fails, and is written anew when all is updated."""
        self.plant({"kept.json": "{"})
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("kept.json does not read", said)
        self.assertEqual(self.check("--update", "fold")[0], 1)
        self.assertEqual(self.check("--update")[0], 0)
        self.assertEqual(self.check()[0], 0)


tap.main()
