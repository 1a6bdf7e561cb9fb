"""A slice of the thousand random corruptions (see corruption.py and long_corruption.py)."""

from corruption import CorruptionTest


class CorruptionSlice(CorruptionTest):
    # So that a failure of one run is one of the next; the files themselves differ a little.
    seed_default = 3001

    def test_a_slice_of_the_damage(self):
        self.corrupt(40)
