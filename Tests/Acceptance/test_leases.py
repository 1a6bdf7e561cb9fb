"""A fail-over takes as long with many leases as with few: a slice of long_leases.py."""

import os

from leases import FailoverTest

QUICK = bool(os.environ.get("HOLDFAST_TEST_QUICK"))


class Leases(FailoverTest):
    def test_a_failover_does_not_depend_on_the_number_of_leases(self):
        self.compare(few=10, many=500 if QUICK else 4_000, trials=3)
