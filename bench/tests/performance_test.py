#!/usr/bin/env python3
"""The tables and charts of docs/performance.md."""
import copy
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "performance"))
import pages  # noqa: E402

DATA = {
    "date": "2026-01-02", "commit": "abc", "machine": {"processor": "P", "processors": 2, "system": "S"},
    "compilers": ["clang"], "engines": {"warpbeam": "", "wasm3": "its commit"}, "rounds": 3, "short": True, "load": 0.5,
    "commits": {"public": "abc", "features": "def"},
    "sizes": {"wasm3": 1234567, "script": None},
    "sections": {
        "public": {
            "one": {"wasm3": {"seconds": [4.0, 2.0], "rss_kib": 2048}, "warpbeam": {"seconds": [0.5, 1.0], "rss_kib": 512}},
            "two": {"wasm3": {"seconds": [1.0], "rss_kib": 1}, "warpbeam": {"seconds": [1.0], "rss_kib": 1}},
            "three & more": {"wasm3": {"failed": "no"}, "warpbeam": {"seconds": [1.0], "rss_kib": 1}},
        },
        "features": {"trees": {"warpbeam": {"seconds": [0.02], "rss_kib": 1024}}},
    },
}


class PerformanceTest(unittest.TestCase):
    def test_the_least_times_decide(self):
        self.assertEqual(pages.ratios(DATA["sections"]["public"])["one"], {"wasm3": 1.0, "warpbeam": 4.0})

    def test_what_fails_has_no_ratio_and_no_part_in_the_mean(self):
        table = pages.compared(DATA["sections"]["public"])
        self.assertIn("| three & more | fails | 1.00 s | - |", table)
        self.assertIn("| geometric mean |  |  | 2.00 |", table)
        self.assertIn("| one | 2.00 s | 500 ms | 4.00 | 2.0 | 0.5 |", table)

    def test_of_many_engines_the_others_have_only_ratios(self):
        one = {engine: {"seconds": [1.0], "rss_kib": 1024} for engine in ("a", "b", "c", "d")}
        table = pages.compared({"one": {**one, "warpbeam": {"seconds": [0.5], "rss_kib": 2048}}})
        self.assertIn("| program | a | warpbeam | b / a | c / a | d / a | warpbeam / a | MiB a | MiB warpbeam |", table)
        self.assertIn("| one | 1.00 s | 500 ms | 1.00 | 1.00 | 1.00 | 2.00 | 1.0 | 2.0 |", table)

    def test_features_without_peers(self):
        self.assertIn("| trees | 20 ms | 1.0 |", pages.alone(DATA["sections"]["features"]))

    def test_conditions_name_the_engines_that_ran_and_older_parts(self):
        text = pages.conditions({**DATA, "engines": {**DATA["engines"], "other": "not here"}})
        self.assertIn("* wasm3: its commit", text)
        self.assertNotIn("other", text)
        self.assertIn("Measured before: features at def.", text)

    def test_published_figures_only_beside_a_like_processor(self):
        self.assertIn("Not measured on a processor like", pages.published(DATA))
        section = {"sort": {"warpbeam": {"seconds": [0.194], "rss_kib": 1}}, "other": {"warpbeam": {"failed": "no"}}}
        like = {**DATA, "machine": {"processor": "AMD EPYC"}, "sections": {"public": section}}
        self.assertIn("| sort | 388 ms | 194 ms | 2.00 |\n| geometric mean |  |  | 2.00 |", pages.published(like))

    def test_sizes_of_programs_only(self):
        self.assertIn("| wasm3 | 1,234,567 |", pages.sizes(DATA))
        self.assertNotIn("script", pages.sizes(DATA))

    def test_a_part_that_was_not_measured_says_so(self):
        page = "a\n<!-- real -->\nold\n<!-- end -->\nb"
        self.assertEqual(pages.fill(page, {}), "a\n<!-- real -->\nNot measured.\n<!-- end -->\nb")
        self.assertEqual(pages.fill(page, {"real": "new"}), "a\n<!-- real -->\nnew\n<!-- end -->\nb")

    def test_writing_makes_it_up_to_date(self):
        with tempfile.TemporaryDirectory() as folder:
            docs = Path(folder)
            (docs / "performance").mkdir()
            (docs / "performance.md").write_text("x\n<!-- public -->\n<!-- end -->\n")
            self.assertEqual(len(pages.write(DATA, docs, only_check=True)), 2)
            self.assertEqual(pages.write(DATA, docs, only_check=False), [])
            self.assertEqual(pages.write(DATA, docs, only_check=True), [])
            ElementTree.parse(docs / "performance/public.svg")
            other = copy.deepcopy(DATA)
            other["sections"]["public"]["one"]["warpbeam"]["seconds"] = [0.25]
            self.assertEqual(len(pages.write(other, docs, only_check=True)), 2)


if __name__ == "__main__":
    unittest.main()
