"""Members that died are removed by the leader, where the settings say so. Not among the tests that
always run: nobody is called dead before a minute of silence. Two and a half minutes:

    Tests/Acceptance/run long_cleanup
"""

import time
import unittest

from support import ClusterTest, wait_until

from holdfast_cluster import FIVE_IN_THREE

THRESHOLD = 60  # The least that the settings take.


class Cleanup(ClusterTest):
    def members(self):
        leader = self.main.wait_for_leader()
        data = self.main.ask(leader, "GET", "sys/storage/raft/configuration")["data"]
        return {server["node_id"]: server["voter"] for server in data["config"]["servers"]}

    def put(self, name):
        self.main.ask(
            self.main.wait_for_leader(), "POST", f"secret/data/{name}", {"data": {"value": name}})

    def test_the_dead_are_removed_and_three_stay(self):
        self.main = cluster = self.open_cluster(FIVE_IN_THREE, settings={
            "autopilot.cleanup_dead_servers": "true",
            "autopilot.dead_server_last_contact_threshold": f'"{THRESHOLD}s"',
        })
        leader = cluster.wait_for_leader()
        followers = [node for node in cluster.nodes if node is not leader]
        gone = followers[:2]
        began = time.monotonic()
        for node in gone:
            cluster.kill(node)
        self.put("without-two")
        wait_until("both are removed", lambda: len(self.members()) == 3, THRESHOLD + 30, pause=1)
        self.assertGreaterEqual(time.monotonic() - began, THRESHOLD)
        self.assertEqual(
            self.members(), {node.name: True for node in cluster.nodes if node not in gone})
        # A majority is two now, and not three.
        third = followers[2]
        cluster.kill(third)
        self.put("without-three")
        # Of three nobody is removed: the next loss would be the last.
        time.sleep(THRESHOLD + 10)
        self.assertEqual(len(self.members()), 3)
        cluster.restart(third)
        cluster.unseal(third)
        cluster.wait_until_caught_up(third)
        # Who was removed says so when it comes back.
        cluster.restart(gone[0], wait=False)
        wait_until(
            "the node says that it has no way back",
            lambda: f"node {gone[0].name} has no way back" in gone[0].daemon.log.read_text(), 60)


if __name__ == "__main__":
    unittest.main()
