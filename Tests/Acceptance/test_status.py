"""What an operator reads at three in the morning: holdfast status and cluster status while nodes
are killed, sealed, stopped and out of room."""

import json
import os
import shutil
import signal
import subprocess
import unittest

from support import BINARY, THREE_IN_THREE, ClusterTest, clean_environment, wait_until
from test_disk import MIB, SmallDisk

from cluster_network import ClusterNetwork


class StatusTest(ClusterTest):
    def run_command(self, cluster, node, *words, token=True):
        """One command; its exit code and what it printed. Nothing is wider than 100 columns."""
        environment = dict(clean_environment(), HOLDFAST_ADDR=node.address)
        environment["HOLDFAST_CACERT"] = cluster.ca_file()
        if token and cluster.root_token:
            environment["HOLDFAST_TOKEN"] = cluster.root_token
        done = subprocess.run([BINARY, *words], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        if "-format=json" not in words:
            for line in done.stdout.splitlines():
                self.assertLessEqual(len(line), 100, line)
        return done.returncode, done.stdout, done.stderr

    def status(self, cluster, node, **options):
        code, text, _ = self.run_command(
            cluster, node, "cluster", "status", "-format=json", "-timeout=5", **options)
        self.assertEqual(code, 0)
        return json.loads(text)

    def states(self, cluster, node, **options):
        found = self.status(cluster, node, **options)
        return {member["name"]: member["state"] for member in found["members"]}

    def problems(self, cluster, node):
        """The warnings as (node, problem), and that each says what to do next."""
        warnings = self.status(cluster, node)["warnings"]
        for warning in warnings:
            self.assertTrue(warning["next"])
        return [(warning["node"], warning["problem"]) for warning in warnings]

    def assert_told(self, cluster, node, name, part):
        def is_told():
            found = self.problems(cluster, node)
            return any(who == name and part in problem for who, problem in found)
        wait_until(f"{name}: {part}", is_told, 20)


class Status(StatusTest):
    def test_from_the_first_start_to_the_last_node(self):
        cluster = self.cluster()
        cluster.start_all()
        first = cluster.nodes[0]
        wait_until("a leader", lambda: self.status(cluster, first)["leader"])
        self.assertEqual(set(self.states(cluster, first).values()), {"empty"})
        self.assertEqual(self.status(cluster, first)["warnings"][0]["next"], "holdfast init")
        cluster.initialise()
        # Sealed, no token can be looked at: whoever asks is told who there is.
        wait_until("all have it", lambda: set(
            self.states(cluster, first, token=False).values()) == {"sealed"})
        cluster.call(first, "PUT", "sys/unseal", {"key": cluster.keys[0]})
        _, text, _ = self.run_command(cluster, first, "cluster", "status", token=False)
        self.assertIn("sealed 1/3", text)
        self.assertIn(f"next: holdfast unseal -address={first.address}", text)
        cluster.unseal_all()
        leader = cluster.wait_for_leader()
        cluster.enable_kv()
        wait_until("nothing to do", lambda: not self.problems(cluster, leader), 20)
        self.assertEqual(self.status(cluster, leader)["leader"], leader.name)
        told = cluster.call(leader, "GET", "sys/node-status", token=cluster.root_token).json
        self.assertEqual(told["tokens"], 1)
        self.assertTrue(0 < told["disk_available_bytes"] <= told["disk_total_bytes"])
        followers = [node for node in cluster.nodes if node is not leader]

        # Unsealed, a token is needed for more than the node's own state.
        code, _, words = self.run_command(cluster, leader, "cluster", "status", token=False)
        self.assertEqual(code, 2)
        self.assertIn("holdfast login", words)
        own = cluster.call(leader, "GET", "sys/node-status").json
        self.assertEqual((own["node"], own["role"]), (leader.name, "leader"))
        self.assertNotIn("members", own)
        self.assertNotIn("members", cluster.call(
            leader, "GET", "sys/node-status", token="s.wrong").json)

        cluster.ask(followers[0], "PUT", "sys/seal")
        self.assertEqual(self.states(cluster, leader)[followers[0].name], "sealed")
        self.assert_told(cluster, leader, followers[0].name, "it is sealed, 0 of 3 shares")
        code, text, _ = self.run_command(cluster, followers[0], "status", token=False)
        self.assertEqual(code, 2)
        self.assertIn("it is sealed", text)

        # A process that is stopped takes connections and says nothing.
        followers[1].daemon.send(signal.SIGSTOP)
        try:
            self.assertEqual(self.states(cluster, leader)[followers[1].name], "unreachable")
        finally:
            followers[1].daemon.send(signal.SIGCONT)
        cluster.kill(followers[1])
        self.assertEqual(self.states(cluster, followers[0])[followers[1].name], "unreachable")
        found = self.status(cluster, leader)
        self.assertEqual(found["survives_now"]["nodes"], 0)
        self.assertIn("connection refused", next(
            member for member in found["members"]
            if member["name"] == followers[1].name)["failure"])

        # A majority is gone: what is left still tells.
        cluster.kill(followers[0])
        wait_until("it knows that nobody leads", lambda: self.states(
            cluster, leader)[leader.name] == "no_leader", 20)
        found = self.status(cluster, leader)
        self.assertIsNone(found["leader"])
        self.assertFalse(found["survives_now"]["majority"])
        self.assertIn("nobody leads: 1 of the 2 voters", found["warnings"][0]["problem"])
        code, text, _ = self.run_command(cluster, leader, "status")
        self.assertEqual(code, 0)
        self.assertIn("this node knows no leader", text)
        code, _, words = self.run_command(cluster, followers[0], "cluster", "status")
        self.assertEqual(code, 1)
        self.assertIn("ask another member", words)

    def test_a_full_disk(self):
        disk = SmallDisk(self, 141)
        cluster = self.cluster()
        full = cluster.nodes[0]
        full.data = disk.root / "data"
        cluster.start_all()
        cluster.initialise()
        cluster.unseal_all()
        cluster.wait_for_leader()
        cluster.enable_kv()
        filler = disk.root / "filler-2"

        def is_told():
            # The node takes room ahead at the same time, so less may be left than was a moment ago.
            with open(filler, "ab") as file:
                try:
                    os.posix_fallocate(
                        file.fileno(), file.tell(), max(MIB, disk.free() - 40 * MIB))
                except OSError:
                    pass
            node = cluster.wait_for_leader()
            cluster.call(node, "POST", "secret/data/large", {"data": {"v": "v" * 900_000}},
                         cluster.root_token)
            return any(who == full.name and "its disk" in problem
                       for who, problem in self.problems(cluster, node))
        wait_until("the full disk is told", is_told, 60)
        node = next(node for node in cluster.nodes if node is not full)
        _, text, _ = self.run_command(cluster, node, "cluster", "status")
        self.assertIn("next: make room on the disk", text)


@unittest.skipUnless(
    os.geteuid() == 0 and shutil.which("ip"), "hosts of their own need root and iproute2")
class CutOff(StatusTest):
    def test_a_member_that_hears_no_leader(self):
        with ClusterNetwork(len(THREE_IN_THREE)) as network:
            cluster = self.open_cluster(network=network)
            leader = cluster.wait_for_leader()
            others = [place for place, node in enumerate(cluster.nodes) if node is not leader]
            lonely = cluster.nodes[others[0]]
            network.keep_pairs([[place for place in range(3) if place != others[0]]])
            wait_until("it is cut off", lambda: self.states(
                cluster, leader)[lonely.name] == "cut_off", 20)
            self.assert_told(cluster, leader, lonely.name, "do not hear each other")
            self.assertEqual(self.states(cluster, lonely)[lonely.name], "cut_off")
            network.keep_all()
            wait_until("it is back", lambda: self.states(
                cluster, leader)[lonely.name] == "unsealed", 20)
            cluster.stop()


if __name__ == "__main__":
    unittest.main()
