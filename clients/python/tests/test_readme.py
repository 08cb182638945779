"""The programs of the README, run as they stand there, as one."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

HOME = Path(__file__).parent.parent


class Readme(unittest.TestCase):
    def test_its_programs_do_what_it_says(self):
        programs = re.findall(r"```python\n(.*?)```", (HOME / "README.md").read_text(), re.DOTALL)
        run = subprocess.run([sys.executable, "-"], input="\n".join(programs), capture_output=True, text=True, cwd=HOME)
        self.assertEqual(run.stderr, "")
        self.assertEqual(run.stdout.splitlines()[1:], [
            "profile: partial", "email: verified", "the account is active",
            "users found: True",
            "it is True",
            "the plan is gold",
            "replayed: False", "replayed: True",
            "listed: True", "filtered: active",
            "422 invalid_record [('email', 'email_invalid'), ('password', 'password_too_weak')]",
            "barong /timestamp 201 1",
        ])
