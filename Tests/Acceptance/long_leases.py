"""A fail-over with 10 leases and with a million. Not among the tests that always run (test_leases.py
has a slice). A million leases take some 3 GiB of disk and, with an optimised build, ten minutes:

    swift build -c release --product holdfast
    Tests/Acceptance/run --binary .build/release/holdfast long_leases
"""

import os
import unittest

from leases import FailoverTest


class ManyLeases(FailoverTest):
    count = int(os.environ.get("HOLDFAST_TEST_LEASES", 1_000_000))

    def test_a_failover_with_a_million_leases(self):
        self.compare(few=10, many=self.count, trials=10, say=lambda text: print(text, flush=True))


if __name__ == "__main__":
    unittest.main()
