"""SIGKILL during init, at every step: the vault can be initialised or opened afterwards."""

import subprocess
import threading
import time

from support import BINARY, ONE, THREE_IN_THREE, ClusterError, ClusterTest, clean_environment
from support import wait_until


class Init(ClusterTest):
    def settle(self, cluster, answer):
        """Whatever the kill left: open the vault, or abandon what nobody has shares of."""
        node = cluster.nodes[0]
        wait_until("a leader is known", lambda: cluster.call(
            node, "GET", "sys/init", timeout=5).status == 200)
        time.sleep(0.2)
        is_initialised = cluster.ask(node, "GET", "sys/init")["initialized"]
        if answer is not None:
            self.assertTrue(is_initialised, "shares left the node before the vault was durable")
            cluster.keys, cluster.root_token = answer["keys"], answer["root_token"]
            cluster.threshold = 2
        else:
            if is_initialised:
                done = subprocess.run(
                    [BINARY, "init", "--abandon", "--data", str(node.data),
                     f"-address={node.address}", f"-ca-cert={cluster.ca_file()}"],
                    capture_output=True, text=True, env=clean_environment(), timeout=30)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            cluster.initialise(shares=3, threshold=2)
        cluster.unseal_all()
        cluster.wait_for_leader()
        cluster.enable_kv()
        cluster.ask(node, "POST", "secret/data/a", {"data": {"b": "c"}})
        self.assertEqual(cluster.ask(node, "GET", "secret/data/a")["data"]["data"], {"b": "c"})

    def one(self, members, delay):
        cluster = self.cluster(members)
        cluster.start_all()
        node = cluster.nodes[0]
        wait_until("init can begin", lambda: cluster.call(
            node, "GET", "sys/init", timeout=5).status == 200)
        answers = []

        def ask():
            try:
                answer = cluster.call(node, "PUT", "sys/init",
                                      {"secret_shares": 3, "secret_threshold": 2}, timeout=20)
                if answer.status == 200:
                    answers.append(answer.json)
            except OSError:
                pass

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(delay)
        cluster.kill(node)
        asking.join()
        cluster.restart(node)
        self.settle(cluster, answers[0] if answers else None)
        cluster.stop()
        return bool(answers)

    def test_kill_at_every_moment_on_one_node(self):
        answered = [self.one(ONE, milliseconds / 1000) for milliseconds in (*range(0, 48, 4), 60, 90, 150, 250)]
        print(f"\nanswered before the kill: {sum(answered)} of {len(answered)}")

    def test_kill_at_every_moment_on_three_nodes(self):
        answered = [self.one(THREE_IN_THREE, milliseconds / 1000)
                    for milliseconds in (0, 10, 20, 30, 45, 70, 120, 250)]
        print(f"\nanswered before the kill: {sum(answered)} of {len(answered)}")

    def test_an_opened_vault_cannot_be_abandoned(self):
        cluster = self.open_cluster(ONE)
        node = cluster.nodes[0]
        done = subprocess.run(
            [BINARY, "init", "--abandon", "--data", str(node.data), f"-address={node.address}",
             f"-ca-cert={cluster.ca_file()}"],
            capture_output=True, text=True, env=clean_environment(), timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot be abandoned", done.stderr)
        self.assertTrue(cluster.ask(node, "GET", "sys/init")["initialized"])

    def test_abandon_needs_the_data_folder(self):
        cluster = self.cluster(ONE)
        cluster.start_all()
        cluster.initialise(3, 2)
        node = cluster.nodes[0]
        answer = cluster.call(node, "DELETE", "sys/init")
        self.assertEqual(answer.status, 403)
        self.assertTrue(cluster.ask(node, "GET", "sys/init")["initialized"])
