"""The tests are collected also where Hypothesis is not installed, as in Hummingbot's own environment."""

import re
import runpy
import sys
import unittest
from pathlib import Path
from test.hummingbot.connector.derivative.acme_perpetual import fuzzing
from unittest.mock import patch


class WithoutHypothesisTests(unittest.TestCase):
    def test_its_tests_are_skipped(self):
        with patch.dict(sys.modules, {"hypothesis": None}):
            names = runpy.run_path(fuzzing.__file__)
        values = names["st"].none() | names["st"].recursive(names["st"].text(), lambda children: children).map(str)

        @names["settings"](suppress_health_check=[names["HealthCheck"].too_slow])
        @names["given"](values)
        @names["example"](1)
        def test(value):
            self.fail("was run")

        with self.assertRaisesRegex(unittest.SkipTest, "hypothesis is not installed"):
            test()

    def test_no_other_module_imports_it(self):
        tests = Path(fuzzing.__file__).parents[3]
        importing = [
            path
            for path in tests.rglob("*.py")
            if re.search(r"^(from|import) hypothesis", path.read_text(), re.MULTILINE)
        ]

        self.assertEqual([], importing)
