"""The dev script says how it is used and refuses what it does not know."""

import subprocess

import tap


class DevTest(tap.Planted):
    def dev(self, *arguments):
        run = subprocess.run(
            [str(tap.ROOT / "dev"), *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return run.returncode, run.stdout, run.stderr

    def test_no_command(self):
        """Without a command it lists all of them and exits with 2."""
        code, _, said = self.dev()
        self.assertEqual(code, 2)
        for command in "demo test bench instructions check format build coverage setup".split():
            self.assertIn(f"\n  {command}", said)

    def test_unknown_command(self):
        """An unknown command is named and exits with 2."""
        code, _, said = self.dev("tset")
        self.assertEqual(code, 2)
        self.assertIn("unknown command tset", said)

    def test_unknown_flag(self):
        """An unknown flag of each own command is named and exits with 2."""
        for command in ("test", "build", "instructions", "check", "format", "coverage", "setup"):
            code, _, said = self.dev(command, "--fsat")
            self.assertEqual(code, 2, command)
            self.assertIn("--fsat", said)

    def test_second_filter(self):
        """A second filter for the tests is named, not passed over, and exits with 2."""
        code, _, said = self.dev("test", "saga", "store")
        self.assertEqual(code, 2)
        self.assertIn("'store' is a second", said)

    def test_help(self):
        """Asked for help it gives it and exits with 0."""
        code, said, _ = self.dev("--help")
        self.assertEqual(code, 0)
        self.assertIn("usage: ./dev COMMAND", said)


tap.main()
