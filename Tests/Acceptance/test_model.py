"""A slice of the random walks against a model (see model.py and long_model.py)."""

import os

from model import ModelTest

QUICK = bool(os.environ.get("HOLDFAST_TEST_QUICK"))


class ModelSlice(ModelTest):
    def test_a_slice_of_the_walks(self):
        self.walk(rounds=3 if QUICK else 7, steps=60)
