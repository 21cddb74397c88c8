#!/usr/bin/env python3
"""What compare.py --against calls slower."""
import contextlib
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import against  # noqa: E402


class AgainstTest(unittest.TestCase):
    def report(self, counts, allowed=None):
        """The programs that are worse, and the table."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            worse = against.report_counts(counts, allowed or {}, 1.02)
        return worse, printed.getvalue()

    def test_two_percent_more_are_allowed_and_not_three(self):
        self.assertEqual(self.report({"a": [100, 102], "b": [100, 103], "c": [100, 50]})[0], ["b"])

    def test_a_reason_in_the_message_allows_one_program(self):
        worse, table = self.report({"a": [100, 200], "b": [100, 200]}, {"a": "checks more"})
        self.assertEqual(worse, ["b"])
        self.assertIn("accepted: checks more", table)

    def test_what_the_other_commit_cannot_run_is_new(self):
        worse, table = self.report({"a": [None, 200]})
        self.assertEqual(worse, [])
        self.assertIn("new", table)

    def test_time_must_be_longer_whichever_ran_first(self):
        samples = {"both": {"x": [10, 10, 11, 10], "here": [12, 11, 13, 12]},
                   "one": {"x": [10, 10, 10, 10], "here": [12, 10, 13, 10]},
                   "single": {"x": [10], "here": [12]}}
        found = against.slower(samples, "x", "here", 1.03)
        self.assertEqual(sorted(found), ["both", "single"])
        self.assertAlmostEqual(found["both"], 1.1)

    def test_modules_that_are_not_built(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "one.wasm").touch()
            table = {"one": ["run", f"{folder}/one.wasm", "3"]}
            against.check_modules(table, folder)
            table["two"] = ["run", f"{folder}/two.wasm"]
            with self.assertRaisesRegex(against.Failed, "two.wasm does not exist"):
                against.check_modules(table, folder)

    def test_commits_that_do_not_exist(self):
        with self.assertRaisesRegex(against.Failed, "no commit is named 'nosuch'"):
            against.build("nosuch", Path("nowhere"))

    def test_the_table_of_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "table")
            path.write_text("# about\none run {wasm}/one.wasm 3 # why\n\ntwo run {bench}/two.wat\n")
            self.assertEqual(against.read_table(path, "W"), {"one": ["run", "W/one.wasm", "3"],
                                                             "two": ["run", f"{against.HERE}/two.wat"]})

    def test_a_commit_that_does_not_exist_is_an_error(self):
        with self.assertRaises(against.Failed):
            against.changed("no-such-commit")

    def test_settings_of_a_build(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "CMakeCache.txt").write_text(
                "//about\nCMAKE_CXX_COMPILER:FILEPATH=/bin/c++\nCMAKE_CXX_FLAGS:STRING=\nOTHER:STRING=1\n")
            self.assertEqual(against.settings(Path(folder)), ["-DCMAKE_CXX_COMPILER=/bin/c++"])


if __name__ == "__main__":
    unittest.main()
