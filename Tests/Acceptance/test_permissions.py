"""The permission matrix: every route without a token, with a wrong one, with one whose policies do
not allow it, on a standby, and sealed. Every route: the table is compared with the server's own."""

import dataclasses
import http.client
import json
import pathlib
import re

from support import ClusterTest, wait_until

TABLE = pathlib.Path(__file__).resolve().parent / "routes.txt"
MOUNTS = [("sys/mounts/kv1", "kv"), ("sys/mounts/kv2", "kv-v2"), ("sys/mounts/totp", "totp"),
          ("sys/auth/userpass", "userpass"), ("sys/auth/approle", "approle"),
          ("sys/auth/jwt", "jwt"), ("sys/auth/cert", "cert")]
# The capabilities of which one is enough.
NEEDED = {"GET": ["read"], "LIST": ["list"], "SCAN": ["scan"], "PUT": ["create", "update"],
          "PATCH": ["patch"], "DELETE": ["delete"]}
CAPABILITIES = ["create", "read", "update", "patch", "delete", "list", "scan"]
MERGE_PATCH = "application/merge-patch+json"
# With a token that may, these would end the token, the lead or the cluster that is being asked.
HARMFUL = {"auth/token/revoke-self", "sys/seal", "sys/step-down", "sys/monitor",
           "sys/storage/raft/snapshot", "sys/storage/raft/snapshot-force"}
NOWHERE = ["sys/nope", "nomount/x", "auth/nope/x", "auth/token/nope", "kv1x/a", "sy", "kv2/nope/x"]
NO_TOKEN = (403, {"errors": ["permission denied"]})
DENIED = (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
# Its handler asks for sudo, in words that clients know.
NO_ORPHANS = (400, {"errors": ["root or sudo privileges required to revoke and orphan"]})
# The caller's mistakes that OpenBao answers with 500, as its clients know them.
OWN_500 = ("missing role_id", "missing password", "username does not exist", "missing data fields")
SEALED = (503, {"errors": ["Vault is sealed"]})
# Holdfast's own paths. What needs sudo is decided here, by hand: the server's description says what
# the server does, and not whether that is right.
OWN = "# Holdfast's own"
OWN_SUDO = {"sys/audit-anchors": "tells how far the audit is, to be kept outside",
            "sys/audit-key": "shows a key that opens the audit",
            "sys/cluster/join-token": "lets a node join",
            "sys/cluster/replace": "takes members out and in",
            "sys/cluster/transfer": "gives the lead to another node, as sys/step-down",
            "sys/retired-mounts": "what sudo is needed to bring back",
            "sys/retired-mounts/config": "0 destroys what is unmounted, without a way back",
            "sys/retired-mounts/matrix/restore": "enables or moves a mount, as sys/auth/"}
OWN_OTHERS = {"sys/cluster/join": "a node has no token: its join token is in the body",
              "sys/jobs": "shows work that is under way",
              "sys/jobs/matrix": "shows work that is under way",
              "sys/node-status": "the node's own, sealed or not",
              "sys/policies/diff/acl/matrix": "reads a policy, as sys/policies/acl/",
              "sys/policies/explain": "reads policies, as sys/capabilities",
              "sys/policies/rollback/acl/matrix": "writes a policy, as sys/policies/acl/",
              "sys/policies/versions/acl/matrix": "reads a policy; removes deleted ones"}
# The methods that verbs of the server's own description stand for.
VERBS = {"get": "GET", "post": "PUT", "put": "PUT", "patch": "PATCH", "delete": "DELETE",
         "head": "HEAD", "options": "OPTIONS", "trace": "TRACE"}

# Where the table and that description differ, and why.
NO_ROWS = {"secret/": "the cluster's first mount, a KV v2 like kv2/"}
NOT_DESCRIBED = {"sys/tools/random/matrix/matrix": "OpenBao's two names are the rest of one path"}
OPEN_BY_TOKEN = {"sys/internal/ui/mounts/matrix": "any token may, and sees what it reaches",
                 "sys/internal/ui/namespaces": "any token may, and sees what it reaches",
                 "sys/wrapping/unwrap": "a wrapping token opens itself"}


@dataclasses.dataclass(frozen=True)
class Route:
    path: str
    method: str
    kind: str
    # The method as the table has it: a list can come as a GET, a write as a POST.
    listed: str
    is_absent: bool

    @property
    def is_open(self):
        return self.kind in ("node", "open")

    def __str__(self):
        return f"{self.method} {self.path}"


def routes():
    found = []
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            path, kind, methods, *absent = line.split()
            assert absent in ([], ["absent"]), line
            for method in methods.split(","):
                ways = [(path, method)]
                if method in ("LIST", "SCAN"):
                    ways.append((f"{path}?{method.lower()}=true", "GET"))
                if method == "PUT":
                    ways.append((path, "POST"))
                found += [Route(*way, kind, method, bool(absent)) for way in ways]
    return found


def described(document):
    """Every path and method of an OpenAPI document, and what it says that they ask for."""
    found = {}
    for text, item in document["paths"].items():
        path = re.sub(r"\{(\w+)_mount_path\}", r"\1", text.removeprefix("/"))
        path = re.sub(r"\{\w+\}", "matrix", path)
        kind = "token"
        if item.get("x-vault-sudo"):
            kind = "sudo"
        # Stronger: a path below one that needs sudo can have its own way in.
        if item.get("x-vault-unauthenticated"):
            kind = "open"
        methods = {VERBS[verb] for verb in item if verb in VERBS}
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["name"] in ("list", "scan"):
                methods.add(parameter["name"].upper())
        found |= {(path, method): kind for method in methods}
    return found


class Link:
    """Requests to one node on a connection that is kept."""

    def __init__(self, node):
        self.link = http.client.HTTPConnection(*node.api_listen.split(":"), timeout=60)
        self.count = 0

    def ask(self, method, path, token=None, body=b""):
        headers = {"X-Vault-Token": token} if token else {}
        if method in ("PUT", "POST", "PATCH"):
            headers["Content-Length"] = str(len(body))
        if method == "PATCH":
            headers["Content-Type"] = MERGE_PATCH
        self.count += 1
        self.link.request(method, f"/v1/{path}", body or None, headers)
        with self.link.getresponse() as response:
            data = response.read()
        try:
            return response.status, json.loads(data) if data else None
        except ValueError:
            return response.status, data


def masked(answer):
    """An answer without what differs from request to request or from node to node."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", json.dumps(
        answer, sort_keys=True, default=str))
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>", text)
    return re.sub(r'"(ttl|lease_duration)": \d+', r'"\1": 0', text)


def is_failure(answer):
    """Whether the server was at fault."""
    status, body = answer
    return status >= 500 and not any(text in json.dumps(body) for text in OWN_500)


class Permissions(ClusterTest):
    def setUp(self):
        super().setUp()
        self.live = self.open_cluster(tls=False, log_level="error")
        self.leader = self.live.wait_for_leader()
        self.standby = next(node for node in self.live.nodes if node is not self.leader)
        self.root = self.live.root_token
        self.links = {node.name: Link(node) for node in self.live.nodes}
        for path, kind in MOUNTS:
            answer = self.lead("PUT", path, self.root, json.dumps({"type": kind}).encode())
            self.assertIn(answer[0], (204, 400), (path, answer))
        wait_until("KV v2 is ready", lambda: self.lead(
            "PUT", "kv2/data/matrix", self.root, b'{"data":{}}')[0] == 200)

    def lead(self, *words):
        return self.links[self.leader.name].ask(*words)

    def tell(self, what):
        print(f"\n{what}: {sum(link.count for link in self.links.values())} requests")

    def test_the_table_is_the_servers(self):
        """A route without a row, or a row without a route, makes the matrix less than whole."""
        told = self.told_routes()
        table = [row for row in routes() if row.method == row.listed]
        rows = {(row.path, row.method): row for row in table}
        self.assertEqual(len(rows), len(table), "a row stands twice")
        missing = [f"{method} {path}" for path, method in sorted(set(told) - set(rows))]
        self.assertEqual(missing, [], "the server has them, the table does not")
        for route, row in rows.items():
            with self.subTest(row=str(row)):
                if row.is_absent or row.path in NOT_DESCRIBED:
                    self.assertFalse(route in told, "is described by now")
                    # What the description leaves out is not there either.
                    status, answer = self.lead(row.method, row.path, self.root, b"{}")
                    is_there = status != 405 and "unsupported path" not in json.dumps(answer)
                    self.assertEqual(is_there, not row.is_absent, answer)
                    continue
                self.assertTrue(route in told, "the server has no such route")
                kind = "token" if row.path in OPEN_BY_TOKEN else row.kind
                self.assertEqual(told[route], "open" if kind == "node" else kind)
        # Told by what is mounted instead of where, it is the same.
        self.assertEqual({(re.sub("^kv[12]/", "kv/", path), method) for path, method in told},
                         set(self.told_routes("?generic_mount_paths=true")))
        # And every engine and auth method that there is, is mounted.
        kinds = self.lead("GET", "sys/plugins/catalog", self.root)[1]["data"]
        self.assertEqual({kind.removesuffix("-v2") for _, kind in MOUNTS},
                         {*kinds["auth"], *kinds["database"], *kinds["secret"]})
        self.tell("the table and the server's description")

    def told_routes(self, query=""):
        """Every route that the server tells of, and what it asks for."""
        status, document = self.lead("GET", f"sys/internal/specs/openapi{query}", self.root)
        self.assertEqual(status, 200, document)
        return {route: kind for route, kind in described(document).items()
                if not route[0].startswith(tuple(NO_ROWS))}

    def test_own_paths_that_need_sudo(self):
        """What OpenBao does not have is no way around what it asks sudo for."""
        own = TABLE.read_text().split(OWN)[1].split("\n#")[0].split("\n")
        rows = [line.split() for line in own if line]
        kinds = {path: kind for path, kind, _ in rows}
        self.assertEqual({path for path, kind in kinds.items() if kind == "sudo"}, set(OWN_SUDO))
        self.assertEqual(set(kinds), OWN_SUDO.keys() | OWN_OTHERS.keys(),
                         "say of each new path whether it needs sudo, and why")
        token = self.token("no-sudo", CAPABILITIES)
        for method in ("PUT", "DELETE"):
            # Such a token may not do it OpenBao's way either.
            self.assertEqual(self.lead(method, "sys/auth/matrix", token), DENIED)
        for path, method in ((row[0], method) for row in rows for method in row[2].split(",")):
            if path in OWN_SUDO:
                with self.subTest(path=path, method=method):
                    self.assertEqual(self.lead(method, path, token), DENIED)
        # With real ones: a removed auth method stays removed.
        self.assertEqual(self.lead("DELETE", "sys/auth/jwt", self.root), (204, None))
        status, answer = self.lead("LIST", "sys/retired-mounts", self.root)
        self.assertEqual(status, 200, answer)
        (identifier,) = answer["data"]["keys"]
        restore = f"sys/retired-mounts/{identifier}/restore"
        for body in (b"{}", b'{"path":"auth/hidden"}'):
            self.assertEqual(self.lead("PUT", restore, token, body), DENIED)
        self.assertEqual(
            self.lead("PUT", "sys/retired-mounts/config", token, b'{"shred_delay":0}'), DENIED)
        self.assertEqual(self.lead("GET", "sys/auth/jwt", self.root)[0], 400)
        self.assertEqual(self.lead("PUT", restore, self.root, b"{}"), (204, None))
        self.assertEqual(self.lead("GET", "sys/auth/jwt", self.root)[0], 200)

    def test_without_a_token_and_with_a_wrong_one(self):
        for node in (self.leader, self.standby):
            link = self.links[node.name]
            for route in routes():
                answers = [link.ask(route.method, route.path, token)
                           for token in (None, "s.AAAAAAAAAAAAAAAAAAAAAAAA", "nonsense")]
                with self.subTest(route=str(route), node=node.name):
                    # A member refuses to join another cluster, as OpenBao with 500.
                    if route.path != "sys/storage/raft/join":
                        self.assertFalse(any(map(is_failure, answers)), answers)
                    if not route.is_open:
                        self.assertEqual(answers, [NO_TOKEN] * 3)
            # What does not exist looks the same as what does.
            for path in NOWHERE:
                for method in NEEDED:
                    with self.subTest(path=path, method=method, node=node.name):
                        self.assertEqual(link.ask(method, path), NO_TOKEN)
                        self.assertEqual(link.ask(method, path, "nonsense"), NO_TOKEN)
        self.tell("without a token and with a wrong one")

    def test_on_a_standby(self):
        """A standby answers what the leader answers, with a token that may as well."""
        link = self.links[self.standby.name]
        own = {"sys/health", "sys/leader", "sys/metrics", "sys/host-info", "sys/in-flight-req",
               "sys/config/state/sanitized", "sys/seal-status", "sys/node-status",
               "sys/internal/inspect/request"}
        for route in routes():
            if route.method not in ("GET", "LIST", "SCAN") or route.path in own | HARMFUL:
                continue
            for token in (None, self.root):
                with self.subTest(route=str(route), root=bool(token)):
                    self.assertEqual(masked(link.ask(route.method, route.path, token)),
                                     masked(self.lead(route.method, route.path, token)))
        self.tell("on a standby")

    def test_sealed(self):
        link = self.links[self.standby.name]
        self.assertEqual(link.ask("PUT", "sys/seal"), NO_TOKEN)
        self.assertEqual(link.ask("PUT", "sys/seal", "nonsense"), NO_TOKEN)
        self.assertEqual(link.ask("PUT", "sys/seal", self.root), (204, None))
        for route in routes():
            if route.path == "sys/seal":
                continue  # Is sealed already, and says so.
            for token in (None, "nonsense", self.root):
                answer = link.ask(route.method, route.path, token)
                with self.subTest(route=str(route), token=token == self.root):
                    if route.kind == "node":
                        self.assertNotEqual(answer, SEALED)
                    elif route.path == "sys/metrics" and token is None:
                        self.assertIn(answer[0], (403, 503))
                    else:
                        self.assertEqual(answer, SEALED)
        for path in NOWHERE:
            self.assertEqual(link.ask("GET", path), SEALED, path)
            self.assertEqual(link.ask("GET", path, self.root), SEALED, path)
        self.tell("sealed")

    # Tokens with policies

    def token(self, name, capabilities):
        """A token that may do this, and nothing else, on every path."""
        rule = f'path "*" {{ capabilities = {json.dumps(capabilities)} }}'
        self.live.ask(self.leader, "PUT", f"sys/policies/acl/{name}", {"policy": rule})
        status, answer = self.lead("PUT", "auth/token/create", self.root, json.dumps(
            {"policies": [name], "no_default_policy": True}).encode())
        self.assertEqual(status, 200, answer)
        return answer["auth"]["client_token"]

    def test_without_the_capability(self):
        nothing = self.token("nothing", ["deny"])
        lacking, without_sudo = {}, self.token("no-sudo", CAPABILITIES)
        for method, needed in NEEDED.items():
            rest = [each for each in [*CAPABILITIES, "sudo"] if each not in needed]
            lacking[method] = self.token(f"no-{method.lower()}", rest)
        for node in (self.leader, self.standby):
            link = self.links[node.name]
            for route in routes():
                # Without the mount's own knowledge a probe says no more than this.
                if route.is_open:
                    continue
                tokens = {"nothing": nothing, "all but the needed": lacking[route.listed]}
                if route.kind == "sudo":
                    tokens["no sudo"] = without_sudo
                for what, token in tokens.items():
                    body, refusal = b"", DENIED
                    if what == "no sudo" and route.path == "auth/token/revoke-orphan":
                        body, refusal = b'{"token":"s.AAAAAAAAAAAAAAAAAAAAAAAA"}', NO_ORPHANS
                    with self.subTest(route=str(route), token=what, node=node.name):
                        self.assertEqual(link.ask(route.method, route.path, token, body), refusal)
            for path in NOWHERE:
                for method in NEEDED:
                    self.assertEqual(link.ask(method, path, nothing), DENIED, (method, path))
        self.tell("without the capability")

    def test_with_the_capability_alone(self):
        """The needed capability is enough: nothing else is asked for behind the policy's back."""
        enough = {method: self.token(f"only-{method.lower()}", [*needed, "sudo"])
                  for method, needed in NEEDED.items()}
        for node in (self.leader, self.standby):
            link = self.links[node.name]
            for route in routes():
                if route.is_open or route.path in HARMFUL:
                    continue
                status, answer = link.ask(route.method, route.path, enough[route.listed], b"{}")
                with self.subTest(route=str(route), node=node.name):
                    self.assertNotIn((status, answer), (DENIED, NO_TOKEN))
                    self.assertFalse(
                        status in (500, 502, 503) and is_failure((status, answer)), answer)
        self.tell("with the capability alone")
