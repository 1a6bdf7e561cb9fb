"""A slice of the long run of corruptions (long_corruption.py says what each of them is)."""

import unittest

import long_corruption


class CorruptionSlice(long_corruption.Corruption):
    corruptions = 18


if __name__ == "__main__":
    unittest.main()
