"""Lets a unittest file speak TAP, so that its cases are counted one by one.

The first line of a test's docstring is its name. A file ends with `tap.main()`.
"""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "checks")]
sys.dont_write_bytecode = True


class Planted(unittest.TestCase):
    """A test case with a folder of its own to plant files in."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def plant(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self.root


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def say(self, test, word, note=""):
        self.number += 1
        name = (test.shortDescription() or test.id()).rstrip(".")
        print(f"{word} {self.number} - {name}{note}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say(test, "ok")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.explain(test, self.failures)

    def addError(self, test, err):
        super().addError(test, err)
        self.explain(test, self.errors)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say(test, "ok", f" # SKIP {reason}")

    def explain(self, test, kept):
        self.say(test, "not ok")
        print("".join(f"# {line}\n" for line in kept[-1][1].splitlines()), end="", flush=True)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print(f"1..{suite.countTestCases()}", flush=True)
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() and result.number else 1)
