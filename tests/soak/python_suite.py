"""python_suite.py MODULE OUTCOMES [TEST...]: runs one module of CPython's own test suite and writes one line
for each test, "outcome identifier", as soon as it is known: what a killed run had done is not lost.
"""
import os
import sys
import unittest

from test import support
from test.support import os_helper


class Outcomes(unittest.TestResult):
    def __init__(self, path):
        super().__init__()
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        # The tests close and copy low descriptors and count them.
        high = 900
        os.dup2(self.fd, high, inheritable=False)
        os.close(self.fd)
        self.fd = high
        self.pid = os.getpid()

    def note(self, outcome, test, error=None):
        if os.getpid() != self.pid:
            return  # a child that ran off into the rest of the suite
        os.write(self.fd, f"{outcome} {test.id()}\n".encode())
        if error:
            print(f"--- {outcome} {test.id()}\n{self._exc_info_to_string(error, test)}", file=sys.stderr)

    def startTest(self, test):
        super().startTest(test)
        self.note("started", test)

    def addSuccess(self, test):
        self.note("passed", test)

    def addFailure(self, test, error):
        self.note("failed", test, error)

    def addError(self, test, error):
        self.note("failed", test, error)

    def addSkip(self, test, reason):
        self.note("skipped", test)

    def addExpectedFailure(self, test, error):
        self.note("passed", test)

    def addUnexpectedSuccess(self, test):
        self.note("failed", test)

    def addSubTest(self, test, subtest, error):
        if error:
            self.note("failed", test, error)


def main():
    module, path, *names = sys.argv[1:]
    support.use_resources = ["subprocess"]
    loader = unittest.TestLoader()
    with os_helper.temp_cwd():
        suite = loader.loadTestsFromNames(names or [module])
        suite.run(Outcomes(path))


if __name__ == "__main__":  # multiprocessing's children import this file
    main()
