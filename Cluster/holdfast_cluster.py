"""Holdfast clusters made of real processes on loopback, for the demo, the tests, the benchmarks.

Python's standard library only. Every process that is started here is ended here, by its own pid.

    with HoldfastCluster(binary, folder, FIVE_IN_THREE) as cluster:
        cluster.start_all()
        cluster.initialise(shares=5, threshold=3)
        cluster.unseal_all()
        leader = cluster.wait_for_leader()
        cluster.kill(leader)
"""

import base64
import http.client
import json
import mmap
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

# Name, region, zone.
FIVE_IN_THREE = [
    ("eu-1", "eu", "eu-a"),
    ("eu-2", "eu", "eu-b"),
    ("us-1", "us", "us-a"),
    ("us-2", "us", "us-b"),
    ("ap-1", "ap", "ap-a"),
]
THREE_IN_THREE = [("eu-1", "eu", "eu-a"), ("us-1", "us", "us-a"), ("ap-1", "ap", "ap-a")]


class ClusterError(Exception):
    """Something that a person has to look at; the text says what and where."""


def free_ports(count):
    """Ports on loopback that nobody listens on, below the range of outgoing connections.

    A port from the range that the system gives to outgoing connections could be taken by a
    client while a node is down, and the node could then not come back on it.
    """
    ports = []
    for port in random.sample(range(15_000, 32_000), 2_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise ClusterError(f"only {len(ports)} of {count} free ports found")


def clean_environment():
    """This process's environment without settings that would reach into a node or a client."""
    prefixes = ("HOLDFAST_", "BAO_", "VAULT_", "ETCD_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


class Daemon:
    """One process that runs in the background and writes to a log file."""

    def __init__(self, argv, log):
        self.argv = [str(part) for part in argv]
        self.log = pathlib.Path(log)
        self.process = None

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def start(self):
        if self.is_alive():
            raise ClusterError(f"{self.argv[0]} runs already as process {self.pid}")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                start_new_session=True,
            )

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        if self.is_alive():
            self.process.send_signal(number)

    def kill(self):
        """SIGKILL, and wait until the process is gone."""
        if self.process is None:
            return
        self.send(signal.SIGKILL)
        self.process.wait()

    def reap(self, timeout=10):
        """Waits for the end of a process that somebody else has ended."""
        self.process.wait(timeout)

    def stop(self, patience=10):
        """SIGTERM; SIGKILL if the process is still there after `patience` seconds."""
        if not self.is_alive():
            return
        self.send(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_lines(self, count=12):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""

    def memory(self):
        """Resident and peak resident memory in MiB, or None if the process is gone."""
        try:
            status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return None
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return {
            "rss_mib": int(fields["VmRSS"].split()[0]) / 1024,
            "peak_mib": int(fields["VmHWM"].split()[0]) / 1024,
        }


class Answer:
    """Status and parsed body of one HTTP answer."""

    def __init__(self, status, body):
        self.status = status
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    def errors(self):
        if isinstance(self.json, dict) and "errors" in self.json:
            return "; ".join(self.json["errors"]) or f"status {self.status}"
        return f"status {self.status}"


def call(address, method, path, body=None, token=None, ca_file=None, timeout=10):
    """One HTTP request on a connection of its own. Raises OSError if there is no answer."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        link = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=context
        )
    else:
        link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    headers = {"X-Vault-Request": "true"}
    if token:
        headers["X-Vault-Token"] = token
    data = None if body is None else json.dumps(body).encode()
    try:
        link.request(method, path, body=data, headers=headers)
        with link.getresponse() as response:
            return Answer(response.status, response.read())
    except http.client.HTTPException as error:
        raise OSError(f"{address}: {error!r}") from error
    finally:
        link.close()


def wait_until(what, check, seconds=30, pause=0.05):
    """Calls `check` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            found = check()
            if found:
                return found
        except OSError as error:
            last = error
        if time.monotonic() > deadline:
            note = f" (last: {last})" if last else ""
            raise ClusterError(f"{what}: not within {seconds} s{note}")
        time.sleep(pause)


def spellings(secret):
    """The forms in which bytes could lie in a file: as they are, hex, base64 in three phases."""
    found = {"plain": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for phase in range(3):
        # Only whole groups of three bytes do not depend on what stands before and after.
        start = (3 - phase) % 3
        middle = secret[start : start + (len(secret) - start) // 3 * 3]
        if len(middle) >= 6:
            found[f"base64/{phase}"] = base64.b64encode(middle)
    return found


def scan_files(folders, secrets):
    """Every place where one of `secrets` (name -> bytes) lies in a file: [(file, name, form)]."""
    hits = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if not path.is_file() or path.is_symlink() or path.stat().st_size == 0:
                continue
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                for name, secret in secrets.items():
                    for form, bytes_ in spellings(secret).items():
                        if data.find(bytes_) >= 0:
                            hits.append((str(path), name, form))
    return hits


class Witness:
    """Tokens, shares and passwords that went over the wire, to be looked for where they must not
    be. Of very many it keeps the first and some of the others."""

    NAMES = {"client_token", "root_token", "secret_id", "password", "token", "key", "keys",
             "keys_base64", "keys_words"}
    KEPT = 400
    SHORTEST = 12

    def __init__(self):
        self.secrets = set()
        self.lock = threading.Lock()
        self.random = random.Random(1)

    def see(self, value, is_secret=False):
        """Notes the secrets in a JSON document."""
        if isinstance(value, dict):
            for name, part in value.items():
                self.see(part, name in self.NAMES)
        elif isinstance(value, list):
            for part in value:
                self.see(part, is_secret)
        elif isinstance(value, str) and is_secret and len(value) >= self.SHORTEST:
            with self.lock:
                if len(self.secrets) >= self.KEPT and self.random.random() < 0.9:
                    return
                if len(self.secrets) >= 2 * self.KEPT:
                    self.secrets.pop()
                self.secrets.add(value)

    def hits(self, paths):
        """Where one of them lies in a file, in clear: [(path, line)]. Never prints the secret."""
        found = []
        for path in paths:
            if not path.exists():
                continue
            data = path.read_bytes()
            for secret in sorted(self.secrets):
                at = data.find(secret.encode())
                if at >= 0:
                    found.append((str(path), data.count(b"\n", 0, at) + 1))
        return found


class Node:
    """One member: its names, ports, folders, and the process while there is one."""

    def __init__(self, name, region, zone, folder, api_port, peer_port, scheme,
                 host="127.0.0.1", prefix=()):
        self.name, self.region, self.zone = name, region, zone
        self.prefix = list(prefix)
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.config = self.folder / "holdfast.toml"
        self.api_listen = f"{host}:{api_port}"
        self.peer_listen = f"{host}:{peer_port}"
        self.address = f"{scheme}://{self.api_listen}"
        self.pin = None
        self.daemon = None

    @property
    def pid(self):
        return self.daemon.pid if self.daemon else None

    def is_alive(self):
        return self.daemon is not None and self.daemon.is_alive()


class HoldfastCluster:
    """Nodes of one cluster.

    `tls` is None (each node makes its own certificate, as it does in production when none is
    configured), a pair (certificate file, key file) used by all, or False for plain HTTP.
    `settings` are further top-level lines of the configuration, name -> TOML text. With a
    `network` (cluster_network.ClusterNetwork) each node runs on a host of its own.
    """

    def __init__(self, binary, folder, members=THREE_IN_THREE, tls=None, settings=None,
                 log_level="info", say=lambda text: None, network=None):
        self.binary = str(binary)
        self.folder = pathlib.Path(folder)
        self.tls = tls
        self.settings = settings or {}
        self.log_level = log_level
        self.say = say
        self.keys, self.keys_base64, self.threshold = [], [], 0
        self.root_token = None
        self.witness = Witness()
        ports = free_ports(2 * len(members))
        scheme = "http" if tls is False else "https"
        self.nodes = []
        for i, (name, region, zone) in enumerate(members):
            host = (network.address(i), network.prefix(i)) if network else ()
            self.nodes.append(
                Node(name, region, zone, self.folder / name, ports[2 * i], ports[2 * i + 1],
                     scheme, *host)
            )
        self._bundled = set()

    # Set-up

    def prepare(self):
        """Makes folders, node keys and configurations. Existing keys are kept."""
        for node in self.nodes:
            node.folder.mkdir(parents=True, exist_ok=True)
            node.folder.chmod(0o700)
            node.pin = self.identity(node)["pin"]
        for node in self.nodes:
            self.write_config(node)
            node.daemon = Daemon(
                [*node.prefix, self.binary, "server", "--config", node.config],
                node.folder / "node.log",
            )

    def identity(self, node):
        """Name and pin of a node; makes its key when there is none."""
        done = subprocess.run(
            [self.binary, "identity", "--data", str(node.data), "-format=json"],
            capture_output=True, text=True, env=clean_environment(), timeout=60,
        )
        if done.returncode != 0:
            raise ClusterError(f"{node.name}: holdfast identity failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def write_config(self, node):
        text = json.dumps  # A JSON string is a TOML string.
        lines = [
            f"node = {text(node.name)}",
            f"data = {text(str(node.data))}",
            f"api_listen = {text(node.api_listen)}",
            f"api_address = {text(node.address)}",
            f"peer_listen = {text(node.peer_listen)}",
            f"log_level = {text(self.log_level)}",
        ]
        if self.tls is False:
            lines.append("plain_http_on_loopback = true")
        lines += [f"{name} = {value}" for name, value in self.settings.items()]
        if self.tls:
            lines += ["", "[tls]", f"certificate = {text(str(self.tls[0]))}"]
            lines.append(f"key = {text(str(self.tls[1]))}")
        for member in self.nodes:
            lines += [
                "",
                "[[member]]",
                f"name = {text(member.name)}",
                f"region = {text(member.region)}",
                f"zone = {text(member.zone)}",
                f"peer_address = {text(member.peer_listen)}",
                f"api_address = {text(member.address)}",
                f"pin = {text(member.pin)}",
            ]
        node.config.write_text("\n".join(lines) + "\n")

    # Processes

    def start_all(self):
        if self.nodes[0].daemon is None:
            self.prepare()
        for node in self.nodes:
            if not node.is_alive():
                self.say(f"start {node.name} ({node.region}) at {node.address}")
                node.daemon.start()
        for node in self.nodes:
            self.wait_until_answering(node)

    def restart(self, node, wait=True):
        """Starts a node that is down, on its old data, ports and key."""
        node = self.node(node)
        self.say(f"start {node.name} again")
        node.daemon.start()
        if wait:
            self.wait_until_answering(node)

    def kill(self, node):
        """SIGKILL; returns the monotonic time in ns just before the signal."""
        node = self.node(node)
        at = time.monotonic_ns()
        node.daemon.kill()
        return at

    def kill_region(self, region):
        """SIGKILL to every node of a region at once; returns the time before the first signal."""
        nodes = [node for node in self.nodes if node.region == region and node.is_alive()]
        at = time.monotonic_ns()
        for node in nodes:
            node.daemon.send(signal.SIGKILL)
        for node in nodes:
            node.daemon.reap()
        return at

    def stop(self):
        for node in self.nodes:
            if node.is_alive():
                node.daemon.send(signal.SIGTERM)
        for node in self.nodes:
            if node.daemon:
                node.daemon.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # Questions and requests

    def node(self, which):
        if isinstance(which, Node):
            return which
        return next(node for node in self.nodes if node.name == which)

    def ca_file(self):
        """A file with the certificates of all nodes that have one, or None for plain HTTP."""
        if self.tls is False:
            return None
        if self.tls:
            return str(self.tls[0])
        bundle = self.folder / "ca.pem"
        have = {node.name for node in self.nodes if self._certificate(node).exists()}
        if have != self._bundled:
            text = "".join(
                self._certificate(node).read_text() for node in self.nodes if node.name in have
            )
            # Other threads may be reading the one there is.
            fresh = bundle.with_name(f"ca-{threading.get_ident()}.pem")
            fresh.write_text(text)
            fresh.replace(bundle)
            self._bundled = have
        return str(bundle) if bundle.exists() else None

    def _certificate(self, node):
        return node.data / "api-certificate.pem"

    def call(self, node, method, path, body=None, token=None, timeout=10):
        """One request; `path` without /v1/. Raises OSError if there is no answer."""
        address = self.node(node).address
        self.witness.see(body)
        self.witness.see({"token": token})
        answer = call(address, method, f"/v1/{path}", body, token, self.ca_file(), timeout)
        self.witness.see(answer.json)
        return answer

    def ask(self, node, method, path, body=None, token=None, timeout=10):
        """As `call`, with the root token as default; anything but 2xx is a ClusterError."""
        answer = self.call(node, method, path, body, token or self.root_token, timeout)
        if not 200 <= answer.status < 300:
            raise ClusterError(f"{self.node(node).name}: {method} {path}: {answer.errors()}")
        return answer.json

    def wait_until_answering(self, node, seconds=30):
        node = self.node(node)

        def answers():
            if not node.is_alive():
                code = node.daemon.process.returncode
                raise ClusterError(
                    f"{node.name} ended with code {code}:\n{node.daemon.last_lines()}"
                )
            return self.call(node, "GET", "sys/seal-status", timeout=2).status == 200

        wait_until(f"{node.name} answers at {node.address}", answers, seconds)

    def initialise(self, shares=5, threshold=3, node=None, seconds=30):
        """Makes the vault; keeps shares and root token in this object only."""
        node = self.node(node or self.nodes[0])
        body = {"secret_shares": shares, "secret_threshold": threshold}
        self.wait_until_answering(node, seconds)
        deadline = time.monotonic() + seconds
        while True:
            # Until a leader is elected the answer is 503, which means: not applied.
            answer = self.call(node, "PUT", "sys/init", body, timeout=seconds)
            if answer.status == 200:
                break
            if answer.status not in (500, 503) or time.monotonic() > deadline:
                raise ClusterError(f"init on {node.name}: {answer.errors()}")
            time.sleep(0.1)
        self.keys = answer.json["keys"]
        self.keys_base64 = answer.json["keys_base64"]
        self.root_token = answer.json["root_token"]
        self.threshold = threshold
        return answer.json

    def unseal(self, node, keys=None, seconds=30):
        """Gives shares until the node is unsealed."""
        node = self.node(node)

        def has_vault():
            return self.call(node, "GET", "sys/seal-status", timeout=2).json["initialized"]

        wait_until(f"{node.name} learns of the vault", has_vault, seconds)
        for key in keys or self.keys[: self.threshold]:
            answer = self.call(node, "PUT", "sys/unseal", {"key": key})
            if answer.status != 200:
                raise ClusterError(f"unseal {node.name}: {answer.errors()}")
            if not answer.json["sealed"]:
                return
        wait_until(
            f"{node.name} is unsealed",
            lambda: not self.call(node, "GET", "sys/seal-status").json["sealed"],
            seconds,
        )

    def unseal_all(self, keys=None):
        for node in self.nodes:
            if node.is_alive():
                self.unseal(node, keys)

    def health(self, node):
        """Status of sys/health (200 leader, 429 follower, 501, 503), or None without an answer."""
        try:
            return self.call(node, "GET", "sys/health", timeout=2).status
        except OSError:
            return None

    def leader(self):
        """The live node that says it leads and is unsealed, or None."""
        return next((n for n in self.nodes if n.is_alive() and self.health(n) == 200), None)

    def wait_for_leader(self, seconds=30):
        return wait_until("an unsealed node leads", self.leader, seconds)

    def positions(self):
        """Node name -> applied index, for the nodes that answer."""
        found = {}
        for node in self.nodes:
            try:
                answer = self.call(node, "GET", "sys/leader", timeout=2)
            except OSError:
                continue
            if answer.status == 200 and "raft_applied_index" in answer.json:
                found[node.name] = answer.json["raft_applied_index"]
        return found

    def wait_until_caught_up(self, node, seconds=60):
        """Until the node has applied what the leader had committed when this was called."""
        node = self.node(node)
        leader = self.wait_for_leader(seconds)
        want = self.ask(leader, "GET", "sys/leader")["raft_committed_index"]
        wait_until(
            f"{node.name} has applied entry {want}",
            lambda: self.positions().get(node.name, -1) >= want,
            seconds,
        )
        return want

    def enable_kv(self, mount="secret", version=2):
        """Mounts a KV engine unless there is one at that path."""
        leader = self.wait_for_leader()
        if f"{mount}/" in self.ask(leader, "GET", "sys/mounts")["data"]:
            return
        body = {"type": "kv", "options": {"version": str(version)}}
        self.ask(leader, "POST", f"sys/mounts/{mount}", body)

    def scan(self, secrets):
        """Where one of `secrets` (name -> bytes) lies in a data folder: [(file, name, form)]."""
        return scan_files([node.data for node in self.nodes], secrets)

    def secrets_in_logs(self):
        """Lines of the nodes' logs that hold a secret of this cluster: [(path, line)]."""
        return self.witness.hits([node.daemon.log for node in self.nodes if node.daemon])

    def memory(self):
        """Node name -> memory in MiB, for the nodes that are alive."""
        return {node.name: node.daemon.memory() for node in self.nodes if node.is_alive()}
