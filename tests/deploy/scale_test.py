"""The plan of docs/scale.md is what its inputs give."""

import subprocess
import sys
import unittest

from files import ROOT


class Scale(unittest.TestCase):
    def test_the_tables_and_the_plot_are_what_the_simulation_writes(self):
        done = subprocess.run([sys.executable, str(ROOT / "bench/scale/simulate.py"), "--check"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
