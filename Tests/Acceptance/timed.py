"""Runs test modules as `python -m unittest -v` does, and tells how long each test took.

    python timed.py MODULE ...

Exit code 0 only if all passed.
"""

import sys
import time
import unittest

SLOWEST = 15


class TimedResult(unittest.TextTestResult):
    """Keeps how long each test took, the setting up and tearing down included."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.seconds = []
        self._began = 0.0

    def startTest(self, test):
        self._began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        self.seconds.append((time.monotonic() - self._began, test.id()))

    def printErrors(self):
        """Before the errors, which a reader of the last lines wants to find last."""
        slowest = sorted(self.seconds, reverse=True)[:SLOWEST]
        self.stream.writeln("\n\nwhat took longest:")
        for seconds, name in slowest:
            self.stream.writeln(f"{seconds:8.1f} s  {name}")
        super().printErrors()


def main():
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
    runner = unittest.TextTestRunner(verbosity=2, resultclass=TimedResult)
    return 0 if runner.run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
