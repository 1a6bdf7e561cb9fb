"""The real `bao` CLI and `hvac`, unmodified, on the leader and on followers."""

import json
import os
import pathlib
import shutil
import subprocess

import hvac

from support import BINARY, ClusterTest, clean_environment, wait_until


class Bao:
    """The bao CLI against one node."""

    def __init__(self, cluster, node):
        self.cluster, self.node = cluster, cluster.node(node)

    def run(self, *words, token=True):
        """One command, with the root token, with another one, or (False) with none."""
        environment = clean_environment() | {
            "BAO_ADDR": self.node.address, "BAO_CACERT": self.cluster.ca_file() or "",
            "HOME": str(self.cluster.folder), "PATH": os.environ["PATH"], "BAO_MAX_RETRIES": "0",
        }
        shown = self.cluster.root_token if token is True else token
        if shown:
            environment["BAO_TOKEN"] = shown
        return subprocess.run([shutil.which("bao"), *words], capture_output=True, text=True,
                              env=environment, timeout=60)

    def ok(self, *words, token=True):
        done = self.run(*words, token=token)
        if done.returncode != 0:
            raise AssertionError(f"bao {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        position = 1
        if words[0] in ("kv", "operator", "secrets"):
            position = 3 if words[1] in ("metadata", "raft") else 2
        return json.loads(self.ok(*words[:position], "-format=json", *words[position:]))


class BaoCLI(ClusterTest):
    def test_from_init_to_kv(self):
        cluster = self.cluster()
        cluster.start_all()
        bao = Bao(cluster, "eu-1")
        self.assertEqual(bao.run("status").returncode, 2)
        wait_until("init can begin", lambda: cluster.call(
            "eu-1", "GET", "sys/init", timeout=5).status == 200)
        made = json.loads(bao.ok("operator", "init", "-format=json", "-key-shares=5",
                                 "-key-threshold=3"))
        self.assertEqual(len(made["unseal_keys_b64"]), 5)
        cluster.root_token = made["root_token"]
        again = bao.run("operator", "init")
        self.assertIn("Vault is already initialized", again.stderr)
        for node in cluster.nodes:
            each = Bao(cluster, node)
            wait_until("the node learns of the vault", lambda: cluster.ask(
                node, "GET", "sys/seal-status")["initialized"])
            keys = made["unseal_keys_b64"] if node.name != "us-1" else made["unseal_keys_hex"]
            for key in keys[1:4]:
                each.ok("operator", "unseal", key)
            self.assertEqual(each.run("status").returncode, 0, node.name)
        leader = cluster.wait_for_leader()
        followers = [node for node in cluster.nodes if node is not leader]
        Bao(cluster, followers[0]).ok("secrets", "enable", "-path=secret", "-version=2", "kv")
        Bao(cluster, followers[0]).ok("secrets", "enable", "-path=one", "-version=1", "kv")
        for position, node in enumerate([leader, *followers]):
            self.versioned(Bao(cluster, node), f"team/app-{position}")
            self.unversioned(Bao(cluster, node), f"deep/er/app-{position}")
        self.assertEqual(Bao(cluster, leader).json("kv", "list", "secret/team"),
                         ["app-0", "app-1", "app-2"])
        peers = Bao(cluster, followers[1]).json("operator", "raft", "list-peers")
        self.assertEqual(sum(server["leader"] for server in
                             peers["data"]["config"]["servers"]), 1)
        Bao(cluster, leader).ok("operator", "members")
        Bao(cluster, leader).ok("token", "lookup")
        Bao(cluster, leader).ok("secrets", "list")

    def versioned(self, bao, path):
        full = f"secret/{path}"
        self.assertEqual(bao.json("kv", "put", full, "a=1", "b=two")["data"]["version"], 1)
        self.assertEqual(bao.json("kv", "put", "-cas=1", full, "a=2")["data"]["version"], 2)
        conflict = bao.run("kv", "put", "-cas=1", full, "a=3")
        self.assertEqual(conflict.returncode, 2)
        self.assertIn("check-and-set parameter did not match the current version",
                      conflict.stderr)
        self.assertEqual(bao.json("kv", "get", full)["data"]["data"], {"a": "2"})
        self.assertEqual(bao.json("kv", "get", "-version=1", full)["data"]["data"],
                         {"a": "1", "b": "two"})
        self.assertEqual(bao.ok("kv", "get", "-field=a", full).strip(), "2")
        bao.ok("kv", "delete", full)
        # The CLI shows the metadata of a deleted version, without data.
        self.assertIsNone(bao.json("kv", "get", full)["data"]["data"])
        bao.ok("kv", "undelete", "-versions=2", full)
        self.assertEqual(bao.json("kv", "get", full)["data"]["data"], {"a": "2"})
        bao.ok("kv", "destroy", "-versions=1", full)
        bao.ok("kv", "metadata", "put", "-custom-metadata=owner=me", "-max-versions=5", full)
        metadata = bao.json("kv", "metadata", "get", full)["data"]
        self.assertEqual(metadata["custom_metadata"], {"owner": "me"})
        self.assertTrue(metadata["versions"]["1"]["destroyed"])
        bao.ok("kv", "put", f"{full}-gone", "a=1")
        bao.ok("kv", "metadata", "delete", f"{full}-gone")
        self.assertEqual(bao.run("kv", "metadata", "get", f"{full}-gone").returncode, 2)

    def unversioned(self, bao, path):
        full = f"one/{path}"
        bao.ok("kv", "put", full, "user=me", "password=x y")
        self.assertEqual(bao.json("kv", "get", full)["data"], {"user": "me", "password": "x y"})
        self.assertIn("er/", bao.json("kv", "list", "one/deep"))
        bao.ok("kv", "delete", full)
        self.assertEqual(bao.run("kv", "get", full).returncode, 2)


class Hvac(ClusterTest):
    def client(self, cluster, node, token=True):
        return hvac.Client(url=cluster.node(node).address, verify=cluster.ca_file(),
                           token=cluster.root_token if token else None)

    def test_from_init_to_kv(self):
        cluster = self.cluster()
        cluster.start_all()
        client = self.client(cluster, "eu-1", token=False)
        wait_until("init can begin", lambda: cluster.call(
            "eu-1", "GET", "sys/init", timeout=5).status == 200)
        self.assertFalse(client.sys.is_initialized())
        made = client.sys.initialize(secret_shares=5, secret_threshold=3)
        cluster.root_token = made["root_token"]
        for node in cluster.nodes:
            client = self.client(cluster, node)
            wait_until("the node learns of the vault", client.sys.is_initialized)
            self.assertTrue(client.sys.is_sealed())
            client.sys.submit_unseal_keys(made["keys_base64"][:3])
            self.assertFalse(client.sys.is_sealed())
        leader = cluster.wait_for_leader()
        self.client(cluster, leader).sys.enable_secrets_engine(
            "kv", path="secret", options={"version": "2"})
        for position, node in enumerate(cluster.nodes):
            self.versioned(self.client(cluster, node), f"app/{position}")
        client = self.client(cluster, cluster.nodes[2])
        self.assertIn("secret/", client.sys.list_mounted_secrets_engines()["data"])
        self.assertTrue(client.is_authenticated())
        self.assertFalse(self.client(cluster, leader, token=False).is_authenticated())
        self.assertEqual(len(client.sys.read_raft_config()["data"]["config"]["servers"]), 3)
        self.assertIn(client.sys.read_health_status(method="GET", standby_ok=True).get(
            "initialized") if isinstance(client.sys.read_health_status(
                method="GET", standby_ok=True), dict) else True, (True,))
        client.sys.disable_secrets_engine("secret")
        self.assertNotIn("secret/", client.sys.list_mounted_secrets_engines()["data"])

    def versioned(self, client, path):
        kv = client.secrets.kv.v2
        made = kv.create_or_update_secret(path, {"n": 12345678901234567890}, cas=0)
        self.assertEqual(made["data"]["version"], 1)
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            kv.create_or_update_secret(path, {"n": 2}, cas=0)
        kv.create_or_update_secret(path, {"n": 2}, cas=1)
        read = kv.read_secret_version(path, version=1, raise_on_deleted_version=True)
        self.assertEqual(read["data"]["data"], {"n": 12345678901234567890})
        kv.delete_latest_version_of_secret(path)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            kv.read_secret_version(path, raise_on_deleted_version=True)
        kv.undelete_secret_versions(path, [2])
        self.assertEqual(kv.read_secret_version(
            path, raise_on_deleted_version=True)["data"]["data"], {"n": 2})
        kv.update_metadata(path, max_versions=7, custom_metadata={"a": "b"})
        self.assertEqual(kv.read_secret_metadata(path)["data"]["max_versions"], 7)
        kv.destroy_secret_versions(path, [1])
        self.assertIn(path.split("/")[1], kv.list_secrets("app")["data"]["keys"])
        kv.create_or_update_secret(f"{path}-gone", {"a": 1})
        kv.delete_metadata_and_all_versions(f"{path}-gone")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            kv.read_secret_metadata(f"{path}-gone")


class Policies(ClusterTest):
    """Policies through three clients: the bao CLI, hvac, and Holdfast's own."""

    READ = 'path "secret/data/team/*" {\n  capabilities = ["read"]\n}\n'
    WRITE = 'path "secret/data/team/*" {\n  capabilities = ["create", "read", "update"]\n}\n'

    def file(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        return str(path)

    def holdfast(self, cluster, node, *words):
        environment = clean_environment() | {
            "HOLDFAST_ADDR": node.address, "HOLDFAST_CACERT": cluster.ca_file() or "",
            "HOLDFAST_TOKEN": cluster.root_token, "HOME": str(cluster.folder),
        }
        return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60,
                              env=environment)

    def test_bao(self):
        cluster = self.open_cluster()
        follower = next(node for node in cluster.nodes if node is not cluster.wait_for_leader())
        bao = Bao(cluster, follower)
        bao.ok("policy", "write", "Team", self.file("read.hcl", self.READ))
        self.assertEqual(bao.ok("policy", "read", "team"), self.READ)
        self.assertEqual(bao.ok("policy", "list").split(), ["default", "root", "team"])
        ugly = self.file("ugly.hcl", 'path   "a" {capabilities=["read"]}')
        bao.ok("policy", "fmt", ugly)
        bao.ok("policy", "write", "tidy", ugly)
        wrong = bao.run("policy", "write", "team", self.file("wrong.hcl", "foo = 1\n"))
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("failed to parse policy", wrong.stderr)
        self.assertIn('cannot update "root" policy', bao.run(
            "policy", "write", "root", ugly).stderr)
        self.assertIn("cannot delete default policy", bao.run(
            "policy", "delete", "default").stderr)
        bao.ok("policy", "delete", "tidy")
        self.assertIn("No policy named: tidy", bao.run("policy", "read", "tidy").stderr)
        self.assertIn("root", bao.ok("token", "capabilities", "secret/data/team/a"))
        self.history(cluster, bao, follower)

    def history(self, cluster, bao, node):
        """What Holdfast adds, on the policy that the bao CLI wrote."""
        cases = json.dumps([{"name": "outside", "path": "secret/data/other", "capability": "read",
                             "expect": "deny"}])
        bao.ok("policy", "write", "team", self.file("write.hcl", self.WRITE))
        bao.ok("write", "sys/policies/acl/team", f"policy={self.READ}", f"cases={cases}")
        wide = self.file("wide.hcl", 'path "secret/*" {\n  capabilities = ["read"]\n}\n')
        refused = bao.run("policy", "write", "team", wide)
        self.assertEqual(refused.returncode, 2)
        self.assertIn('case "outside" wants this denied', refused.stderr)

        def own(*words):
            return self.holdfast(cluster, node, "policy", *words)

        self.assertIn('-  capabilities = ["read"]', own("diff", "team", "-from=1", "-to=2").stdout)
        back = own("rollback", "team", "-version=2")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertEqual(bao.ok("policy", "read", "team"), self.WRITE)
        self.assertIn("as 2", own("versions", "team").stdout)
        denied = own("explain", "delete", "secret/data/team/a", "-policy=team")
        self.assertEqual(denied.returncode, 2)
        self.assertIn("lacks delete", denied.stdout)
        allowed = own("explain", "write", "secret/data/team/a", "-policy=team")
        self.assertEqual(allowed.returncode, 0, allowed.stdout + allowed.stderr)
        self.assertIn("create on", allowed.stdout)
        for other in cluster.nodes:
            wait_until("every node has the policy", lambda: Bao(cluster, other).ok(
                "policy", "read", "team") == self.WRITE)

    def test_hvac(self):
        cluster = self.open_cluster()
        client = hvac.Client(url=cluster.nodes[1].address, verify=cluster.ca_file(),
                             token=cluster.root_token)
        system = client.sys
        self.assertEqual(system.create_or_update_policy("one", self.READ).status_code, 204)
        self.assertEqual(system.read_policy("one")["data"]["rules"], self.READ)
        self.assertIn("one", system.list_policies()["data"]["policies"])
        self.assertIn("one", system.list_policies()["policies"])
        as_object = {"path": {"secret/*": {"capabilities": ["read"]}}}
        system.create_or_update_policy("two", as_object)
        self.assertEqual(json.loads(system.read_policy("two")["data"]["rules"]), as_object)
        system.delete_policy("two")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            system.read_policy("two")
        self.assertEqual(system.create_or_update_acl_policy("three", self.READ).status_code, 204)
        self.assertEqual(system.read_acl_policy("three")["data"],
                         {"name": "three", "policy": self.READ})
        self.assertEqual(system.list_acl_policies()["data"]["keys"],
                         ["default", "one", "root", "three"])
        system.delete_acl_policy("three")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            system.read_acl_policy("three")
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            system.create_or_update_policy("bad", 'path "x" { capabilities = ["fly"] }')
        self.assertEqual(system.get_capabilities(["secret/x"])["data"]["capabilities"], ["root"])
        accessor = client.lookup_token()["data"]["accessor"]
        self.assertEqual(system.get_capabilities(["secret/x"], accessor=accessor)["data"][
            "secret/x"], ["root"])
