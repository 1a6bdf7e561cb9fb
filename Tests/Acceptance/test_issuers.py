"""Keys that an issuer publishes, with real processes and a real HTTPS server."""

import json
import socket
import ssl
import threading
import time
import urllib.parse

import hvac

from issuer import Issuer
from support import ClusterTest, wait_until
from test_clients import Bao

# A node asks an issuer again after this long; see keySetPauseSeconds.
PAUSE = 10
ROLE = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"],
        "token_policies": ["ci"]}


class IssuerTest(ClusterTest):
    def setUp(self):
        super().setUp()
        self.issuer = Issuer(self.folder.name).start()
        self.addCleanup(self.issuer.stop)
        self.issuer.add_key("k1")

    def mount(self, cluster, node, name="jwt"):
        cluster.ask(node, "POST", f"sys/auth/{name}", {"type": "jwt"}, cluster.root_token)
        cluster.ask(node, "POST", f"auth/{name}/role/r", ROLE, cluster.root_token)

    def configure(self, cluster, node, name="jwt", **more):
        body = {"jwks_url": self.issuer.keys_url, "jwks_ca_pem": self.issuer.ca_pem,
                "bound_issuer": "ci"} | more
        return cluster.call(node, "POST", f"auth/{name}/config", body, cluster.root_token,
                            timeout=30)

    def login(self, cluster, node, token, name="jwt", timeout=30):
        return cluster.call(node, "PUT", f"auth/{name}/login", {"role": "r", "jwt": token},
                            timeout=timeout)

    def fetches(self, path="/keys"):
        return self.issuer.hits.get(path, 0)


class Issuers(IssuerTest):
    def test_one_node(self):
        cluster = self.open_cluster([("eu-1", "eu", "eu-a")], shares=1, threshold=1)
        node = cluster.nodes[0]
        self.mount(cluster, node)
        self.checks(cluster, node)
        self.clients(cluster, node)
        self.assertEqual(self.configure(cluster, node).status, 204)
        self.rotation(cluster, node)
        self.flood(cluster, node)
        self.down(cluster, node)

    def checks(self, cluster, node):
        """What is wrong with an issuer is found when it is configured."""
        other = Issuer(self.folder.name, "other")
        for more, reason in [
            ({"jwks_ca_pem": other.ca_pem}, "not one of those trusted"),
            ({"jwks_ca_pem": ""}, "not one of those trusted"),
            ({"jwks_url": f"{self.issuer.url}/nowhere"}, "status 404"),
            ({"jwks_url": f"{self.issuer.url}/html"}, "not a JSON web key set"),
            ({"jwks_url": f"{self.issuer.url}/long"}, "longer than 1048576 bytes"),
            ({"jwks_url": self.issuer.url.replace("https", "http")}, "error checking jwks URL"),
            ({"jwks_url": "http://192.0.2.1/keys"}, "this machine only"),
            ({"jwks_url": "https://127.0.0.1:1/keys"}, "refused"),
            ({"jwks_url": "https://no-such-host.invalid/keys"}, "error checking jwks URL"),
        ]:
            answer = self.configure(cluster, node, **more)
            self.assertEqual(answer.status, 400, more)
            self.assertIn(reason, answer.errors(), more)
        # The certificate names 127.0.0.1 and localhost, and no other address of this machine.
        moved = self.issuer.keys_url.replace("127.0.0.1", "127.0.0.2")
        self.assertEqual(self.configure(cluster, node, jwks_url=moved).status, 400)
        named = self.issuer.keys_url.replace("127.0.0.1", "localhost")
        self.assertEqual(self.configure(cluster, node, jwks_url=named).status, 204)
        found = {"jwks_url": "", "oidc_discovery_url": self.issuer.url,
                 "oidc_discovery_ca_pem": self.issuer.ca_pem}
        self.issuer.claimed = "https://another.example"
        answer = self.configure(cluster, node, **found)
        self.assertIn("issuer did not match", answer.errors())
        self.issuer.claimed = None
        self.assertEqual(self.configure(cluster, node, **found).status, 204)
        self.assertEqual(self.login(cluster, node, self.issuer.token("k1")).status, 200)
        shown = cluster.ask(node, "GET", "auth/jwt/config", token=cluster.root_token)["data"]
        self.assertEqual((shown["oidc_discovery_url"], shown["status"]),
                         (self.issuer.url, "valid"))

    def clients(self, cluster, node):
        """The bao CLI and hvac, unmodified."""
        bao = Bao(cluster, node)
        authorities = cluster.folder / "issuer-ca.pem"
        authorities.write_text(self.issuer.ca_pem)
        bao.ok("write", "auth/jwt/config", f"jwks_url={self.issuer.keys_url}",
               f"jwks_ca_pem=@{authorities}", "bound_issuer=ci")
        shown = json.loads(bao.ok("read", "-format=json", "auth/jwt/config"))["data"]
        self.assertEqual((shown["jwks_url"], shown["jwks_ca_pem"], shown["status"]),
                         (self.issuer.keys_url, self.issuer.ca_pem, "valid"))
        client = hvac.Client(url=node.address, token=cluster.root_token,
                             verify=cluster.ca_file() or True)
        client.auth.jwt.configure(oidc_discovery_url=self.issuer.url,
                                  oidc_discovery_ca_pem=self.issuer.ca_pem)
        self.assertEqual(client.auth.jwt.read_config()["data"]["oidc_discovery_url"],
                         self.issuer.url)
        auth = client.auth.jwt.jwt_login("r", self.issuer.token("k1"))["auth"]
        self.assertEqual(auth["token_policies"], ["ci", "default"])
        client.token = cluster.root_token
        with self.assertRaisesRegex(hvac.exceptions.InvalidRequest, "error checking jwks URL"):
            client.auth.jwt.configure(jwks_url=f"{self.issuer.url}/nowhere",
                                      jwks_ca_pem=self.issuer.ca_pem)

    def rotation(self, cluster, node):
        before = self.fetches()
        for _ in range(20):
            self.assertEqual(self.login(cluster, node, self.issuer.token("k1")).status, 200)
        self.assertEqual(self.fetches(), before)
        self.issuer.add_key("k2")
        new = self.issuer.token("k2")
        wait_until("the new key counts", seconds=3 * PAUSE, pause=0.5,
                   check=lambda: self.login(cluster, node, new).status == 200)
        self.assertEqual(self.fetches(), before + 1)
        self.assertEqual(self.login(cluster, node, self.issuer.token("k1")).status, 200)
        # The signature of one key under the name of another.
        self.assertEqual(
            self.login(cluster, node, self.issuer.token("k1", signer="k2")).status, 400)

    def flood(self, cluster, node):
        """Made-up key ids make the vault ask once in a while, and do not keep others out."""
        before, began = self.fetches(), time.monotonic()
        forged = [self.issuer.token(f"forged-{number}", signer="k1") for number in range(8)]
        over = threading.Event()

        def attack(token):
            while not over.is_set():
                self.login(cluster, node, token)

        threads = [threading.Thread(target=attack, args=(token,)) for token in forged]
        for thread in threads:
            thread.start()
        try:
            good = self.issuer.token("k1")
            while time.monotonic() - began < PAUSE + 3:
                self.assertEqual(self.login(cluster, node, good).status, 200)
                time.sleep(0.2)
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        elapsed = time.monotonic() - began
        self.assertLessEqual(self.fetches() - before, 1 + elapsed / PAUSE)

    def down(self, cluster, node):
        """Keys that were fetched count on while the issuer is down; nothing new does."""
        self.issuer.stop()
        self.assertEqual(self.login(cluster, node, self.issuer.token("k1")).status, 200)
        unknown = self.issuer.token("k9", signer="k1")
        wait_until("the issuer was asked", seconds=3 * PAUSE, pause=0.5, check=lambda:
                   "fetching keys" in self.login(cluster, node, unknown).errors())
        began = time.monotonic()
        for _ in range(5):
            self.assertEqual(self.login(cluster, node, self.issuer.token("k1")).status, 200)
            self.assertEqual(self.login(cluster, node, unknown).status, 400)
        self.assertLess(time.monotonic() - began, 5)
        answer = self.configure(cluster, node)
        self.assertEqual(answer.status, 400)
        self.assertIn("error checking jwks URL", answer.errors())
        taken = self.configure(cluster, node, skip_jwks_validation=True)
        self.assertEqual(taken.status, 200)
        self.assertIn("error checking jwks URL", taken.json["warnings"][0])
        self.issuer.start()
        # A node that starts has no keys, and asks.
        cluster.kill(node)
        cluster.restart(node)
        cluster.unseal(node)
        cluster.wait_for_leader()
        self.assertEqual(self.login(cluster, node, self.issuer.token("k1")).status, 200)

    def test_slow_issuer(self):
        cluster = self.open_cluster()
        leader = cluster.wait_for_leader()
        standby = next(node for node in cluster.nodes if node is not leader)
        self.mount(cluster, standby)
        # Longer than a member takes silence for loss: nobody may be asked twice.
        self.issuer.delay = 5
        began = time.monotonic()
        self.assertEqual(self.configure(cluster, standby).status, 204)
        self.assertGreater(time.monotonic() - began, 4.5)
        self.assertEqual(self.fetches(), 1)
        token = self.issuer.token("k1")
        self.assertEqual(self.login(cluster, standby, token).status, 200)
        self.many(cluster, leader, standby, token)
        self.gone(cluster)
        self.too_slow(cluster, standby)
        self.new_leader(cluster, token)

    def many(self, cluster, leader, standby, token):
        """Logins that wait, on every node, hold up nobody, and the issuer is asked once."""
        self.mount(cluster, leader, "many")
        source = {"jwks_url": self.issuer.keys_url + "?many"}
        self.issuer.delay = 0
        self.issuer.stop()
        self.assertEqual(self.configure(cluster, leader, "many", skip_jwks_validation=True,
                                        **source).status, 200)
        self.issuer.start()
        self.issuer.delay = 4
        time.sleep(PAUSE)
        statuses = []

        def log_in(node):
            statuses.append(self.login(cluster, node, token, "many").status)

        threads = [threading.Thread(target=log_in, args=(node,)) for node in cluster.nodes * 10]
        for thread in threads:
            thread.start()
        slowest = 0
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            cluster.ask(standby, "POST", "secret/data/a", {"data": {"a": "1"}},
                        cluster.root_token)
            cluster.ask(leader, "GET", "secret/data/a", token=cluster.root_token)
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.1)
        self.assertEqual(statuses, [200] * len(threads))
        self.assertEqual(self.fetches("/keys?many"), 1)
        self.assertLess(slowest, 3)

    def gone(self, cluster):
        """A client that goes away waits no longer."""
        leader = cluster.wait_for_leader()
        self.issuer.delay = 8
        body = json.dumps({"jwks_url": self.issuer.keys_url + "?gone",
                           "jwks_ca_pem": self.issuer.ca_pem}).encode()
        parts = urllib.parse.urlsplit(leader.address)
        context = ssl.create_default_context(cafile=cluster.ca_file())

        def waiting():
            shown = cluster.ask(leader, "GET", "sys/in-flight-req", token=cluster.root_token)
            return "auth/jwt/config" in json.dumps(shown)

        def counted():
            shown = cluster.ask(leader, "GET", "sys/metrics")["Gauges"]
            return next(each["Value"] for each in shown
                        if each["Name"] == "holdfast_requests_waiting")

        with socket.create_connection((parts.hostname, parts.port)) as raw:
            with context.wrap_socket(raw, server_hostname=parts.hostname) as link:
                link.sendall(f"PUT /v1/auth/jwt/config HTTP/1.1\r\nHost: x\r\nX-Vault-Token: "
                             f"{cluster.root_token}\r\nContent-Length: {len(body)}\r\n\r\n"
                             .encode() + body)
                wait_until("it waits", waiting, seconds=5)
                wait_until("it is counted", lambda: counted() == 1, seconds=5)
        began = time.monotonic()
        wait_until("it waits no longer", lambda: not waiting() and counted() == 0, seconds=5)
        self.assertLess(time.monotonic() - began, 5)

    def too_slow(self, cluster, standby):
        """Nobody waits longer than ten seconds, and who comes after that not at all."""
        self.issuer.delay = 30
        began = time.monotonic()
        answer = self.configure(cluster, standby, jwks_url=self.issuer.keys_url + "?slow")
        self.assertEqual(answer.status, 400)
        self.assertIn("did not answer within", answer.errors())
        self.assertTrue(8 < time.monotonic() - began < 13)
        self.issuer.delay = 0

    def new_leader(self, cluster, token):
        """Whoever leads next asks for itself."""
        leader = cluster.wait_for_leader()
        before = self.fetches()
        cluster.kill(leader)
        left = [node for node in cluster.nodes if node is not leader]
        wait_until("another node leads", lambda: cluster.wait_for_leader() is not leader)
        for node in left:
            self.assertEqual(self.login(cluster, node, token).status, 200)
        self.assertEqual(self.fetches(), before + 1)
