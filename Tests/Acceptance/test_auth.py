"""Auth methods with real processes: the pages' examples, the bao CLI, hvac, a new leader."""

import json
import threading

import hvac

from pages import run_page
from support import ONE, ClusterTest, wait_until
from test_clients import Bao


class AuthPages(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        run_page(self, cluster, "Userpass", scripts_min=3)
        run_page(self, cluster, "Approle", scripts_min=3)
        run_page(self, cluster, "JWT", scripts_min=3)


class AuthClients(ClusterTest):
    def test_bao_hvac_and_a_new_leader(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        followers = [node for node in cluster.nodes if node is not leader]
        # Everything through followers, so that logins are forwarded.
        bao = Bao(cluster, followers[0])
        policy = cluster.folder / "team.hcl"
        policy.write_text('path "secret/*" { capabilities = ["create", "read", "update"] }')
        bao.ok("policy", "write", "team", str(policy))
        bao.ok("auth", "enable", "userpass")
        bao.ok("auth", "enable", "-path=machines", "approle")
        self.assertIn("userpass/", bao.ok("auth", "list"))
        bao.ok("auth", "tune", "-description=people", "userpass/")
        bao.ok("write", "auth/userpass/users/bob", "password=hedgehog", "token_policies=team")
        self.login_with_bao(cluster, followers[1])
        self.machines(cluster, followers[1])
        self.lock_outlives_the_leader(cluster)
        bao.ok("auth", "disable", "machines/")
        self.assertNotIn("machines/", bao.ok("auth", "list"))

    def login_with_bao(self, cluster, node):
        other = Bao(cluster, node)
        done = other.run("login", "-format=json", "-method=userpass", "-no-store",
                         "username=bob", "password=hedgehog", token=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        auth = json.loads(done.stdout)["auth"]
        self.assertEqual(auth["token_policies"], ["default", "team"])
        wrong = other.run("login", "-method=userpass", "-no-store", "username=bob",
                          "password=no", token=False)
        self.assertIn("invalid username or password", wrong.stderr)

    def client(self, cluster, node, token=None):
        node = cluster.node(node)
        return hvac.Client(url=node.address, token=token, verify=cluster.ca_file() or True)

    def machines(self, cluster, node):
        root = self.client(cluster, node, cluster.root_token)
        root.auth.approle.create_or_update_approle(
            "ci", token_policies=["team"], secret_id_num_uses=5, mount_point="machines")
        role_id = root.auth.approle.read_role_id(
            "ci", mount_point="machines")["data"]["role_id"]
        secret_id = root.auth.approle.generate_secret_id(
            "ci", mount_point="machines")["data"]["secret_id"]
        results = []

        def log_in(node):
            client = self.client(cluster, node)
            try:
                client.auth.approle.login(role_id, secret_id, mount_point="machines")
                results.append("in")
            except hvac.exceptions.InvalidRequest as error:
                results.append(str(error).split(",")[0])

        # Nine at once on all nodes, for five uses: five tokens, whoever comes first.
        threads = [threading.Thread(target=log_in, args=(node,)) for node in cluster.nodes * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(results.count("in"), 5, results)
        self.assertEqual(results.count("invalid role or secret ID"), 4, results)
        client = self.client(cluster, node)
        client.auth.userpass.login("bob", "hedgehog")
        client.secrets.kv.v2.create_or_update_secret("of-bob", {"a": "1"}, mount_point="secret")
        with self.assertRaises(hvac.exceptions.Forbidden):
            client.sys.list_mounted_secrets_engines()

    def lock_outlives_the_leader(self, cluster):
        node = cluster.nodes[0]
        for _ in range(5):
            with self.assertRaises(hvac.exceptions.InvalidRequest):
                self.client(cluster, node).auth.userpass.login("bob", "guess")
        with self.assertRaises(hvac.exceptions.Forbidden):
            self.client(cluster, node).auth.userpass.login("bob", "hedgehog")
        leader = cluster.wait_for_leader()
        cluster.kill(leader)
        left = [node for node in cluster.nodes if node is not leader]
        wait_until("another node leads", lambda: cluster.wait_for_leader() is not leader)
        for node in left:
            with self.assertRaises(hvac.exceptions.Forbidden):
                self.client(cluster, node).auth.userpass.login("bob", "hedgehog")
