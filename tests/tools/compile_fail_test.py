"""The compile-fail driver takes one sentence for success and nothing else."""

import json
import sys

import tap

sys.path.insert(0, str(tap.ROOT / "tests/compile_fail"))
import run as driver  # noqa: E402

GCC = "a.cc:3:1: error: static assertion failed: say what to write\n"
CLANG = "a.cc:3:1: error: static assertion failed due to requirement 'A<'x'>::v': say what to write\n"


class JudgeTest(tap.Planted):
    def judge(self, output, code=1):
        return driver.judge_wrong("say what to write", code, output)

    def test_both_compilers(self):
        """The sentence is found in the words of both compilers, with and without quotes."""
        quoted = CLANG.replace("say what to write", '"say what to write"')
        for output in (GCC, CLANG, quoted, "In file included from b.h:1:\n" + GCC + "a.cc:4: note: x\n"):
            self.assertIsNone(self.judge(output), output)

    def test_compiles(self):
        """Wrong code that compiles fails."""
        self.assertIn("it compiles", self.judge("", code=0))

    def test_more_errors(self):
        """A sentence followed by another error fails: the user would have to search."""
        self.assertIn("got 2", self.judge(GCC + "a.cc:9:1: error: no matching function\n"))

    def test_other_error(self):
        """An error that is no static assertion fails."""
        self.assertIn("wanted a failed static", self.judge("a.cc:9:1: error: no such file\n"))

    def test_other_sentence(self):
        """A static assertion that says something else fails, a longer one too."""
        self.assertIn("wanted: say", self.judge(GCC.replace("say", "tell")))
        self.assertIn("wanted: say", self.judge(GCC.replace("write", "write, and more")))


class DriverTest(tap.Planted):
    def problem(self, text):
        source = "tests/compile_fail/flags/flags.cc"
        entry = {"directory": str(self.root), "file": source}
        entry["command"] = f"ccache c++ -std=c++20 -O2 -MD -MF x.d -o x.o -c {source}"
        self.plant({"compile_commands.json": json.dumps([entry]), "case.cc": text})
        command, folder = driver.compiler(self.root)
        return driver.run_case(command, folder, self.root / "case.cc")

    def test_good_case(self):
        """A case with a wrong half that is refused and a right half that compiles passes."""
        text = '// EXPECT: one is "not" two\n#ifdef SKALD_RIGHT\nint x;\n#else\n'
        self.assertIsNone(self.problem(text + 'static_assert(1 == 2, "one is \\"not\\" two");\n#endif\n'))

    def test_long_sentence(self):
        """A sentence may go on over the lines of the first comment."""
        text = '// EXPECT: one is\n// not two\n\n// Why.\n#ifdef SKALD_RIGHT\nint x;\n#else\n'
        self.assertIsNone(self.problem(text + 'static_assert(1 == 2, "one is not two");\n#endif\n'))

    def test_wrong_right_half(self):
        """A case whose right half does not compile fails."""
        text = '// EXPECT: no\n#ifdef SKALD_RIGHT\nint;;x\n#else\nstatic_assert(1 == 2, "no");\n#endif\n'
        self.assertIn("the right half does not compile", self.problem(text))

    def test_unwritten_parts(self):
        """A case without a sentence or without a right half fails."""
        self.assertIn("EXPECT", self.problem("int x;\n"))
        self.assertIn("SKALD_RIGHT", self.problem("// EXPECT: no\nstatic_assert(1 == 2, \"no\");\n"))


tap.main()
