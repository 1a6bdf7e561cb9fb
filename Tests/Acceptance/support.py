"""What the acceptance tests share: the binary, clusters in temporary folders, patience."""

import os
import pathlib
import random
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Cluster"))

from holdfast_cluster import (  # noqa: E402
    FIVE_IN_THREE, THREE_IN_THREE, Answer, ClusterError, Daemon, HoldfastCluster,
    clean_environment, wait_until,
)

BINARY = os.environ.get("HOLDFAST_BINARY", str(ROOT / ".build/debug/holdfast"))
ONE = [("eu-1", "eu", "eu-a")]


class ClusterTest(unittest.TestCase):
    """A test with clusters that end with it. Prints the logs' ends when it failed.

    Whatever a test does, the nodes' logs must not hold a token, a share or a password that it used.
    """

    # For a test whose choices are always the same.
    seed_default = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="holdfast-test-")
        self.clusters = []
        self.helpers = []
        # Printed so that a failure can be repeated: HOLDFAST_TEST_SEED=n.
        default = self.seed_default or random.randrange(1 << 32)
        self.seed = int(os.environ.get("HOLDFAST_TEST_SEED", default))
        self.random = random.Random(self.seed)

    def tearDown(self):
        outcome = self._outcome.result
        failed = any(test is self for test, _ in outcome.errors + outcome.failures)
        # A thread that outlives its cluster would write into the folder that is removed below.
        for thread, over in self.helpers:
            over.set()
            thread.join(60)
        for cluster in self.clusters:
            cluster.stop()
            if failed:
                for node in cluster.nodes:
                    if node.daemon:
                        print(f"--- {node.name}\n{node.daemon.last_lines(25)}", file=sys.stderr)
        leaks = [leak for cluster in self.clusters for leak in cluster.secrets_in_logs()]
        if failed:
            print(f"repeat with HOLDFAST_TEST_SEED={self.seed}", file=sys.stderr)
        self.folder.cleanup()
        self.assertEqual(leaks, [], "lines of logs that hold tokens, shares or passwords")

    def start_beside(self, threads, over=None):
        """Starts threads that heed an event, by default their own `over`; they end with the test."""
        for thread in threads:
            thread.start()
            self.helpers.append((thread, over or thread.over))

    def cluster(self, members=THREE_IN_THREE, **options):
        folder = pathlib.Path(self.folder.name) / f"cluster-{len(self.clusters)}"
        cluster = HoldfastCluster(BINARY, folder, members, **options)
        self.clusters.append(cluster)
        return cluster

    def open_cluster(self, members=THREE_IN_THREE, shares=5, threshold=3, **options):
        """Started, initialised, unsealed, with KV v2 at secret/."""
        cluster = self.cluster(members, **options)
        cluster.start_all()
        cluster.initialise(shares, threshold)
        cluster.unseal_all()
        cluster.wait_for_leader()
        cluster.enable_kv()
        return cluster
