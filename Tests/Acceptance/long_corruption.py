"""A thousand random corruptions of any file of one node of three; see corruption.py. A long run, so
it is not among the tests that always run (test_corruption.py has a slice). About a second each:

    HOLDFAST_TEST_CORRUPTIONS=1000 Tests/Acceptance/run long_corruption
"""

import os
import unittest

from corruption import CorruptionTest


class Corruption(CorruptionTest):
    corruptions = int(os.environ.get("HOLDFAST_TEST_CORRUPTIONS", 1000))

    def test_damage_of_any_file_of_one_node(self):
        self.corrupt(self.corruptions)


if __name__ == "__main__":
    unittest.main()
