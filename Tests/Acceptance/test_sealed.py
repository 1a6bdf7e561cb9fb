"""Sealed nodes replicate: they need no key to be full members."""

import threading
import time

from support import ClusterTest, wait_until


class Sealed(ClusterTest):
    def test_followers_that_were_sealed_throughout_have_everything(self):
        cluster = self.cluster()
        cluster.start_all()
        cluster.initialise()
        first, *others = cluster.nodes
        cluster.unseal(first)
        # The only unsealed node is given the lead by a sealed leader.
        leader = cluster.wait_for_leader()
        self.assertIs(leader, first)
        cluster.enable_kv()
        written = {f"team-{n % 7}/secret-{n}": f"value-{n}" for n in range(200)}
        for path, value in written.items():
            cluster.ask(first, "POST", f"secret/data/{path}", {"data": {"value": value}})
        for node in others:
            self.assertEqual(cluster.health(node), 503)
        # The positions of sealed nodes are not shown to clients: two of three are a majority, so
        # whatever was acknowledged is on at least one of them; leadership finds it.
        cluster.kill(first)
        for node in others:
            cluster.unseal(node)
        cluster.wait_for_leader()
        for position, (path, value) in enumerate(written.items()):
            node = others[position % 2]
            answer = cluster.ask(node, "GET", f"secret/data/{path}")
            self.assertEqual(answer["data"]["data"]["value"], value)

    def test_a_sealed_node_answers_nothing_but_its_state(self):
        cluster = self.open_cluster()
        node = cluster.nodes[1]
        cluster.ask(node, "PUT", "sys/seal")
        for method, path in [("GET", "secret/data/x"), ("PUT", "secret/data/x"),
                             ("GET", "sys/mounts"), ("GET", "sys/leader"),
                             ("GET", "auth/token/lookup-self")]:
            answer = cluster.call(node, method, path, {} if method == "PUT" else None,
                                  cluster.root_token)
            self.assertEqual((answer.status, answer.json), (503, {"errors": ["Vault is sealed"]}))
        self.assertEqual(cluster.health(node), 503)
        self.assertTrue(cluster.ask(node, "GET", "sys/seal-status")["sealed"])
        cluster.unseal(node)
        wait_until("the node serves again", lambda: cluster.health(node) in (200, 429))

    def test_a_follower_far_behind_gets_a_snapshot(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        behind = next(node for node in cluster.nodes if node is not leader)
        cluster.kill(behind)
        # More entries than a leader keeps for those who lag.
        over, failures = threading.Event(), []

        def load(number):
            count = 0
            while not over.is_set():
                answer = cluster.call(leader, "POST", f"secret/data/load/{number}/{count % 500}",
                                      {"data": {"n": count, "pad": "x" * 200}}, cluster.root_token)
                if answer.status != 200:
                    failures.append(answer.errors())
                count += 1

        threads = [threading.Thread(target=load, args=(n,), daemon=True) for n in range(8)]
        self.start_beside(threads, over)
        begin = cluster.ask(leader, "GET", "sys/leader")["raft_committed_index"]
        wait_until("12,000 entries are committed", lambda: cluster.ask(
            leader, "GET", "sys/leader")["raft_committed_index"] > begin + 12_000, 240, 0.5)
        cluster.restart(behind)
        cluster.unseal(behind)
        time.sleep(0.5)
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        cluster.wait_until_caught_up(behind, 60)
        self.assertIn("snapshot", behind.daemon.log.read_text())
        for number in range(8):
            for count in (0, 250, 499):
                path = f"secret/data/load/{number}/{count}"
                want = cluster.ask(leader, "GET", path)["data"]
                self.assertEqual(cluster.ask(behind, "GET", path)["data"], want)
