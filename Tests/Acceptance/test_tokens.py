"""Tokens and leases with real processes: the `bao` CLI, hvac, holdfast; expiry; nodes that are killed."""

import json
import os
import pathlib
import re
import subprocess
import threading

import hvac

from support import BINARY, ONE, ROOT, ClusterTest, clean_environment, wait_until
from test_clients import Bao

PAGE = ROOT / "Sources/Holdfast.docc/Tokens.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
POLICY = """
path "auth/token/*" { capabilities = ["create", "read", "update", "list"] }
path "sys/leases/*" { capabilities = ["create", "read", "update"] }
path "secret/*" { capabilities = ["create", "read", "update", "delete"] }
"""


def create(cluster, node, token=None, path="auth/token/create", **body):
    answer = cluster.call(node, "POST", path, body, token=token or cluster.root_token)
    if answer.status != 200:
        raise AssertionError(f"{answer.status} {answer.text}")
    return answer.json["auth"]


def is_alive(cluster, node, token):
    status = cluster.call(node, "GET", "auth/token/lookup-self", token=token).status
    if status not in (200, 403):
        raise AssertionError(f"status {status}")
    return status == 200


class Tokens(ClusterTest):
    def open_with_policy(self, *members):
        cluster = self.open_cluster(*members)
        cluster.ask(cluster.wait_for_leader(), "PUT", "sys/policies/acl/p", {"policy": POLICY})
        return cluster

    def test_bao(self):
        cluster = self.open_with_policy()
        leader = cluster.wait_for_leader()
        follower = next(node for node in cluster.nodes if node is not leader)
        bao = Bao(cluster, follower)
        made = json.loads(bao.ok("token", "create", "-format=json", "-policy=p", "-ttl=1h",
                                 "-metadata=team=a", "-display-name=deploy"))["auth"]
        token, accessor = made["client_token"], made["accessor"]
        self.assertTrue(token.startswith("s.") and len(token) == 26)
        shown = json.loads(bao.ok("token", "lookup", "-format=json", token))["data"]
        self.assertEqual(shown["display_name"], "token-deploy")
        self.assertEqual(shown["meta"], {"team": "a"})
        renewed = json.loads(bao.ok("token", "renew", "-format=json", "-increment=2h", token))
        self.assertEqual(renewed["auth"]["lease_duration"], 7200)
        bao.ok("token", "renew", "-accessor", accessor)
        self.assertEqual(bao.ok("token", "capabilities", token, "secret/x").strip(),
                         "create, delete, read, update")
        lease = json.loads(bao.ok("list", "-format=json", "sys/leases/lookup/auth/token/create"))
        identifier = f"auth/token/create/{lease[0]}"
        about = json.loads(bao.ok("lease", "lookup", "-format=json", identifier))["data"]
        self.assertEqual(about["id"], identifier)
        bao.ok("lease", "revoke", identifier)
        wait_until("the lease's token is gone", lambda: not is_alive(cluster, leader, token))
        child = json.loads(bao.ok("token", "create", "-format=json", "-policy=p"))["auth"]
        bao.ok("token", "revoke", "-accessor", child["accessor"])
        self.assertFalse(is_alive(cluster, leader, child["client_token"]))
        batch = json.loads(bao.ok("token", "create", "-format=json", "-policy=p", "-type=batch"))
        self.assertTrue(is_alive(cluster, follower, batch["auth"]["client_token"]))
        role = Bao(cluster, leader)
        role.ok("write", "auth/token/roles/r", "allowed_policies=p", "orphan=true",
                "token_period=1h", "token_bound_cidrs=127.0.0.0/8")
        by_role = json.loads(bao.ok("token", "create", "-format=json", "-role=r"))["auth"]
        self.assertTrue(by_role["orphan"])
        self.assertTrue(is_alive(cluster, follower, by_role["client_token"]))
        role.ok("write", "auth/token/roles/r", "token_bound_cidrs=10.0.0.0/8")
        foreign = json.loads(bao.ok("token", "create", "-format=json", "-role=r"))["auth"]
        for node in cluster.nodes:
            self.assertFalse(is_alive(cluster, node, foreign["client_token"]), node.name)
        bao.ok("token", "revoke", "-mode=path", "auth/token/create")
        self.assertFalse(is_alive(cluster, follower, by_role["client_token"]))

    def test_hvac(self):
        cluster = self.open_with_policy()
        client = hvac.Client(url=cluster.nodes[1].address, verify=cluster.ca_file(),
                             token=cluster.root_token)
        made = client.auth.token.create(policies=["p"], ttl="1h", num_uses=3)["auth"]
        limited = hvac.Client(url=cluster.nodes[2].address, verify=cluster.ca_file(),
                              token=made["client_token"])
        limited.secrets.kv.v2.create_or_update_secret("a", {"k": "v"}, mount_point="secret")
        self.assertEqual(limited.auth.token.lookup_self()["data"]["num_uses"], 1)
        self.assertEqual(limited.auth.token.lookup_self()["data"]["num_uses"], -1)
        with self.assertRaises(hvac.exceptions.Forbidden):
            limited.auth.token.lookup_self()
        orphan = client.auth.token.create_orphan(policies=["p"])["auth"]
        self.assertTrue(orphan["orphan"])
        client.auth.token.renew_accessor(orphan["accessor"])
        client.auth.token.revoke_accessor(orphan["accessor"])
        with self.assertRaises(hvac.exceptions.Forbidden):
            client.auth.token.lookup(orphan["client_token"])
        client.auth.token.create_or_update_role("hr", allowed_policies=["p"])
        self.assertEqual(client.auth.token.list_roles()["data"]["keys"], ["hr"])

    def test_expiry_and_kill(self):
        """What was made is refused in time everywhere, and swept by whoever leads then."""
        cluster = self.open_with_policy()
        leader = cluster.wait_for_leader()
        before = cluster.ask(leader, "LIST", "auth/token/accessors")["data"]["keys"]
        parent = create(cluster, leader, policies=["p"], ttl="8s")
        children = [create(cluster, leader, parent["client_token"], ttl="1h") for _ in range(40)]
        grandchild = create(cluster, leader, children[7]["client_token"], ttl="1h")
        self.assertTrue(is_alive(cluster, leader, grandchild["client_token"]))
        cluster.kill(leader)
        others = [node for node in cluster.nodes if node is not leader]
        wait_until("another node leads", lambda: any(
            cluster.call(node, "GET", "auth/token/lookup-self",
                         token=cluster.root_token).status == 200 for node in others))
        wait_until("the parent's time is over", lambda: not is_alive(
            cluster, others[0], parent["client_token"]))
        # Two nodes' times differ by a message's way.
        wait_until("it is over on the other, too, with all that came of it", lambda: not is_alive(
            cluster, others[1], grandchild["client_token"]))
        wait_until("all of them are swept", lambda: cluster.ask(
            others[0], "LIST", "auth/token/accessors")["data"]["keys"] == before)

    def test_nothing_outlives_its_parent(self):
        """A parent is revoked while its children are being made on every node."""
        cluster = self.open_with_policy()
        leader = cluster.wait_for_leader()
        parent = create(cluster, leader, policies=["p"], ttl="1h")["client_token"]
        made, stopped = [], threading.Event()

        def make(node):
            while not stopped.is_set():
                answer = cluster.call(node, "POST", "auth/token/create", {}, token=parent)
                if answer.status == 200:
                    made.append(answer.json["auth"]["client_token"])
                elif answer.status == 403:
                    return

        threads = [threading.Thread(target=make, args=(node,)) for node in cluster.nodes]
        for thread in threads:
            thread.start()
        try:
            wait_until("some children were made", lambda: len(made) >= 30)
            cluster.ask(leader, "POST", "auth/token/revoke", {"token": parent})
        finally:
            for thread in threads:
                thread.join(60)
            stopped.set()
        for position, token in enumerate(made):
            node = cluster.nodes[position % len(cluster.nodes)]
            self.assertFalse(is_alive(cluster, node, token), position)

    def test_page(self):
        """The examples of the page about tokens, run as they stand."""
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        tools = pathlib.Path(self.folder.name) / "bin"
        tools.mkdir()
        (tools / "holdfast").symlink_to(pathlib.Path(BINARY).resolve())
        work = pathlib.Path(self.folder.name) / "work"
        work.mkdir()
        environment = clean_environment() | {
            "HOLDFAST_ADDR": cluster.nodes[0].address, "HOLDFAST_TOKEN": cluster.root_token,
            "HOLDFAST_CACERT": cluster.ca_file() or "", "HOME": str(work),
            "PATH": f"{tools}:{os.environ['PATH']}",
        }
        blocks = BLOCK.findall(PAGE.read_text())
        scripts = [position for position, (kind, _) in enumerate(blocks) if kind == "sh"]
        self.assertGreaterEqual(len(scripts), 4)
        for position in scripts:
            script = blocks[position][1]
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=work,
                                  env=environment, capture_output=True, text=True, timeout=120)
            shown = f"{script}\n{done.stdout}{done.stderr}"
            self.assertEqual(done.returncode, 0, shown)
            kind, expected = blocks[position + 1]
            self.assertEqual(kind, "text", "each example is followed by what it prints")
            for line in expected.splitlines():
                self.assertIn(line, done.stdout + done.stderr, shown)
