"""The examples of the pages about rate limits and about one node, run as they stand; and what only
running nodes show: limits that hold, levels that change, an upgrade that is not seen half done."""

from pages import run_page
from support import ONE, ClusterTest, wait_until


class SystemPages(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        run_page(self, cluster, "ThisNode", scripts_min=4)
        run_page(self, cluster, "RateLimits", scripts_min=1)
        run_page(self, cluster, "Passwords", scripts_min=1)

    def status(self, cluster, node, path):
        return cluster.call(node, "GET", path, token=cluster.root_token).status

    def test_a_limit_holds_on_each_node_for_itself(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        cluster.ask(leader, "PUT", "sys/mounts/app", {"type": "kv"})
        cluster.ask(leader, "PUT", "app/a", {"value": 1})
        cluster.ask(leader, "PUT", "sys/quotas/rate-limit/app",
                    {"rate": 2, "interval": "1h", "path": "app"})
        for node in cluster.nodes:
            # The node may not have evaluated the limit when the first of these comes.
            wait_until(f"{node.name} refuses",
                       lambda node=node: self.status(cluster, node, "app/a") == 429)
            self.assertEqual(self.status(cluster, node, "sys/mounts/app"), 200)
        cluster.ask(leader, "DELETE", "sys/quotas/rate-limit/app")
        for node in cluster.nodes:
            wait_until(f"{node.name} lets requests through",
                       lambda node=node: self.status(cluster, node, "app/a") == 200)

    def test_an_upgrade_outlives_its_leader(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        cluster.ask(leader, "PUT", "sys/mounts/kv", {"type": "kv"})
        for number in range(300):
            cluster.ask(leader, "PUT", f"kv/f{number % 7}/n{number}", {"n": number})
        cluster.ask(leader, "POST", "sys/mounts/kv/tune", {"options": {"version": "2"}})
        cluster.kill(leader)
        other = next(node for node in cluster.nodes if node is not leader)
        wait_until("the mount serves again",
                   lambda: self.status(cluster, other, "kv/data/f0/n0") == 200)
        for number in range(300):
            answer = cluster.ask(other, "GET", f"kv/data/f{number % 7}/n{number}")
            self.assertEqual(answer["data"]["data"], {"n": number})
