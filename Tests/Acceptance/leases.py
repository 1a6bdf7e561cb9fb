"""Many leases, made through the API as fast as it takes them, and what a fail-over costs with them.
"""

import json
import selectors
import socket
import statistics
import time

from support import ClusterTest, wait_until

CONNECTIONS = 96


class Connection:
    """One connection with one request under way, of many that one thread serves."""

    def __init__(self, address, request):
        host, port = address.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request, self.answer = request, b""

    def send(self):
        self.answer = b""
        self.socket.sendall(self.request)

    def receive(self):
        """The status, once the answer is whole; until then None."""
        part = self.socket.recv(65_536)
        if not part:
            raise OSError("the node ended a connection")
        self.answer += part
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return None
        _, _, rest = head.lower().partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


def make_leases(cluster, count, say=lambda text: None, path="auth/token/create"):
    """So many tokens with leases of a day, by concurrent requests to the leader; plain HTTP."""
    leader = cluster.wait_for_leader()
    body = json.dumps({"ttl": "24h", "policies": ["default"]}).encode()
    head = (f"POST /v1/{path} HTTP/1.1\r\nHost: {leader.api_listen}\r\n"
            f"X-Vault-Token: {cluster.root_token}\r\nX-Vault-Request: true\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    request = head.encode() + body
    poll = selectors.DefaultSelector()
    begun, made, asked = time.monotonic(), 0, 0
    for _ in range(min(CONNECTIONS, count)):
        connection = Connection(leader.address, request)
        poll.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send()
        asked += 1
    told = begun
    while made < count:
        for key, _ in poll.select(30):
            connection = key.data
            status = connection.receive()
            if status is None:
                continue
            # 503: nothing was done, because too many requests wait.
            if status == 200:
                made += 1
            elif status != 503:
                raise AssertionError(connection.answer.decode("utf-8", "replace"))
            if status == 503 or asked < count:
                asked += status == 200
                connection.send()
        if time.monotonic() > told + 15:
            told = time.monotonic()
            say(f"{made} leases in {told - begun:.0f} s")
    for key in list(poll.get_map().values()):
        key.data.socket.close()
    poll.close()
    return time.monotonic() - begun


class FailoverTest(ClusterTest):
    """How long after its leader's death a vault takes writes again, by how much it holds."""

    def gaps(self, cluster, trials):
        """Seconds from the leader's SIGKILL to the next committed write, of so many fail-overs."""
        found = []
        for trial in range(trials):
            leader = cluster.wait_for_leader(120)
            for node in cluster.nodes:
                cluster.wait_until_caught_up(node, 300)
            others = [node for node in cluster.nodes if node is not leader]
            time.sleep(self.random.uniform(0.5, 1.5))
            killed = cluster.kill(leader)
            turn = 0

            def written():
                nonlocal turn
                turn += 1
                body = {"data": {"trial": trial}}
                return cluster.call(others[turn % 2], "POST", "secret/data/x", body,
                                    cluster.root_token, timeout=5).status == 200

            wait_until("a write is committed", written, 60, pause=0.01)
            found.append((time.monotonic_ns() - killed) / 1e9)
            cluster.restart(leader, wait=False)
            cluster.wait_until_answering(leader, 120)
            cluster.unseal(leader, seconds=120)
        return found

    def compare(self, few, many, trials, say=lambda text: None):
        """Fail-overs with few leases, then with many, of the same vault."""
        cluster = self.open_cluster(tls=False)
        make_leases(cluster, few)
        small = self.gaps(cluster, trials)
        say(self.line(few, small))
        seconds = make_leases(cluster, many - few, say)
        say(f"{many - few} leases made in {seconds:.0f} s")
        large = self.gaps(cluster, trials)
        say(self.line(many, large))
        # A difference of this size is a busy machine, or luck in an election: what is loaded or
        # looked through for each lease would take longer.
        self.assertLess(min(large), min(small) + 0.5)
        self.assertLess(statistics.median(large), statistics.median(small) + 2)

    @staticmethod
    def line(count, gaps):
        return (f"{count:>9} leases: median {statistics.median(gaps):.2f} s, "
                f"{min(gaps):.2f} to {max(gaps):.2f} s of {len(gaps)} fail-overs")
