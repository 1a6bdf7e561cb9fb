"""Members come and go while writes go on: join, promotion, replacement, removal, transfer."""

import json
import subprocess
import threading
import time
import unittest

from support import BINARY, ClusterTest, clean_environment, wait_until

from holdfast_cluster import Daemon, Node, free_ports


class Writer(threading.Thread):
    """Writes through nodes that stay, and counts what was not acknowledged at once."""

    def __init__(self, cluster, nodes):
        super().__init__(daemon=True)
        self.cluster, self.nodes = cluster, nodes
        self.acknowledged, self.failures = {}, []
        self.over = threading.Event()

    def run(self):
        count = 0
        while not self.over.is_set():
            node = self.nodes[count % len(self.nodes)]
            path, value = f"member/{count}", f"value {count}"
            count += 1
            try:
                answer = self.cluster.call(
                    node, "POST", f"secret/data/{path}", {"data": {"value": value}},
                    self.cluster.root_token,
                )
            except OSError as error:
                self.failures.append(str(error))
                continue
            if answer.status == 200:
                self.acknowledged[path] = value
            else:
                self.failures.append(f"{answer.status} {answer.text.strip()}")


class Members(ClusterTest):
    def command(self, node, *arguments, stdin=None, check=True):
        """One `holdfast` command against a node, as an operator would type it."""
        environment = clean_environment() | {
            "HOLDFAST_ADDR": node.address,
            "HOLDFAST_CACERT": self.main.ca_file(),
            "HOLDFAST_TOKEN": self.main.root_token,
        }
        done = subprocess.run(
            [BINARY, *arguments], capture_output=True, text=True, env=environment,
            input=stdin if stdin is not None else "", timeout=60,
        )
        if check:
            self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done

    def members(self):
        leader = self.main.wait_for_leader()
        data = self.main.ask(leader, "GET", "sys/storage/raft/configuration")["data"]
        return {server["node_id"]: server for server in data["config"]["servers"]}

    def new_node(self, name, region):
        """Settings of a node that nobody knows yet."""
        ports = free_ports(2)
        node = Node(name, region, f"{region}-z", self.main.folder / name, *ports, "https")
        node.folder.mkdir(mode=0o700)
        text = json.dumps
        node.config.write_text("\n".join([
            f"node = {text(name)}", f"data = {text(str(node.data))}",
            f"api_listen = {text(node.api_listen)}", f"api_address = {text(node.address)}",
            f"peer_listen = {text(node.peer_listen)}", "[join]", f"region = {text(region)}",
            f"peer_address = {text(node.peer_listen)}",
        ]) + "\n")
        node.daemon = Daemon([BINARY, "server", "--config", node.config], node.folder / "node.log")
        return node

    def join(self, node, *options):
        """Token from one member, admission by another, start, unseal."""
        token = self.command(self.main.nodes[0], "cluster", "join-token").stdout.strip()
        done = self.command(
            self.main.nodes[1], "cluster", "join", "--config", str(node.config), *options,
            stdin=token + "\n",
        )
        self.assertIn("is a member", done.stdout)
        node.daemon.start()
        self.main.nodes.append(node)
        self.main.wait_until_answering(node)
        self.main.unseal(node)
        return token

    def is_voter(self, name):
        return self.members()[name]["voter"]

    def test_members_come_and_go_under_load(self):
        self.main = self.open_cluster()
        writer = Writer(self.main, self.main.nodes[:2])
        writer.start()
        try:
            self.story()
        finally:
            writer.over.set()
            writer.join(20)
        self.assertEqual(writer.failures, [], "a write failed while members changed")
        self.assertGreater(len(writer.acknowledged), 50)
        for node in self.main.nodes:
            for path, value in list(writer.acknowledged.items())[:: 25]:
                data = self.main.ask(node, "GET", f"secret/data/{path}")["data"]
                self.assertEqual(data["data"]["value"], value)
        print(f"\n{len(writer.acknowledged)} writes acknowledged, none failed")

    def story(self):
        first, second, third = self.main.nodes
        fourth = self.new_node("eu-2", "eu")
        token = self.join(fourth)
        wait_until("eu-2 votes by itself", lambda: self.is_voter("eu-2"), 30)
        self.used_token_is_refused(token)

        learner = self.new_node("us-2", "us")
        self.join(learner, "--non-voter")
        time.sleep(2.5)
        self.assertFalse(self.is_voter("us-2"), "a non-voter was promoted")
        self.command(first, "cluster", "replace", third.name, "us-2")
        members = self.members()
        self.assertTrue(members["us-2"]["voter"])
        self.assertFalse(members[third.name]["voter"])

        self.command(second, "cluster", "remove", third.name)
        self.assertNotIn(third.name, self.members())
        self.main.nodes.remove(third)
        third.daemon.stop()

        self.command(first, "cluster", "demote", "eu-2")
        self.assertFalse(self.is_voter("eu-2"))
        self.command(first, "cluster", "promote", "eu-2")
        self.assertTrue(self.is_voter("eu-2"))
        self.transfers()

    def used_token_is_refused(self, token):
        other = self.new_node("xx-1", "xx")
        done = self.command(
            self.main.nodes[0], "cluster", "join", "--config", str(other.config),
            stdin=token + "\n", check=False,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("join token", done.stderr)
        self.assertNotIn(token, done.stderr)

    def transfers(self):
        for _ in range(3):
            leader = self.main.wait_for_leader()
            self.command(leader, "cluster", "transfer")
            self.assertIsNot(self.main.wait_for_leader(), leader)
        leader = self.main.wait_for_leader()
        target = next(n for n in self.main.nodes if n is not leader and self.is_voter(n.name))
        self.command(leader, "cluster", "transfer", target.name)
        self.assertIs(self.main.wait_for_leader(), target)

    def test_the_leader_can_be_removed(self):
        self.main = self.open_cluster()
        leader = self.main.wait_for_leader()
        other = next(node for node in self.main.nodes if node is not leader)
        self.command(other, "cluster", "remove", leader.name)
        self.assertNotIn(leader.name, self.members())
        leader.daemon.stop()
        self.main.ask(other, "POST", "secret/data/after", {"data": {"value": "x"}})

    def test_wrong_input_changes_nothing(self):
        self.main = self.open_cluster()
        node = self.main.nodes[0]
        before = self.members()
        for arguments, text in [
            (("cluster", "remove", "nobody"), "no member is called nobody"),
            (("cluster", "promote", self.main.nodes[1].name), "not a non-voter"),
            (("cluster", "transfer", "nobody"), "nobody"),
            (("cluster", "join-token", "-ttl", "0"), "ttl_seconds"),
        ]:
            done = self.command(node, *arguments, check=False)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn(text, done.stderr)
        stranger = self.main.call(
            node, "PUT", "sys/storage/raft/remove-peer",
            {"server_id": self.main.nodes[2].name}, token="s.wrong",
        )
        self.assertEqual(stranger.status, 403)
        self.assertEqual(
            {name: server["voter"] for name, server in self.members().items()},
            {name: server["voter"] for name, server in before.items()},
        )

    def test_bao_reads_and_changes_the_members(self):
        self.main = self.open_cluster()
        node = self.main.wait_for_leader()
        environment = clean_environment() | {
            "BAO_ADDR": node.address, "BAO_CACERT": self.main.ca_file(),
            "BAO_TOKEN": self.main.root_token,
        }

        def bao(*arguments):
            done = subprocess.run(
                ["bao", "operator", "raft", *arguments], capture_output=True, text=True,
                env=environment, timeout=60,
            )
            self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
            return done.stdout

        for member in self.main.nodes:
            self.assertIn(member.name, bao("list-peers"))
        state = json.loads(bao("autopilot", "state", "-format=json"))
        self.assertTrue(json.dumps(state).lower().count("true") > 0, state)
        self.assertIn("24h0m0s", bao("autopilot", "get-config"))
        victim = next(member for member in self.main.nodes if member is not node)
        bao("remove-peer", victim.name)
        self.assertNotIn(victim.name, bao("list-peers"))


if __name__ == "__main__":
    unittest.main()
