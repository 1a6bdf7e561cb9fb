"""The two servers: OpenBao with Raft storage, Holdfast with one node, both on loopback."""

import decimal
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Cluster"))
sys.path.append(str(ROOT / "Tests/Acceptance"))

from certificates import Certificates  # noqa: E402
from holdfast_cluster import (  # noqa: E402
    ClusterError, Daemon, HoldfastCluster, free_ports, wait_until,
)

BINARY = os.environ.get("HOLDFAST_BINARY", str(ROOT / ".build/debug/holdfast"))
SHARES = {"secret_shares": 1, "secret_threshold": 1}

BAO_SETTINGS = """
storage "raft" {{
  path = "{data}"
  node_id = "node1"
}}
listener "tcp" {{
  address = "{api}"
  {tls}
  disable_unauthed_rekey_endpoints = false
  disable_unauthed_generate_root_endpoints = false
}}
api_addr = "{address}"
cluster_addr = "https://{peer}"
unsafe_allow_api_audit_creation = true
disable_standby_reads = true
log_level = "error"
"""


class Answer:
    """Status, headers (names in lower case) and body; `json` is None where the body is none."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        try:
            self.json = json.loads(body, parse_float=decimal.Decimal) if body else None
        except ValueError:
            self.json = None

    def at(self, path):
        """The value at `data.keys.0`, or None. The body's members; `.` in a name is written `\\.`."""
        value = self.json
        for name in (part.replace("\0", ".") for part in path.replace("\\.", "\0").split(".")):
            if isinstance(value, list) and name.lstrip("-").isdigit():
                value = value[int(name)] if -len(value) <= int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
        return value


class Server:
    """What both have. `address` is http://host:port; `root_token` is known once initialised."""

    name = ""
    address = ""
    root_token = ""
    # The server's certificates where it speaks TLS.
    certificates = None

    def link(self, certificate):
        parts = urllib.parse.urlsplit(self.address)
        if not self.certificates:
            return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        context = ssl.create_default_context(cafile=self.certificates.path("server"))
        if certificate:
            context.load_cert_chain(self.certificates.path(certificate, "both"))
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=context)

    def send(self, method, path, body=b"", token="", headers=(), certificate=""):
        """One request, its target sent as it stands behind /v1/ (or from the root, if it begins
        with a slash). Raises OSError if there is no answer."""
        target = path if path.startswith("/") else f"/v1/{path}"
        link = self.link(certificate)
        # An answer to an unknown method may have a body that http.client would not expect.
        try:
            link.putrequest(method, target, skip_accept_encoding=True)
            if token:
                link.putheader("X-Vault-Token", token)
            for name, value in headers:
                link.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                link.putheader("Content-Length", str(len(body)))
            link.endheaders(body or None)
            with link.getresponse() as response:
                return Answer(response.status, response.getheaders(), response.read())
        except http.client.HTTPException as error:
            raise OSError(f"{self.name}: {method} {path[:200]}: {error!r}") from error
        finally:
            link.close()

    def ask(self, method, path, body=None):
        """With the root token; anything but 2xx is a ClusterError."""
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.send(method, path, data, self.root_token)
        if not 200 <= answer.status < 300:
            raise ClusterError(f"{self.name}: {method} {path}: {answer.status} {answer.body!r}")
        return answer

    def status(self, path):
        return self.send("GET", path).status

    def open(self):
        """Initialises and unseals with one share."""

        def made():
            answer = self.send("PUT", "sys/init", json.dumps(SHARES).encode())
            return answer if answer.status == 200 else None

        answer = wait_until(f"{self.name} is initialised", made)
        self.root_token = answer.json["root_token"]
        self.ask("PUT", "sys/unseal", {"key": answer.json["keys"][0]})
        self.wait_until_active()

    def wait_until_active(self):
        wait_until(f"{self.name} serves", lambda: self.status("sys/health") == 200)

    def constants(self):
        """Text → what it is called: what only this server's installation decides."""
        state = self.send("GET", "sys/seal-status").json
        return {state["version"]: "version", socket.gethostname(): "host"}


class OpenBao(Server):
    name = "OpenBao"

    def __init__(self, folder, certificates):
        self.folder = pathlib.Path(folder)
        self.certificates = certificates
        api, peer = (f"127.0.0.1:{port}" for port in free_ports(2))
        self.address = f"{'https' if certificates else 'http'}://{api}"
        tls = "tls_disable = true"
        if certificates:
            tls = (f'tls_cert_file = "{certificates.path("server")}"\n'
                   f'  tls_key_file = "{certificates.path("server", "key")}"')
        self.cluster_address = peer
        data = self.folder / "data"
        data.mkdir(parents=True)
        settings = self.folder / "bao.hcl"
        settings.write_text(BAO_SETTINGS.format(
            data=data, api=api, peer=peer, address=self.address, tls=tls))
        self.daemon = Daemon([shutil.which("bao"), "server", f"-config={settings}"],
                             self.folder / "bao.log")

    def start(self):
        self.daemon.start()
        wait_until("OpenBao answers", lambda: self.status("sys/seal-status") == 200)

    def stop(self):
        self.daemon.kill()


class Holdfast(Server):
    name = "Holdfast"

    def __init__(self, folder, certificates):
        self.folder = pathlib.Path(folder)
        self.certificates = certificates
        tls = certificates and (certificates.path("server"), certificates.path("server", "key"))
        self.cluster = HoldfastCluster(BINARY, folder, [("node1", "eu", "eu-a")], tls=tls or False,
                                       log_level="error")
        self.address = self.cluster.nodes[0].address

    @property
    def daemon(self):
        return self.cluster.nodes[0].daemon

    def start(self):
        self.cluster.start_all()

    def stop(self):
        self.cluster.stop()


class Pair:
    """Both servers, fresh, for one area."""

    # Ports are looked for before they are bound: pairs that are made at once must not find the same.
    finding = threading.Lock()
    taken = set()

    def __init__(self, folder, start, certificates=None):
        self.is_open = start == "initialised"
        with self.finding:
            while True:
                place = pathlib.Path(tempfile.mkdtemp(dir=folder))
                self.theirs = OpenBao(place / "openbao", certificates)
                self.ours = Holdfast(place / "holdfast", certificates)
                node = self.ours.cluster.nodes[0]
                ports = {self.theirs.address, self.theirs.cluster_address, node.address,
                         node.peer_listen}
                ports = {address.rsplit(":", 1)[1] for address in ports}
                if not ports & self.taken:
                    self.taken |= ports
                    break

    def __enter__(self):
        try:
            for server in (self.theirs, self.ours):
                server.start()
                if self.is_open:
                    server.open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in (self.theirs, self.ours):
            server.stop()
