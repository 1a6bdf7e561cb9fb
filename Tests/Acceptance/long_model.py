"""The random walks against a model for as long as wanted; see model.py. Not among the tests that
always run (test_model.py has a slice). About 15 seconds a round:

    HOLDFAST_TEST_MODEL_ROUNDS=200 Tests/Acceptance/run long_model
"""

import os
import unittest

from model import ModelTest


class Model(ModelTest):
    rounds = int(os.environ.get("HOLDFAST_TEST_MODEL_ROUNDS", 100))

    def test_random_walks_over_nodes_that_are_killed(self):
        self.walk(self.rounds, steps=80)


if __name__ == "__main__":
    unittest.main()
