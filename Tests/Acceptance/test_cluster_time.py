"""Clocks that are wrong, together or alone: tokens and leases go by cluster time.

Each process's wall clock is shifted by a library of ours that is preloaded, see shifted_clock.c.
"""

import pathlib
import subprocess
import time

from support import BINARY, ClusterTest, clean_environment, wait_until

SOURCE = pathlib.Path(__file__).with_name("shifted_clock.c")
HOUR = 3_600


class ClusterTime(ClusterTest):
    def setUp(self):
        super().setUp()
        self.library = pathlib.Path(self.folder.name) / "shifted_clock.so"
        # It comes with Swift.
        subprocess.run(
            ["clang", "-shared", "-fPIC", "-O1", "-Wall", "-o", self.library, SOURCE], check=True
        )

    def shift(self, node, seconds):
        """The clock of this node's next process; its monotonic ones stay as they are."""
        node.daemon.argv = [
            "env", f"LD_PRELOAD={self.library}", f"CLOCK_SHIFT_SECONDS={seconds}",
            BINARY, "server", "--config", str(node.config),
        ]

    def start(self, shifts=(0, 0, 0)):
        cluster = self.cluster()
        cluster.prepare()
        for node, seconds in zip(cluster.nodes, shifts):
            if seconds:
                self.shift(node, seconds)
        cluster.start_all()
        cluster.initialise(5, 3)
        cluster.unseal_all()
        cluster.wait_for_leader()
        return cluster

    def again(self, cluster, seconds):
        """All nodes stop, and start with other clocks."""
        for node in cluster.nodes:
            node.daemon.stop()
        for node in cluster.nodes:
            self.shift(node, seconds)
            node.daemon.start()
        for node in cluster.nodes:
            cluster.wait_until_answering(node)
        cluster.unseal_all()
        cluster.wait_for_leader()

    def token(self, cluster, node, ttl):
        body = {"ttl": ttl, "policies": ["default"], "no_parent": True}
        return cluster.ask(node, "POST", "auth/token/create", body)["auth"]["client_token"]

    def ttl(self, cluster, node, token):
        """What is left of a token; None when it is no more."""
        answer = cluster.call(node, "GET", "auth/token/lookup-self", token=token, timeout=35)
        if answer.status == 403:
            return None
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json["data"]["ttl"]

    def lead(self, cluster, node):
        environment = clean_environment() | {
            "HOLDFAST_ADDR": node.address, "HOLDFAST_TOKEN": cluster.root_token,
            "HOLDFAST_CACERT": cluster.ca_file(),
        }
        return subprocess.run([BINARY, "cluster", "transfer", node.name], env=environment,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)

    def test_one_clock_that_is_ahead_ends_nothing_and_does_not_lead(self):
        cluster = self.start((HOUR, 0, 0))
        wrong, right = cluster.nodes[0], cluster.nodes[1:]
        token = self.token(cluster, right[0], "10m")

        def complains():
            return "ahead of the median" in wrong.daemon.log.read_text(errors="replace")

        wait_until("the node says that its clock is wrong", complains, 30)
        wait_until("another node leads", lambda: cluster.wait_for_leader() is not wrong, 30)
        self.lead(cluster, wrong)
        made, born = self.token(cluster, wrong, "10m"), time.time()
        wait_until("another node leads again", lambda: cluster.wait_for_leader() is not wrong, 90)
        for node in cluster.nodes:
            for each in (token, made):
                left = self.ttl(cluster, node, each)
                self.assertIsNotNone(left, f"{node.name} has ended a token of ten minutes")
                self.assertTrue(400 < left <= 600, left)
        data = cluster.call(right[0], "GET", "auth/token/lookup-self", token=made).json["data"]
        self.assertLess(abs(data["creation_time"] - born), 5)

    def test_an_outage_counts_and_no_clock_takes_time_back(self):
        cluster = self.start()
        leader = cluster.wait_for_leader()
        short, long = self.token(cluster, leader, "30m"), self.token(cluster, leader, "3h")
        self.again(cluster, HOUR)
        for node in cluster.nodes:
            wait_until(f"{node.name} has heard of the hour",
                       lambda: self.ttl(cluster, node, short) is None, 30)
            left = self.ttl(cluster, node, long)
            self.assertTrue(1.9 * HOUR < left <= 2 * HOUR, left)
        cluster.ask(cluster.wait_for_leader(), "POST", "sys/policies/acl/one",
                    {"policy": 'path "a" { capabilities = ["read"] }'})
        # Back to what the clocks showed before: cluster time stays, and goes on.
        self.again(cluster, -HOUR)
        for node in cluster.nodes:
            left = self.ttl(cluster, node, long)
            self.assertTrue(1.9 * HOUR < left <= 2 * HOUR, left)
            self.assertIsNone(self.ttl(cluster, node, short))
