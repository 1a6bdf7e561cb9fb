"""Members come and go while writes go on: join, promotion, replacement, removal, transfer."""

import contextlib
import json
import select
import signal
import socket
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


class Deafener(threading.Thread):
    """A TCP relay to one node that lets a client's request through and no answer back."""

    def __init__(self, target):
        super().__init__(daemon=True)
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        # The request went out, and nothing of what comes back will be passed on.
        self.is_sent = threading.Event()
        self.links = []

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(self.target)
        self.links = [client, server]
        has_answered = False
        while True:
            ready, _, _ = select.select(self.links, [], [])
            for link in ready:
                data = link.recv(1 << 16)
                if not data:
                    return
                if link is client:
                    server.sendall(data)
                    # A client speaks again only when it has the server's whole first flight.
                    if has_answered:
                        self.is_sent.set()
                else:
                    has_answered = True
                    if not self.is_sent.is_set():
                        client.sendall(data)

    def cut(self):
        # The thread sees the end of a link that is shut down; a closed one would be an error to it.
        for link in self.links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self.join(5)
        for link in [*self.links, self.listener]:
            link.close()


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
        self.join_settings(node)
        node.daemon = Daemon([BINARY, "server", "--config", node.config], node.folder / "node.log")
        return node

    def join_settings(self, node):
        text = json.dumps
        node.config.write_text("\n".join([
            f"node = {text(node.name)}", f"data = {text(str(node.data))}",
            f"api_listen = {text(node.api_listen)}", f"api_address = {text(node.address)}",
            f"peer_listen = {text(node.peer_listen)}", "[join]", f"region = {text(node.region)}",
            f"peer_address = {text(node.peer_listen)}",
        ]) + "\n")

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
        self.start_beside([writer])
        self.story()
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

    def used_token_is_refused(self, token, name="xx-1"):
        other = self.new_node(name, "xx")
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

    def test_a_lost_answer_costs_no_token(self):
        self.main = self.open_cluster()
        token = self.command(self.main.nodes[0], "cluster", "join-token").stdout.strip()
        node = self.new_node("eu-2", "eu")
        relay = Deafener(self.main.nodes[1].api_listen)
        relay.start()
        argv = [BINARY, "cluster", "join", "--config", str(node.config), "-address",
                relay.address, "-ca-cert", self.main.ca_file()]
        joining = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=clean_environment(),
        )
        joining.stdin.write(token + "\n")
        joining.stdin.close()
        joining.stdin = None
        self.assertTrue(relay.is_sent.wait(60), "no request was sent")
        wait_until("the node is admitted", lambda: "eu-2" in self.members(), 60)
        relay.cut()
        _, said = joining.communicate(timeout=60)
        self.assertNotEqual(joining.returncode, 0)
        self.assertIn("repeat it with the same token", said)
        self.assertNotIn(token, said)

        # The token knows its node by now, on a leader that never saw the first request as well.
        self.used_token_is_refused(token)
        leader = self.main.wait_for_leader()
        self.command(leader, "cluster", "transfer")
        self.assertIsNot(self.main.wait_for_leader(), leader)
        self.used_token_is_refused(token, "xx-2")
        count = len(self.members())
        done = self.command(
            self.main.nodes[2], "cluster", "join", "--config", str(node.config),
            stdin=token + "\n",
        )
        self.assertIn("eu-2 is a member of a cluster of 4", done.stdout)
        self.assertEqual(len(self.members()), count)
        node.daemon.start()
        self.main.nodes.append(node)
        self.main.wait_until_answering(node)
        self.main.unseal(node)
        wait_until("eu-2 votes by itself", lambda: self.is_voter("eu-2"), 60)
        self.removed_node_cannot_come_back_by(token, node)

    def removed_node_cannot_come_back_by(self, token, node):
        self.command(self.main.nodes[0], "cluster", "remove", node.name)
        node.daemon.stop()
        self.main.nodes.remove(node)
        # The key stays, so it is the very node that the token admitted.
        for path in node.data.iterdir():
            if path.is_file() and "key" not in path.name:
                path.unlink()
        done = self.command(
            self.main.nodes[0], "cluster", "join", "--config", str(node.config),
            stdin=token + "\n", check=False,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("join token", done.stderr)
        self.assertNotIn(node.name, self.members())

    def test_a_joiner_that_is_killed_again_and_again_gets_there(self):
        """It is told the members when it is admitted; its snapshot and its log say so later."""
        self.main = self.open_cluster()
        first = self.main.nodes[0]
        # Changes of members that a joiner's log will show it, from before it was one of them.
        early = self.new_node("us-2", "us")
        self.join(early, "--non-voter")
        # More than is kept of the log: what comes first is a snapshot.
        value = self.random.randbytes(350_000).hex()
        for number in range(56):
            body = {"data": {"value": f"{number} {value}"}}
            self.main.ask(first, "POST", f"secret/data/large/{number}", body, timeout=30)
        node = self.new_node("eu-2", "eu")
        token = self.command(first, "cluster", "join-token").stdout.strip()
        self.command(
            self.main.nodes[1], "cluster", "join", "--config", str(node.config),
            stdin=token + "\n",
        )
        self.command(first, "cluster", "remove", early.name)
        self.main.nodes.remove(early)
        early.daemon.stop()
        self.main.nodes.append(node)
        for _ in range(10):
            node.daemon.start()
            self.main.wait_until_answering(node, 60)
            time.sleep(self.random.uniform(0, 1.5))
            self.assertTrue(node.is_alive(), node.daemon.last_lines())
            node.daemon.kill()
        node.daemon.start()
        self.main.wait_until_answering(node)
        self.main.unseal(node, seconds=120)
        wait_until("eu-2 votes by itself", lambda: self.is_voter("eu-2"), 120)
        self.main.wait_until_caught_up(node)
        data = self.main.ask(node, "GET", "secret/data/large/55", timeout=30)["data"]
        self.assertEqual(data["data"]["value"], f"55 {value}")
        self.assertIn("it is whole and verified", node.daemon.log.read_text(), "it was to need a snapshot")

    def test_a_node_behind_by_all_members_is_told_how_to_come_back(self):
        self.main = self.open_cluster()
        first, second, third = self.main.nodes
        self.main.ask(first, "POST", "secret/data/before", {"data": {"value": "x"}})
        self.main.wait_until_caught_up(third)
        third.daemon.stop()
        for name in ["eu-2", "us-2"]:
            self.join(self.new_node(name, name[:2]))
            wait_until(f"{name} votes by itself", lambda: self.is_voter(name), 60)
        # Everyone whom the third node knows goes. It stays a voter, and its vote is missing.
        fresh = self.main.nodes[3:]
        for old in [first, second]:
            self.command(fresh[0], "cluster", "remove", old.name)
            self.main.nodes.remove(old)
            old.daemon.stop()
        self.main.ask(fresh[0], "POST", "secret/data/after", {"data": {"value": "y"}})

        third.daemon.start()
        self.main.wait_until_answering(third)
        wait_until(
            "the node says that it has no way back",
            lambda: f"node {third.name} has no way back" in third.daemon.log.read_text(), 60,
        )
        said = third.daemon.log.read_text()
        self.assertIn("keys that it does not know call it", said)
        self.assertEqual(third.daemon.log.read_text().count("no way back"), 1)
        self.assertNotEqual(self.main.health(third), 200)

        # And now exactly what it says.
        for command in [
            f"holdfast cluster remove {third.name}", "holdfast cluster join-token",
            f"mv {third.data} {third.data}.old", "holdfast cluster join --config FILE",
        ]:
            self.assertIn(command, said)
        self.command(fresh[0], "cluster", "remove", third.name)
        token = self.command(fresh[0], "cluster", "join-token").stdout.strip()
        third.daemon.stop()
        third.data.rename(f"{third.data}.old")
        self.join_settings(third)
        done = self.command(
            fresh[1], "cluster", "join", "--config", str(third.config), stdin=token + "\n"
        )
        self.assertIn(f"{third.name} is a member of a cluster of 3", done.stdout)
        third.daemon.start()
        self.main._bundled = set()  # Its certificate is a new one.
        self.main.wait_until_answering(third)
        self.main.unseal(third)
        wait_until("it votes again", lambda: self.is_voter(third.name), 60)
        for path, value in [("before", "x"), ("after", "y")]:
            data = self.main.ask(third, "GET", f"secret/data/{path}")["data"]
            self.assertEqual(data["data"]["value"], value)

    def test_a_removed_node_says_so(self):
        self.main = self.open_cluster()
        first, second, third = self.main.nodes
        third.daemon.stop()
        self.command(first, "cluster", "remove", third.name)
        third.daemon.start()
        wait_until(
            "the node says that it has no way back",
            lambda: f"node {third.name} has no way back" in third.daemon.log.read_text(), 60,
        )
        self.assertIn("do not know its key", third.daemon.log.read_text())
        # The others are in touch with each other and say nothing of the kind.
        for node in [first, second]:
            self.assertNotIn("no way back", node.daemon.log.read_text())

    def test_the_leader_can_be_removed(self):
        self.main = self.open_cluster()
        leader = self.main.wait_for_leader()
        other = next(node for node in self.main.nodes if node is not leader)
        self.command(other, "cluster", "remove", leader.name)
        self.assertNotIn(leader.name, self.members())
        leader.daemon.stop()
        self.main.ask(other, "POST", "secret/data/after", {"data": {"value": "x"}})

    def test_a_leader_that_is_stopped_hands_over(self):
        """A rolling restart: each leader is told to stop, and no write through the others fails."""
        self.main = self.open_cluster()
        for _ in range(3):
            leader = self.main.wait_for_leader()
            writer = Writer(self.main, [node for node in self.main.nodes if node is not leader])
            self.start_beside([writer])
            wait_until("writes flow", lambda: len(writer.acknowledged) > 5)
            leader.daemon.send(signal.SIGTERM)
            leader.daemon.reap(30)
            self.assertEqual(leader.daemon.process.returncode, 0)
            said = leader.daemon.log.read_text()
            seen = len(writer.acknowledged)
            wait_until("writes go on", lambda: len(writer.acknowledged) > seen + 5)
            writer.over.set()
            writer.join(20)
            self.assertEqual(writer.failures, [])
            self.assertIn("leadership was handed over to", said.rpartition("stopping")[2])
            self.main.restart(leader)
            self.main.unseal(leader)
            self.main.wait_until_caught_up(leader)

    def test_wrong_input_changes_nothing(self):
        self.main = self.open_cluster()
        node = self.main.nodes[0]
        before = self.members()
        for arguments, text in [
            (("cluster", "remove", "nobody"), "no member is called nobody"),
            (("cluster", "promote", self.main.nodes[1].name), "not a non-voter"),
            (("cluster", "transfer", "nobody"), "no member is called nobody"),
            (("cluster", "replace", "nobody", "eu-1"), "no member is called nobody"),
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
        self.assertIn("true", bao("join", self.main.nodes[0].address))
        stranger = subprocess.run(
            ["bao", "operator", "raft", "join", "https://127.0.0.1:1"], capture_output=True,
            text=True, env=environment, timeout=60,
        )
        self.assertNotEqual(stranger.returncode, 0)
        self.assertIn("holdfast cluster join --config FILE", stranger.stderr)
        victim = next(member for member in self.main.nodes if member is not node)
        bao("remove-peer", victim.name)
        self.assertNotIn(victim.name, bao("list-peers"))


if __name__ == "__main__":
    unittest.main()
