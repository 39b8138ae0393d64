"""Tests of the installed package: ``python -m unittest discover python/tests``."""

import importlib.util
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import clinstruct
from clinstruct._program import flags

HAS_DATASETS = importlib.util.find_spec("datasets") is not None


class Flags(unittest.TestCase):
    def test_settings_are_flags(self):
        settings = {
            "limit": 3,
            "max_cost": 0.5,
            "gate": True,
            "no_seed": False,
            "model": None,
            "part": ["a", "b"],
            "role": {"user": "chat:m"},
            "resources": Path("x"),
        }
        expected = ["--limit=3", "--max-cost=0.5", "--gate", "--part=a", "--part=b", "--role=user=chat:m", "--resources=x"]
        self.assertEqual(flags(settings), expected)


class Program(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.out = Path(folder.name) / "run"
        cls.summary = clinstruct.build(cls.out, progress=False, limit=3, misbehave="none", seed=7)

    def test_build_returns_the_summary(self):
        self.assertTrue(self.summary["counts_add_up"])
        self.assertEqual(self.summary["seed"], 7)
        self.assertEqual([part["seed_rows"] for part in self.summary["parts"]], [3, 3, 3])
        self.assertTrue((self.out / "dataset" / "README.md").is_file())

    def test_check_returns_the_metrics(self):
        report = clinstruct.check(self.out)
        rows = sum(part["in_dataset"] for part in self.summary["parts"])
        self.assertEqual(report["metrics"]["conversations"], rows)
        with self.assertRaises(TypeError):
            clinstruct.check()

    def test_an_error_has_code_and_text(self):
        with self.assertRaises(clinstruct.ClinstructError) as caught:
            clinstruct.build(self.out, progress=False, part="no-such-part")
        error = caught.exception
        self.assertEqual(error.code, 2)
        self.assertIn("no-such-part", error.stderr)
        self.assertIn("error: ", str(error))
        self.assertIsNone(error.summary)
        self.assertEqual(pickle.loads(pickle.dumps(error)).code, 2)
        with self.assertRaises(clinstruct.ClinstructError) as caught:
            clinstruct.check("/no/such/file.jsonl")
        self.assertEqual(caught.exception.code, 2)

    def test_the_module_is_the_program(self):
        command = [sys.executable, "-m", "clinstruct", "--version"]
        version = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.assertTrue(version.startswith("clinstruct "), version)

    @unittest.skipIf(HAS_DATASETS, "datasets is installed")
    def test_load_says_what_is_missing(self):
        with self.assertRaisesRegex(ImportError, "pip install datasets"):
            clinstruct.load(self.out)

    @unittest.skipUnless(HAS_DATASETS, "datasets is not installed")
    def test_load_returns_rows(self):
        planned = {part["part"]: part["in_dataset"] for part in self.summary["parts"]}
        everything = clinstruct.load(self.out)
        self.assertEqual(sum(split.num_rows for split in everything.values()), sum(planned.values()))
        one = clinstruct.load(self.out / "dataset", "task-subtopic")
        self.assertEqual(sum(split.num_rows for split in one.values()), planned["task-subtopic"])
        with self.assertRaisesRegex(ValueError, "no part 'other'"):
            clinstruct.load(self.out, "other")
        with self.assertRaises(FileNotFoundError):
            clinstruct.load(self.out / "raw")


if __name__ == "__main__":
    unittest.main()
