"""A job of many steps whose leader is killed after each step that is seen: the next leader goes on
behind the last committed one, and everything is done once."""

import pathlib
import shutil
import subprocess
import time
import unittest

from leases import make_leases
from support import ClusterTest, wait_until

TOKENS = 700
# So slow is each node's disk that a step of the job can be seen before the next.
DELAY_MILLISECONDS = 80
PER_STEP = 64


class Takeover(ClusterTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("strace is missing")
        self.tracers = []

    def tearDown(self):
        super().tearDown()
        for tracer in self.tracers:
            tracer.wait(30)
            tracer.stderr.close()

    def slow_down(self, node):
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
             "-e", f"inject=fdatasync:delay_enter={DELAY_MILLISECONDS * 1000}",
             "-p", str(node.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.tracers.append(tracer)

        def attached():
            if tracer.poll() is not None:
                self.skipTest(f"strace may not attach here: {tracer.stderr.read().strip()}")
            status = pathlib.Path(f"/proc/{node.pid}/status").read_text()
            return "TracerPid:\t0" not in status

        wait_until("strace is attached", attached)

    def job(self, cluster):
        """Batches and items of the only job there is, or None."""
        for node in cluster.nodes:
            if not node.is_alive():
                continue
            try:
                answer = cluster.call(
                    node, "LIST", "sys/jobs", token=cluster.root_token, timeout=5)
            except OSError:
                continue
            if answer.status == 404:
                return None
            if answer.status == 200:
                facts, = answer.json["data"]["key_info"].values()
                self.assertEqual(facts["failures"], 0, facts)
                return facts["batches"], facts["done"]
        return False

    def create(self, cluster, path, ttl):
        leader = cluster.wait_for_leader()
        return cluster.ask(leader, "POST", path, {"ttl": ttl})["auth"]["client_token"]

    def is_alive(self, cluster, token):
        leader = cluster.wait_for_leader()
        return cluster.call(leader, "GET", "auth/token/lookup-self", token=token).status == 200

    def take_over(self, cluster):
        """Kills the leader after each step that is seen; returns what was seen."""
        seen = []
        deadline = time.monotonic() + 240
        while True:
            self.assertLess(time.monotonic(), deadline, f"the job does not end: {seen}")
            found = self.job(cluster)
            if found is None:
                return seen
            if found is False or seen and found == seen[-1]:
                continue
            if seen:
                self.assertGreater(found[0], seen[-1][0], "a step was lost")
                self.assertGreaterEqual(found[1], seen[-1][1], "items were lost")
            # A step that was done twice would count its items twice.
            self.assertLessEqual(found[1], found[0] * PER_STEP)
            seen.append(found)
            leader = cluster.leader()
            if leader is None:
                continue
            cluster.kill(leader)
            cluster.restart(leader, wait=False)
            cluster.wait_until_answering(leader, 60)
            cluster.unseal(leader, seconds=60)
            self.slow_down(leader)

    def test_a_job_is_taken_over_at_each_step(self):
        cluster = self.open_cluster(tls=False)
        leader = cluster.wait_for_leader()
        path = "auth/token/create/sweep"
        cluster.ask(leader, "POST", "auth/token/roles/sweep", {"orphan": True})
        make_leases(cluster, TOKENS, path=path)
        old = self.create(cluster, path, "24h")
        other = self.create(cluster, "auth/token/create", "24h")
        for node in cluster.nodes:
            self.slow_down(node)
        cluster.ask(leader, "PUT", f"sys/leases/revoke-prefix/{path}", {}, timeout=60)
        # Over from now on, though hardly any of it is swept.
        self.assertFalse(self.is_alive(cluster, old))
        new = self.create(cluster, path, "24h")
        seen = self.take_over(cluster)
        print(f"\n{len(seen)} leaders were killed, at (batches, items) {seen}")
        self.assertGreaterEqual(len(seen), 4, "too few steps were seen to prove anything")
        self.assertFalse(self.is_alive(cluster, old))
        # What was made later was not meant.
        self.assertTrue(self.is_alive(cluster, new))
        self.assertTrue(self.is_alive(cluster, other))
        leader = cluster.wait_for_leader()
        # The root token's, and those of the two.
        self.assertEqual(
            len(cluster.ask(leader, "LIST", "auth/token/accessors")["data"]["keys"]), 3)
        leases = cluster.ask(leader, "LIST", f"sys/leases/lookup/{path}")["data"]["keys"]
        self.assertEqual(len(leases), 1)


if __name__ == "__main__":
    unittest.main()
