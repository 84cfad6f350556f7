# SPDX-License-Identifier: Apache-2.0
"""Runs one file of tests and prints its results as tests/run.sh reads them: run.py BUILD test_cri_x [unittest names]"""

import importlib
import os
import sys
import traceback
import unittest

sys.dont_write_bytecode = True


class Result(unittest.TestResult):
    """One line a test, with subtests counted as part of theirs."""

    def __init__(self):
        super().__init__()
        self.bad = False

    def startTest(self, test):
        super().startTest(test)
        self.bad = False
        print(f"[ RUN      ] {test.id()}", flush=True)

    def _fail(self, test, error):
        self.bad = True
        if getattr(test, "dialect", None):
            print(f"with a client of {test.dialect}:")
        print("".join(traceback.format_exception(*error)), flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)
        if not isinstance(test, unittest.TestCase):
            print(f"[  FAILED  ] {test.id()}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print(subtest.id())
            self._fail(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.bad = True
        print(f"[  SKIPPED ] {test.id()}: {reason}", flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        if not self.bad:
            print(f"[       OK ] {test.id()}", flush=True)
        elif not self.skipped or self.skipped[-1][0] is not test:
            print(f"[  FAILED  ] {test.id()}", flush=True)


def main():
    os.environ["CRI_TEST_BUILD"] = sys.argv[1]
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    module = importlib.import_module(sys.argv[2])
    loader = unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(sys.argv[3:], module) if sys.argv[3:] else loader.loadTestsFromModule(module)
    result = Result()
    tests.run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
