"""Namespaces through `bao` and `hvac`, unmodified, through all nodes; the examples of the page; and
what only running nodes show: a removal that outlives its leader, and lines of the audit."""

import json
import re

import hvac

from pages import run_page
from support import ONE, ClusterTest, wait_until
from test_clients import Bao

ALL = '["create","read","update","patch","delete","list","scan","sudo"]'


class Namespaces(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        run_page(self, cluster, "Namespaces", scripts_min=3)

    def test_bao(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        follower = next(node for node in cluster.nodes if node is not leader)
        bao = Bao(cluster, follower)

        def read(*words):
            return json.loads(bao.ok(*words))

        made = read("namespace", "create", "-format=json", "-custom-metadata=team=x", "one")
        self.assertEqual(made["path"], "one/")
        self.assertEqual(made["custom_metadata"], {"team": "x"})
        bao.ok("namespace", "create", "-namespace=one", "two")
        self.assertEqual(read("namespace", "list", "-format=json"), ["one/"])
        self.assertEqual(read("namespace", "list", "-format=json", "-namespace=one"), ["two/"])
        bao.ok("namespace", "patch", "-custom-metadata=team=y", "one")
        found = read("namespace", "lookup", "-format=json", "one")
        self.assertEqual(found["custom_metadata"], {"team": "y"})
        bao.ok("secrets", "enable", "-namespace=one/two", "-path=kv", "-version=2", "kv")
        bao.ok("kv", "put", "-namespace=one/two", "kv/a", "x=1")
        self.assertEqual(bao.ok("kv", "get", "-namespace=one", "-field=x", "two/kv/a").strip(), "1")
        self.assertEqual(bao.ok("kv", "get", "-field=x", "one/two/kv/a").strip(), "1")
        self.assertEqual(bao.run("kv", "get", "kv/a").returncode, 2)
        bao.ok("auth", "enable", "-namespace=one", "userpass")
        bao.ok("write", "-namespace=one", "auth/userpass/users/ann", "password=hedgehog")
        login = read("login", "-no-store", "-format=json", "-namespace=one", "-method=userpass",
                     "username=ann", "password=hedgehog")
        self.assertTrue(login["auth"]["client_token"].endswith("." + made["id"]))
        refused = bao.run("namespace", "delete", "one")
        self.assertEqual(refused.returncode, 2, refused.stdout)
        bao.ok("namespace", "delete", "-namespace=one", "two")
        wait_until("the inner one is gone", lambda: bao.run(
            "namespace", "lookup", "-namespace=one", "two").returncode == 2)
        bao.ok("namespace", "delete", "one")
        wait_until("the outer one is gone", lambda: bao.run(
            "namespace", "lookup", "one").returncode == 2)

    def test_hvac(self):
        cluster = self.open_cluster()
        turn = 0

        def client(namespace=None, token=None):
            nonlocal turn
            turn += 1
            node = cluster.nodes[turn % len(cluster.nodes)]
            return hvac.Client(url=node.address, verify=cluster.ca_file(), namespace=namespace,
                               token=token or cluster.root_token)

        client().sys.create_namespace("team")
        self.assertEqual(client().sys.list_namespaces()["data"]["keys"], ["team/"])
        client("team").sys.create_namespace("db")
        self.assertEqual(client("team").sys.list_namespaces()["data"]["keys"], ["db/"])
        client("team").sys.enable_secrets_engine("kv", path="kv", options={"version": "2"})
        kv = client("team").secrets.kv.v2
        kv.create_or_update_secret("a", {"k": "v"}, mount_point="kv")
        read = client("team").secrets.kv.v2.read_secret("a", mount_point="kv")
        self.assertEqual(read["data"]["data"], {"k": "v"})
        with self.assertRaises(hvac.exceptions.InvalidPath):
            client("team/db").secrets.kv.v2.read_secret("a", mount_point="kv")
        client("team").sys.create_or_update_policy(
            "admin", f'path "*" {{ capabilities = {ALL} }}')
        token = client("team").auth.token.create_orphan(
            policies=["admin"])["auth"]["client_token"]
        self.assertEqual(client("team", token).sys.list_policies()["data"]["policies"],
                         ["admin", "default"])
        with self.assertRaises(hvac.exceptions.Forbidden):
            client(None, token).sys.list_mounted_secrets_engines()
        with self.assertRaises(hvac.exceptions.InvalidPath):
            client("nope").sys.list_mounted_secrets_engines()
        client("team").sys.delete_namespace("db")
        wait_until("the inner one is gone", lambda: cluster.call(
            cluster.nodes[0], "GET", "team/sys/namespaces/db",
            token=cluster.root_token).status == 404)
        client().sys.delete_namespace("team")
        for _ in cluster.nodes:
            with self.assertRaises(hvac.exceptions.Forbidden):
                client(None, token).auth.token.lookup_self()

    def test_a_removal_outlives_its_leader(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        cluster.ask(leader, "PUT", "sys/namespaces/big", {})
        cluster.ask(leader, "PUT", "big/sys/mounts/kv", {"type": "kv"})
        for number in range(600):
            cluster.ask(leader, "PUT", f"big/kv/f{number % 9}/n{number}", {"n": number})
        for _ in range(100):
            cluster.ask(leader, "POST", "big/auth/token/create", {"policies": ["default"]})
        token = cluster.ask(leader, "POST", "big/auth/token/create",
                            {"policies": ["default"]})["auth"]["client_token"]
        other = next(node for node in cluster.nodes if node is not leader)
        answer = cluster.ask(leader, "DELETE", "sys/namespaces/big")
        self.assertEqual(answer["data"], {"status": "in-progress"})
        cluster.kill(leader)
        wait_until("the namespace is gone", lambda: cluster.call(
            other, "GET", "sys/namespaces/big", token=cluster.root_token).status == 404, 180)
        self.assertEqual(cluster.call(
            other, "LIST", "sys/jobs", token=cluster.root_token).status, 404)
        self.assertEqual(cluster.call(
            other, "GET", "auth/token/lookup-self", token=token).status, 403)
        self.assertEqual(cluster.call(
            other, "GET", "big/kv/f0/n0", token=cluster.root_token).status, 404)

    def test_a_lock_holds_on_every_node_and_outlives_its_leader(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        others = [node for node in cluster.nodes if node is not leader]
        cluster.ask(leader, "PUT", "sys/namespaces/team", {})
        cluster.ask(leader, "PUT", "team/sys/mounts/kv", {"type": "kv"})
        cluster.ask(leader, "PUT", "team/kv/a", {"v": "1"})
        token = cluster.ask(leader, "POST", "team/auth/token/create",
                            {"policies": ["default"]})["auth"]["client_token"]

        def refused(node, path, token):
            answer = cluster.call(node, "GET", path, token=token)
            return answer.status == 503 and '"team/" must be unlocked' in answer.text.replace(
                "\\", "")

        bao = Bao(cluster, others[0])
        told = bao.ok("namespace", "lock", "team")
        key = re.search(r"Unlock Key: (\w{24})\b", told)[1]
        for node in cluster.nodes:
            self.assertTrue(refused(node, "team/kv/a", cluster.root_token), node.name)
            self.assertTrue(refused(node, "auth/token/lookup-self", token), node.name)
        cluster.kill(leader)
        for node in others:
            wait_until("the lock is asked for by the next leader", lambda node=node: refused(
                node, "team/kv/a", cluster.root_token), 60)
        wrong = bao.run("namespace", "unlock", "-unlock-key=no", "team")
        self.assertIn("incorrect unlock key", wrong.stderr)
        self.assertIn("successfully", bao.ok("namespace", "unlock", f"-unlock-key={key}", "team"))
        for node in others:
            answer = cluster.ask(node, "GET", "team/kv/a")
            self.assertEqual(answer["data"], {"v": "1"})
            self.assertEqual(cluster.call(
                node, "GET", "auth/token/lookup-self", token=token).status, 200)

    def test_audit(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        node = cluster.wait_for_leader()
        file = cluster.folder / "audit.log"
        cluster.ask(node, "PUT", "sys/audit/file",
                    {"type": "file", "options": {"file_path": str(file)}})
        made = cluster.ask(node, "PUT", "sys/namespaces/team", {})
        cluster.ask(node, "PUT", "team/sys/mounts/kv", {"type": "kv"})
        cluster.ask(node, "PUT", "team/kv/a", {"v": "1"})
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        own = [line["request"] for line in lines if line["request"]["path"] == "kv/a"]
        self.assertTrue(own, lines)
        for request in own:
            self.assertEqual(request["namespace"], {"id": made["data"]["id"], "path": "team/"})
            self.assertEqual(request["mount_point"], "kv/")
        # The key of a lock is on no record, neither given out nor given back.
        made = cluster.ask(node, "PUT", "sys/namespaces/api-lock/lock/team", {})
        key = made["data"]["unlock_key"]
        self.assertEqual(cluster.call(
            node, "GET", "team/kv/a", token=cluster.root_token).status, 503)
        cluster.ask(node, "PUT", "sys/namespaces/api-lock/unlock/team", {"unlock_key": key})
        written = file.read_text()
        self.assertIn("sys/namespaces/api-lock/unlock/team", written)
        self.assertIn("has been locked by an administrator", written)
        self.assertNotIn(key, written)
        outer = [line["request"] for line in lines
                 if line["request"]["path"] == "sys/namespaces/team"]
        for request in outer:
            self.assertEqual(request["namespace"], {"id": "root"})
