"""The packages as others install and check them."""

import subprocess
import sys
import tempfile
import textwrap
import unittest
import zipfile
from pathlib import Path

HOME = Path(__file__).parent.parent


class Packages(unittest.TestCase):
    def test_wheel_has_the_sources_and_their_types(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, "."],
                check=True, cwd=HOME,
            )
            (wheel,) = Path(folder).glob("barong_management-*-py3-none-any.whl")
            with zipfile.ZipFile(wheel) as content:
                names = set(content.namelist())
                metadata = content.read(next(n for n in names if n.endswith(".dist-info/METADATA"))).decode()
        self.assertLessEqual({
            "barong/__init__.py", "barong/client.py", "barong/py.typed", "barong_signing/__init__.py", "barong_signing/py.typed", "barong_management/__init__.py", "barong_management/__init__.pyi",
            "barong_management/py.typed", "barong_management/api/users_api.py", "barong_management/models/user.py",
        }, names)
        self.assertFalse([name for name in names if name.startswith("tests")])
        for line in "Name: barong-management", "Requires-Dist: urllib3", "Requires-Python: >=3.9":
            self.assertIn(line, metadata)

    def checked(self, program):
        """What a type checker says of a program."""
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write(textwrap.dedent(program))
            file.flush()
            run = subprocess.run(
                [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary", file.name], capture_output=True, text=True, cwd=HOME,
            )
        return run.stdout + run.stderr

    def test_type_checkers_refuse_what_the_interface_does_not_have(self):
        program = """
            from barong import ApiError, Client, Envelope, Retries, Signer
            from barong_management import LabelsApi, ListUsersParameters, UpdateLabelParameters
            client = Client("http://localhost", Envelope(Signer("backend-1", "a secret", "HS256")), retries=Retries(attempts=5))
            try:
                label = client.labels.update_label(UpdateLabelParameters(user_uid="ID1", key="plan", value="gold", replace=False))
            except ApiError as error:
                print([violation.code.upper() for violation in error.violations], error.retry_after or 0.5)
            print(label.value.upper(), [user.uid for user in client.users.list_all(ListUsersParameters(limit=1))])
            print(LabelsApi(client).update_label(UpdateLabelParameters(user_uid="ID1", key="plan", value="gold")).key)
        """
        self.assertEqual(self.checked(program), "")
        for right, wrong in {
            "replace=False": "replce=False", "label.value": "label.valeu", "limit=1": "limit='one'", ', key="plan"': "", "Signer(": "Signer(1, ", "attempts=5": "attemps=5", "violation.code": "violation.cod", "user.uid": "user.id",
        }.items():
            with self.subTest(wrong):
                self.assertIn("error:", self.checked(program.replace(right, wrong)))

    def test_the_sources_are_typed(self):
        run = subprocess.run([sys.executable, "-m", "mypy", "-p", "barong", "-p", "barong_signing"], capture_output=True, text=True, cwd=HOME)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
