"""Hosts of a test cluster as network namespaces on one machine, with links that can be cut.

Needs root and `ip` (Debian's iproute2). Everything made here is removed by `remove`.

    with ClusterNetwork(5) as network:
        HoldfastCluster(binary, folder, FIVE_IN_THREE, network=network)
        network.cut(0)       # silent: no reset, no carrier loss, packets just end nowhere
        network.heal(0)
        network.keep_pairs([(0, 1), (1, 2)])   # a chain; all other pairs lose each other
        network.keep_all()
"""

import os
import secrets
import subprocess


class NetworkError(Exception):
    """The namespaces could not be made; the text says what is missing."""


class ClusterNetwork:
    """One bridge, one namespace and address a host."""

    def __init__(self, count):
        if not 1 <= count <= 64:
            raise NetworkError(f"{count} hosts: 1 to 64 are supported")
        self.tag = f"hf{secrets.token_hex(2)}"
        self.subnet = f"10.{secrets.randbelow(60) + 190}.{secrets.randbelow(256)}"
        self.count = count
        self._made = []

    def __enter__(self):
        if os.geteuid() != 0:
            raise NetworkError("network namespaces need root")
        try:
            self._make()
        except Exception:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def address(self, host):
        return f"{self.subnet}.{10 + host}"

    def prefix(self, host):
        """What a command line begins with to run on this host."""
        return ["ip", "netns", "exec", self._namespace(host)]

    def cut(self, host):
        """Nothing reaches this host any more, and nothing comes from it. Nobody is told."""
        self._ip("link", "set", self._port(host), "nomaster")

    def heal(self, host):
        self._ip("link", "set", self._port(host), "master", self.tag)

    def keep_pairs(self, pairs):
        """Only these pairs of hosts hear each other from now on; nobody is told about the rest.

        What a host sends to one that it has lost goes to a network card that nobody has. All
        pairs are changed within a few milliseconds of each other.
        """
        kept = {frozenset(pair) for pair in pairs}
        for host in range(self.count):
            lines = []
            for other in range(self.count):
                if other == host:
                    continue
                place = f"{self.address(other)} dev eth0"
                if {host, other} in kept:
                    lines.append(f"neigh del {place}")
                else:
                    lines.append(
                        f"neigh replace {place} lladdr 02:00:00:00:00:01 nud permanent"
                    )
            # Deleting what is not there fails, and nothing else can.
            subprocess.run(
                ["ip", "-n", self._namespace(host), "-force", "-batch", "-"],
                input="\n".join(lines) + "\n", text=True, capture_output=True,
            )

    def keep_all(self):
        """Every pair of hosts hears each other again."""
        hosts = range(self.count)
        self.keep_pairs((one, other) for one in hosts for other in hosts if one < other)

    def remove(self):
        for kind, name in reversed(self._made):
            command = ["link", "del", name] if kind == "link" else ["netns", "del", name]
            subprocess.run(["ip", *command], capture_output=True)
        self._made = []

    def _make(self):
        self._ip("link", "add", self.tag, "type", "bridge")
        self._made.append(("link", self.tag))
        self._ip("addr", "add", f"{self.subnet}.1/24", "dev", self.tag)
        self._ip("link", "set", self.tag, "up")
        for host in range(self.count):
            name, port = self._namespace(host), self._port(host)
            self._ip("netns", "add", name)
            self._made.append(("netns", name))
            self._ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            self._ip("link", "set", port, "master", self.tag)
            self._ip("link", "set", port, "up")
            self._ip("-n", name, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            self._ip("-n", name, "link", "set", "eth0", "up")
            self._ip("-n", name, "link", "set", "lo", "up")

    def _namespace(self, host):
        return f"{self.tag}-{host}"

    def _port(self, host):
        return f"{self.tag}p{host}"

    @staticmethod
    def _ip(*arguments):
        try:
            done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
        except FileNotFoundError:
            raise NetworkError("`ip` is missing: apt-get install iproute2") from None
        if done.returncode != 0:
            raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
