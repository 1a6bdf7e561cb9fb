"""A slice of `long_corruption`: damage to any file of one node of three."""

import os

import long_corruption


class CorruptionSlice(long_corruption.Corruption):
    corruptions = int(os.environ.get("HOLDFAST_TEST_CORRUPTIONS", 25))
