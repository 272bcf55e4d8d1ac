"""docs/pitfalls.md names a test for each trap. A test that was renamed or removed must not leave the page telling
of it, and a row without a test is a promise."""
import glob
import os
import re
import unittest

import harness

PAGE = os.path.join(harness.ROOT, "docs/pitfalls.md")


def tests_that_exist():
    found = set()
    for path in glob.glob(os.path.join(harness.ROOT, "tests/*/test_*.py")):
        file = os.path.basename(path).removesuffix(".py")
        with open(path, encoding="utf-8") as source:
            found |= {f"{file}.{name}" for name in re.findall(r"def (test_\w+)\(self", source.read())}
    for path in glob.glob(os.path.join(harness.ROOT, "tests/unit/*.cpp")):
        with open(path, encoding="utf-8") as source:
            found |= {".".join(names) for names in re.findall(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", source.read())}
    return found


class Pitfalls(unittest.TestCase):
    def test_every_named_test_exists(self):
        with open(PAGE, encoding="utf-8") as page:
            rows = [line.strip().strip("|").split("|") for line in page if line.startswith("| ")]
        rows = [row for row in rows if row[0].strip() != "trap"]
        self.assertGreater(len(rows), 40)
        exist = tests_that_exist()
        for trap, tests in rows:
            named = re.findall(r"`([\w.]+)`", tests)
            self.assertTrue(named, f"no test is named for: {trap}")
            self.assertEqual([name for name in named if name not in exist], [], trap)


if __name__ == "__main__":
    harness.main()
