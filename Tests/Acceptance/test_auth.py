"""Auth methods with real processes: the pages' examples, the bao CLI, hvac, a new leader."""

import http.client
import json
import ssl
import threading
import urllib.parse

import hvac

from certificates import Certificates
from pages import run_page
from support import ONE, ClusterTest, wait_until
from test_clients import Bao


class AuthPages(ClusterTest):
    def test_examples(self):
        cluster = self.open_cluster(ONE, shares=1, threshold=1)
        run_page(self, cluster, "Userpass", scripts_min=3)
        run_page(self, cluster, "Approle", scripts_min=3)
        run_page(self, cluster, "JWT", scripts_min=5)
        run_page(self, cluster, "Cert", scripts_min=4)


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


class CertClients(ClusterTest):
    """Certificates that clients show to a follower, which the leader judges."""

    def test_bao_hvac_and_a_new_leader(self):
        cluster = self.open_cluster()
        self.made = Certificates(cluster.folder / "tls").make_all()
        leader = cluster.wait_for_leader()
        follower = next(node for node in cluster.nodes if node is not leader)
        bao = Bao(cluster, follower)
        bao.ok("auth", "enable", "cert")
        bao.ok("write", "auth/cert/certs/web", f"certificate=@{self.made.path('ca')}",
               "token_ttl=1h", "allowed_names=web.*,deep")
        for node in cluster.nodes:
            self.with_bao(cluster, node)
            self.with_hvac(cluster, node)
            self.refused(cluster, node)
        self.resumed(cluster, follower)
        cluster.kill(leader)
        wait_until("another node leads", lambda: cluster.wait_for_leader() is not leader)
        for node in cluster.nodes:
            if node is not leader:
                self.with_hvac(cluster, node)
                self.refused(cluster, node)

    def with_bao(self, cluster, node):
        bao = Bao(cluster, node)
        words = ["login", "-format=json", "-method=cert", "-no-store",
                 f"-client-key={self.made.path('web', 'key')}"]
        done = bao.run(*words, f"-client-cert={self.made.path('web')}", "name=web", token=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        auth = json.loads(done.stdout)["auth"]
        self.assertEqual(auth["metadata"]["common_name"], "web.example")
        self.assertEqual(auth["metadata"]["serial_number"], "4660")
        none = bao.run("login", "-method=cert", "-no-store", token=False)
        self.assertIn("no client certificate found", none.stderr)

    def client(self, cluster, node, name, kind="pem"):
        files = tuple(str(self.made.path(name, each)) for each in (kind, "key"))
        return hvac.Client(url=cluster.node(node).address, verify=cluster.ca_file(), cert=files)

    def with_hvac(self, cluster, node):
        client = self.client(cluster, node, "deep", "chain")
        client.auth.cert.login(cert_pem=str(self.made.path("deep", "chain")),
                               key_pem=str(self.made.path("deep", "key")))
        self.assertEqual(client.auth.token.lookup_self()["data"]["display_name"], "cert-web")
        self.assertEqual(client.auth.token.renew_self()["auth"]["lease_duration"], 3600)
        for other in (hvac.Client(url=client.url, verify=cluster.ca_file(), token=client.token),
                      hvac.Client(url=client.url, verify=cluster.ca_file(), token=client.token,
                                  cert=tuple(str(self.made.path("web", each))
                                             for each in ("pem", "key")))):
            with self.assertRaises(hvac.exceptions.InvalidRequest):
                other.auth.token.renew_self()

    def link(self, cluster, node, name):
        parts = urllib.parse.urlsplit(cluster.node(node).address)
        context = ssl.create_default_context(cafile=cluster.ca_file())
        if name:
            context.load_cert_chain(self.made.path(name, "both"))
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20,
                                           context=context)

    def login(self, link, headers=None):
        link.request("PUT", "/v1/auth/cert/login", body="{}", headers=headers or {})
        with link.getresponse() as response:
            return response.status, json.loads(response.read())

    def refused(self, cluster, node):
        """Another's certificate, a client's below a client, and what a header says."""
        pem = self.made.text("web").replace("\n", "")
        forged = {name: pem for name in ("X-SSL-Client-Cert", "X-Forwarded-Client-Cert",
                                         "X-Forwarded-Tls-Client-Cert", "Client-Cert")}
        for name, headers, reason in (
                (None, forged, "no client certificate found"),
                ("stranger", forged, "invalid certificate or no client certificate supplied"),
                ("child", None, "invalid certificate or no client certificate supplied"),
                ("lone", None, "invalid certificate or no client certificate supplied"),
                ("rsa", None, "no chain matching all constraints")):
            link = self.link(cluster, node, name)
            status, body = self.login(link, headers)
            link.close()
            self.assertEqual(status, 400, body)
            self.assertIn(reason, body["errors"][0])

    def resumed(self, cluster, node):
        """A session that is taken up again is its client's, and nobody else's."""
        parts = urllib.parse.urlsplit(cluster.node(node).address)
        context = ssl.create_default_context(cafile=cluster.ca_file())
        context.load_cert_chain(self.made.path("web", "both"))
        session, reused = None, []
        for _ in range(3):
            link = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20)
            plain = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
            plain.connect()
            link.sock = context.wrap_socket(plain.sock, server_hostname=parts.hostname,
                                            session=session)
            status, body = self.login(link)
            self.assertEqual(status, 200, body)
            self.assertEqual(body["auth"]["metadata"]["common_name"], "web.example")
            reused.append(link.sock.session_reused)
            session = link.sock.session
            link.close()
        print(f"TLS sessions taken up again: {reused}")
