"""The program of the README, run as it stands there."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

HOME = Path(__file__).parent.parent


class Readme(unittest.TestCase):
    def test_its_program_labels_a_user(self):
        program = re.search(r"```python\n(.*?)```", (HOME / "README.md").read_text(), re.DOTALL)[1]
        run = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, cwd=HOME)
        self.assertEqual(run.stderr, "")
        self.assertEqual(run.stdout.splitlines()[1:], ["profile: partial", "email: verified", "the account is active"])
