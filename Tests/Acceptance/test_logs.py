"""What nodes write to their logs: one JSON object a line, what names a request in every line about
it, on every node that works on it, and never a secret."""

import http.client
import json
import ssl
import unittest
import urllib.parse

from support import ClusterTest, wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
VALUE = "the-value-of-a-secret-77"
PASSWORD = "hedgehog-in-the-fog"


class Logs(ClusterTest):
    def lines(self, node):
        """Every line of a node's log, parsed."""
        text = node.daemon.log.read_text()
        return [json.loads(line) for line in text.splitlines()]

    def find(self, node, message, **fields):
        def matches():
            return [line for line in self.lines(node) if line["message"] == message
                    and all(line.get(name) == value for name, value in fields.items())]
        return wait_until(f"{node.name} logs {message}", matches, 10)

    def send(self, cluster, node, method, path, body=b"", headers=()):
        parts = urllib.parse.urlsplit(node.address)
        context = ssl.create_default_context(cafile=cluster.ca_file())
        link = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=context)
        try:
            link.request(method, path, body, {"X-Vault-Token": cluster.root_token, **dict(headers)})
            with link.getresponse() as answer:
                return answer.status, answer.read()
        finally:
            link.close()

    def everything(self, cluster, node):
        """Requests that carry secrets in every place where a request can carry one."""
        ask = cluster.ask
        ask(node, "POST", "secret/data/a", {"data": {"value": VALUE}})
        ask(node, "GET", "secret/data/a")
        ask(node, "POST", "sys/auth/userpass", {"type": "userpass"})
        ask(node, "POST", "auth/userpass/users/bob", {"password": PASSWORD})
        login = ask(node, "POST", "auth/userpass/login/bob", {"password": PASSWORD})
        cluster.call(node, "POST", "auth/userpass/login/bob", {"password": PASSWORD + "-wrong"})
        ask(node, "GET", "auth/token/lookup-self", token=login["auth"]["client_token"])
        ask(node, "POST", "sys/auth/approle", {"type": "approle"})
        ask(node, "POST", "auth/approle/role/ci", {"bind_secret_id": True})
        role = ask(node, "GET", "auth/approle/role/ci/role-id")["data"]["role_id"]
        secret = ask(node, "POST", "auth/approle/role/ci/secret-id")["data"]["secret_id"]
        ask(node, "POST", "auth/approle/login", {"role_id": role, "secret_id": secret})
        cluster.call(node, "POST", "auth/approle/login",
                     {"role_id": role, "secret_id": secret + "-wrong-one"})
        made = ask(node, "POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"})
        ask(node, "POST", "auth/token/lookup", {"token": made["auth"]["client_token"]})
        ask(node, "POST", "auth/token/revoke", {"token": made["auth"]["client_token"]})
        status, answer = self.send(cluster, node, "GET", "/v1/secret/data/a", headers={
            "X-Vault-Wrap-TTL": "60s"})
        self.assertEqual(status, 200)
        wrapped = json.loads(answer)["wrap_info"]["token"]
        cluster.witness.see({"token": wrapped})
        ask(node, "POST", "sys/wrapping/unwrap", {"token": wrapped})
        ask(node, "POST", "sys/tools/hash", {"input": "dGhlLXZhbHVlLW9mLWEtc2VjcmV0LTc3"})
        # What is wrong is not told in a log either.
        for target, body in [
            (f"/v1/secret/data/a?value={VALUE}", b""), ("/v1/secret/data/b", b'{"data":{"v":"' +
                                                        VALUE.encode()),
            ("/v1/auth/userpass/login/bob", json.dumps({"password": [PASSWORD]}).encode()),
            ("/v1/nowhere/at-all", json.dumps({"password": PASSWORD}).encode()),
            ("/v1/sys/unseal", json.dumps({"key": PASSWORD}).encode()),
        ]:
            self.send(cluster, node, "POST", target, body)
        for key in ("00" * 42, cluster.keys[0][:-2] + "00"):
            cluster.call(node, "PUT", "sys/unseal", {"key": key})

    def test_no_secret_and_one_name_for_a_request_on_all_nodes(self):
        cluster = self.open_cluster(log_level="trace", settings={
            "log_format": '"json"', "log_requests_level": '"info"'})
        leader = cluster.wait_for_leader()
        follower = next(node for node in cluster.nodes if node is not leader)
        for node in (leader, follower):
            self.everything(cluster, node) if node is leader else self.again(cluster, node)
        cluster.ask(follower, "PUT", "sys/seal")
        for key in ("00" * 42, cluster.keys[0][:-2] + "00", *cluster.keys[:3]):
            cluster.call(follower, "PUT", "sys/unseal", {"key": key})
        self.assertTrue(self.find(follower, "unsealed"))
        refused = [line for line in self.lines(follower)
                   if line["message"].startswith("a share was refused")]
        self.assertTrue(refused and all("request_id" in line for line in refused))

        # Both nodes tell of a forwarded request under the caller's trace.
        status, answer = self.send(
            cluster, follower, "POST", "/v1/secret/data/traced", b'{"data":{}}',
            headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        self.assertEqual(status, 200)
        request = json.loads(answer)["request_id"]
        told, = self.find(follower, "completed_request", request_id=request)
        led, = self.find(leader, "forwarded_request", request_id=request)
        self.assertEqual((told["trace_id"], led["trace_id"]), (TRACE, TRACE))
        self.assertEqual(told["span_id"], request.replace("-", "")[:16])
        self.assertEqual(led["span_id"], request.replace("-", "")[16:])
        # Without one, both find the same name by themselves.
        status, answer = self.send(
            cluster, follower, "POST", "/v1/secret/data/own", b'{"data":{}}')
        request = json.loads(answer)["request_id"]
        told, = self.find(follower, "completed_request", request_id=request)
        led, = self.find(leader, "forwarded_request", request_id=request)
        self.assertEqual(told["trace_id"], led["trace_id"])

        cluster.kill(leader)
        left = [node for node in cluster.nodes if node is not leader]
        wait_until("another one leads", lambda: cluster.leader() in left)
        cluster.ask(follower, "GET", "secret/data/a")
        cluster.witness.secrets |= {VALUE, PASSWORD}
        for node in cluster.nodes:
            lines = self.lines(node)
            for line in lines:
                self.assertEqual(list(line)[:3], ["time", "level", "message"])
            done = [line for line in lines if line["message"] == "completed_request"]
            self.assertTrue(done)
            for line in done:
                for name in ("request_id", "trace_id", "span_id", "status_code", "duration_ms"):
                    self.assertIn(name, line)
                self.assertNotIn("?", line["request_path"])
        self.assertEqual(cluster.secrets_in_logs(), [])
        self.assertGreater(len(cluster.witness.secrets), 15)

    def again(self, cluster, node):
        """The same by way of a follower, where what was made once cannot be made again."""
        cluster.ask(node, "POST", "secret/data/c", {"data": {"value": VALUE}})
        cluster.ask(node, "POST", "auth/userpass/login/bob", {"password": PASSWORD})
        secret = cluster.ask(node, "POST", "auth/approle/role/ci/secret-id")["data"]["secret_id"]
        role = cluster.ask(node, "GET", "auth/approle/role/ci/role-id")["data"]["role_id"]
        cluster.ask(node, "POST", "auth/approle/login", {"role_id": role, "secret_id": secret})
        cluster.ask(node, "POST", "auth/token/create", {"policies": ["default"]})

    def test_a_leak_would_be_found(self):
        """The search itself: a log that holds a token is told, by line and without the token."""
        cluster = self.open_cluster()
        log = cluster.nodes[1].daemon.log
        self.assertEqual(cluster.secrets_in_logs(), [])
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"a line with {cluster.root_token} in it\n")
        leaks = cluster.secrets_in_logs()
        self.assertEqual([path for path, _ in leaks], [str(log)])
        self.assertEqual(leaks[0][1], log.read_text().count("\n"))
        log.write_text("")


if __name__ == "__main__":
    unittest.main()
