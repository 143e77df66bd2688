"""A planted bug is reported by the sanitizer that this build is made with.

usage: planted_test.py PROGRAM WHAT_THE_REPORT_SAYS
"""

import subprocess
import sys
import unittest

import tap

PROGRAM, SAID = sys.argv[1:3]


class PlantedTest(unittest.TestCase):
    def test_reported(self):
        run = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, timeout=60)
        self.assertNotEqual(run.returncode, 0, run.stderr)
        self.assertIn(SAID, run.stderr)

    test_reported.__doc__ = f"A planted bug is reported as {SAID} and ends the program"


tap.main()
