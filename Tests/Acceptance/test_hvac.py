"""Every class of `hvac` whose part is built, method by method, unmodified, through all nodes in turn.

Identity and namespaces have tests of their own (test_identity.py, test_namespaces.py), and so has
what a client does first (test_clients.py)."""

import ast
import inspect
import pathlib
import re
import unittest

import hvac
from hvac.api import auth_methods, secrets_engines, system_backend
from hvac.api.vault_api_base import VaultApiBase

from certificates import AUTHORITY, Certificates
from support import ClusterTest, wait_until

# The classes whose part is built, and how what a method is called of ends in every test.
BUILT = {
    auth_methods.AppRole: r"\.auth\.approle",
    auth_methods.Cert: r"\.auth\.cert",
    auth_methods.JWT: r"\.auth\.jwt",
    auth_methods.Token: r"\.auth\.token",
    auth_methods.Userpass: r"\.auth\.userpass",
    secrets_engines.Identity: r"\.secrets\.identity",
    secrets_engines.KvV1: r"\.secrets\.kv\.v1",
    secrets_engines.KvV2: r"\.secrets\.kv\.v2",
    # All of sys: each of its classes is a part of this one.
    system_backend.SystemBackend: r"\.sys",
    # Has a name of its own in each test.
    hvac.Client: None,
}
# What else it is called, and in which class of tests only: the same name is something else in
# another one.
NAMES = {
    ("test_hvac", "HvacClasses", auth_methods.AppRole): r"roles\(\)",
    ("test_hvac", "HvacClasses", auth_methods.Cert): r"cert",
    ("test_hvac", "HvacClasses", auth_methods.Token): r"token\([^()]*\)",
    ("test_hvac", "HvacClasses", auth_methods.Userpass): r"people\(\)",
    ("test_hvac", "HvacClasses", secrets_engines.KvV2): r"kv\(\)",
    ("test_hvac", "HvacClasses", hvac.Client): r"client|self\.client\([^()]*\)",
    ("test_identity", "Identity", secrets_engines.Identity): r"identity|other|third",
}
NOT_BUILT = {
    "Aws", "Azure", "Gcp", "Github", "Kubernetes", "Ldap", "LegacyMfa", "OIDC", "Okta", "Radius",
    "ActiveDirectory", "Consul", "Database", "Pki", "RabbitMQ", "Ssh", "Transform", "Transit",
}
# Methods of built classes that no test calls, and why.
LATER = "is of a part that is not built"
OTHER_PRODUCT = "exists in Vault Enterprise only"
NO_REQUEST = "makes no request of its own"
NOT_CALLED = {
    LATER: """
        cancel_rekey cancel_rekey_verify read_backup_keys read_rekey_progress
        read_rekey_verify_progress rekey rekey_multi rekey_verify rekey_verify_multi start_rekey
        get_encryption_key_status rotate_encryption_key
        cancel_root_generation generate_root read_root_generation_progress
        start_root_token_generation
        force_restore_raft_snapshot restore_raft_snapshot take_raft_snapshot
        configure_tokens_backend create_named_key delete_named_key generate_signed_id_token
        introspect_signed_id_token list_named_keys read_active_public_keys read_named_key
        read_tokens_backend_configuration read_well_known_configurations rotate_named_key
        Identity.create_or_update_role Identity.read_role Identity.list_roles Identity.delete_role
        oidc_authorization_url_request oidc_callback""",
    OTHER_PRODUCT: """
        create_or_update_egp_policy delete_egp_policy list_egp_policies read_egp_policy
        create_or_update_rgp_policy delete_rgp_policy list_rgp_policies read_rgp_policy
        create_or_update_raft_auto_snapshot_config delete_raft_auto_snapshot_config
        list_raft_auto_snapshot_configs read_raft_auto_snapshot_config
        read_raft_auto_snapshot_status""",
    NO_REQUEST: """
        CertificateAuthError get_private_attr_name resolve_path
        validate_member_id_params_for_group_type""",
}


class HvacIsCoveredWhole(unittest.TestCase):
    """Reads the tests, so that a class or a method without a test is noticed when it comes."""

    def calls(self):
        """All calls of methods in classes of tests that use hvac, and what of:
        {(file, class, receiver, method)}."""
        found = set()
        for path in pathlib.Path(__file__).parent.glob("*.py"):
            text = path.read_text()
            if "import hvac" not in text:
                continue
            for tests in ast.parse(text).body:
                if not isinstance(tests, ast.ClassDef):
                    continue
                for node in ast.walk(tests):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                        found.add((path.stem, tests.name, ast.unparse(node.func.value),
                                   node.func.attr))
        return found

    def called(self, kind, calls):
        """The methods of a class that tests call."""
        found = set()
        for file, tests, receiver, method in calls:
            name = NAMES.get((file, tests, kind))
            if (BUILT[kind] and re.search(rf"{BUILT[kind]}$", receiver)
                    or name and re.fullmatch(name, receiver)):
                found.add(method)
        return found

    def methods(self, kind):
        return [name for name in dir(kind) if name[0] != "_" and callable(getattr(kind, name))]

    def test_each_method_is_called_or_has_a_reason_not_to_be(self):
        calls = self.calls()
        without = set()
        for kind in BUILT:
            called = self.called(kind, calls)
            self.assertTrue(called, kind.__name__)
            without |= {(kind.__name__, name) for name in self.methods(kind)
                        if name not in called}
        reasons = {name for text in NOT_CALLED.values() for name in text.split()}
        used = {name for kind, method in without for name in (method, f"{kind}.{method}")
                if name in reasons}
        self.assertEqual(
            [f"{kind}.{name}" for kind, name in sorted(without)
             if name not in reasons and f"{kind}.{name}" not in reasons], [], "without a call")
        self.assertEqual(sorted(reasons - used), [], "called, or gone, and still in the list")

    def test_a_name_counts_in_its_class_of_tests_only(self):
        calls = self.calls()
        for (file, tests, kind), name in NAMES.items():
            used = [call for call in calls
                    if call[:2] == (file, tests) and re.fullmatch(name, call[2])]
            self.assertTrue(used, f"{file}.{tests} calls nothing {name}")
            elsewhere = {("test_else", tests, *call[2:]) for call in used}
            elsewhere |= {(file, "Else", *call[2:]) for call in used}
            self.assertEqual(self.called(kind, elsewhere), set(), f"{file}.{tests}, {name}")

    def test_each_class_is_built_or_said_not_to_be(self):
        built = {kind.__name__ for kind in BUILT}
        parts = {each.__name__ for each in system_backend.SystemBackend.__mro__}
        for module in (auth_methods, secrets_engines, system_backend):
            for name, kind in inspect.getmembers(module, inspect.isclass):
                # The class of both versions of KV only leads to theirs.
                if not issubclass(kind, VaultApiBase) or name in ("Kv", "VaultApiCategory"):
                    continue
                if name in ("AuthMethods", "SecretsEngines") or name in parts:
                    continue
                self.assertIn(name, NOT_BUILT ^ built, f"{name}: in one of the two lists")


class HvacClasses(ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster_ = self.open_cluster()
        self.turn = 0

    def client(self, token=None):
        """A client of the next node."""
        self.turn += 1
        node = self.cluster_.nodes[self.turn % len(self.cluster_.nodes)]
        return hvac.Client(url=node.address, verify=self.cluster_.ca_file(),
                           token=token or self.cluster_.root_token)

    @property
    def sys(self):
        return self.client().sys

    def test_kv1(self):
        self.sys.enable_secrets_engine("kv", path="one", options={"version": "1"})
        for number in range(3):
            self.client().secrets.kv.v1.create_or_update_secret(
                f"a/{number}", {"n": number}, mount_point="one")
        self.assertEqual(
            self.client().secrets.kv.v1.read_secret("a/1", mount_point="one")["data"], {"n": 1})
        self.client().secrets.kv.v1.delete_secret("a/1", mount_point="one")
        self.assertEqual(self.client().secrets.kv.v1.list_secrets(
            "a", mount_point="one")["data"]["keys"], ["0", "2"])
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.client().secrets.kv.v1.read_secret("a/1", mount_point="one")

    def test_kv2(self):
        def kv():
            return self.client().secrets.kv.v2

        kv().configure(max_versions=7, cas_required=False, delete_version_after="0s")
        self.assertEqual(kv().read_configuration()["data"]["max_versions"], 7)
        kv().create_or_update_secret("a", {"k": "1"}, cas=0)
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            kv().create_or_update_secret("a", {"k": "1"}, cas=0)
        kv().patch("a", {"l": "2"})
        read = kv().read_secret_version("a", raise_on_deleted_version=True)
        self.assertEqual(read["data"]["data"], {"k": "1", "l": "2"})
        self.assertEqual(kv().read_secret("a", raise_on_deleted_version=True)
                         ["data"]["metadata"]["version"], 2)
        kv().delete_secret_versions("a", [1])
        with self.assertRaises(hvac.exceptions.InvalidPath):
            kv().read_secret_version("a", version=1, raise_on_deleted_version=True)
        deleted = kv().read_secret_version("a", version=1, raise_on_deleted_version=False)
        self.assertIsNone(deleted["data"]["data"])
        kv().undelete_secret_versions("a", [1])
        self.assertEqual(kv().read_secret_version(
            "a", version=1, raise_on_deleted_version=True)["data"]["data"], {"k": "1"})
        kv().destroy_secret_versions("a", [1])
        kv().delete_latest_version_of_secret("a")
        kv().update_metadata("a", max_versions=3, custom_metadata={"owner": "me"})
        facts = kv().read_secret_metadata("a")["data"]
        self.assertEqual((facts["max_versions"], facts["custom_metadata"]), (3, {"owner": "me"}))
        self.assertEqual(kv().list_secrets("")["data"]["keys"], ["a"])
        kv().delete_metadata_and_all_versions("a")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            kv().list_secrets("")

    def test_token(self):
        text = 'path "auth/token/*" { capabilities = ["create", "update", "read", "list"] }'
        self.sys.create_or_update_policy("t", text)

        def token(own=None):
            return self.client(own).auth.token

        parent = token().create(policies=["t"], ttl="1h", meta={"a": "b"})["auth"]
        own, accessor = parent["client_token"], parent["accessor"]
        self.assertEqual(token().lookup(own)["data"]["meta"], {"a": "b"})
        self.assertEqual(token().lookup_accessor(accessor)["data"]["accessor"], accessor)
        self.assertEqual(token(own).lookup_self()["data"]["id"], own)
        self.assertIn(accessor, token().list_accessors()["data"]["keys"])
        self.assertEqual(token().renew(own, increment="30m")["auth"]["lease_duration"], 1800)
        self.assertEqual(
            token().renew_accessor(accessor, increment="20m")["auth"]["lease_duration"], 1200)
        self.assertEqual(token(own).renew_self(increment="2h")["auth"]["lease_duration"], 7200)
        child = token(own).create()["auth"]["client_token"]
        token().revoke_and_orphan_children(own)
        self.assertTrue(token(child).lookup_self()["data"]["orphan"])
        token(child).revoke_self()
        with self.assertRaises(hvac.exceptions.Forbidden):
            token(child).lookup_self()
        for revoke in (lambda made: token().revoke(made["client_token"]),
                       lambda made: token().revoke_accessor(made["accessor"])):
            made = token().create_orphan(policies=["t"])["auth"]
            revoke(made)
            with self.assertRaises(hvac.exceptions.Forbidden):
                token(made["client_token"]).lookup_self()
        token().create_or_update_role("r", allowed_policies=["t"], orphan=True, token_period="1h")
        self.assertEqual(token().read_role("r")["data"]["allowed_policies"], ["t"])
        self.assertEqual(token().list_roles()["data"]["keys"], ["r"])
        self.assertTrue(token().create(role_name="r", policies=["t"])["auth"]["orphan"])
        token().delete_role("r")
        token().tidy()

    def test_userpass(self):
        self.sys.enable_auth_method("userpass")

        def people():
            return self.client().auth.userpass

        people().create_or_update_user("ann", password="one", policies="default")
        self.assertEqual(people().list_user()["data"]["keys"], ["ann"])
        self.assertIn("token_policies", people().read_user("ann")["data"])
        people().update_password_on_user("ann", "two")
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            people().login("ann", "one")
        client = self.client()
        client.auth.userpass.login("ann", "two")
        self.assertTrue(client.is_authenticated())
        self.assertEqual(client.lookup_token()["data"]["display_name"], "userpass-ann")
        client.logout(revoke_token=True)
        people().delete_user("ann")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            people().list_user()

    def test_approle(self):
        self.sys.enable_auth_method("approle", path="machines")
        at = {"mount_point": "machines"}

        def roles():
            return self.client().auth.approle

        roles().create_or_update_approle("ci", token_policies=["default"], token_ttl="10m", **at)
        self.assertEqual(roles().list_roles(**at)["data"]["keys"], ["ci"])
        self.assertEqual(roles().read_role("ci", **at)["data"]["token_ttl"], 600)
        roles().update_role_id("ci", "robot", **at)
        self.assertEqual(roles().read_role_id("ci", **at)["data"]["role_id"], "robot")
        made = roles().generate_secret_id("ci", metadata={"k": "v"}, **at)["data"]
        secret, accessor = made["secret_id"], made["secret_id_accessor"]
        self.assertEqual(roles().read_secret_id("ci", secret, **at)["data"]["metadata"],
                         {"k": "v"})
        roles().read_secret_id_accessor("ci", accessor, **at)
        self.assertEqual(roles().list_secret_id_accessors("ci", **at)["data"]["keys"],
                         [accessor])
        roles().create_custom_secret_id("ci", "chosen", **at)
        for each in (secret, "chosen"):
            auth = self.client().auth.approle.login("robot", each, **at)["auth"]
            self.assertEqual(auth["metadata"]["role_name"], "ci")
        roles().destroy_secret_id("ci", "chosen", **at)
        roles().destroy_secret_id_accessor("ci", accessor, **at)
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            roles().login("robot", secret, **at)
        roles().delete_role("ci", **at)

    def test_mounts_and_auth(self):
        self.sys.enable_secrets_engine("kv", path="a", description="first")
        self.sys.tune_mount_configuration("a", default_lease_ttl="1h", description="tuned")
        self.assertEqual(self.sys.read_mount_configuration("a")["data"]["default_lease_ttl"],
                         3600)
        self.assertEqual(self.sys.retrieve_mount_option("secret", "version"), "2")
        self.sys.move_backend("a", "b")
        self.assertIn("b/", self.sys.list_mounted_secrets_engines()["data"])
        self.sys.disable_secrets_engine("b")
        self.sys.enable_auth_method("userpass", path="p", description="people")
        self.sys.tune_auth_method("p", default_lease_ttl="30m", description="humans")
        self.assertEqual(self.sys.read_auth_method_tuning("p")["data"]["default_lease_ttl"], 1800)
        self.assertEqual(self.sys.list_auth_methods()["data"]["p/"]["description"], "humans")
        self.sys.disable_auth_method("p")
        self.assertNotIn("p/", self.sys.list_auth_methods()["data"])

    def test_policies_and_capabilities(self):
        text = 'path "secret/data/*" { capabilities = ["read"] }'
        self.sys.create_or_update_policy("old", text)
        self.assertEqual(self.sys.read_policy("old")["data"]["rules"], text)
        self.assertIn("old", self.sys.list_policies()["data"]["policies"])
        self.sys.create_or_update_acl_policy("new", text)
        self.assertEqual(self.sys.read_acl_policy("new")["data"]["policy"], text)
        self.assertIn("new", self.sys.list_acl_policies()["data"]["keys"])
        made = self.client().auth.token.create(policies=["new"])["auth"]
        for asked in ({"token": made["client_token"]}, {"accessor": made["accessor"]}):
            found = self.sys.get_capabilities(["secret/data/x"], **asked)
            self.assertEqual(found["data"]["secret/data/x"], ["read"])
        own = self.client(made["client_token"]).sys.get_capabilities(["secret/data/x"])
        self.assertEqual(own["data"]["secret/data/x"], ["read"])
        self.sys.delete_policy("old")
        self.sys.delete_acl_policy("new")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.sys.read_acl_policy("new")

    def test_leases_and_wrapping(self):
        token = self.client().auth.token.create(ttl="1h")["auth"]["client_token"]
        name, = self.sys.list_leases("auth/token/create")["data"]["keys"]
        lease = f"auth/token/create/{name}"
        self.assertEqual(self.sys.read_lease(lease)["data"]["id"], lease)
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.sys.renew_lease(lease)
        self.sys.revoke_lease(lease)
        wait_until("the token is gone", lambda: not self.client(token).is_authenticated())
        self.client().auth.token.create(ttl="1h")
        self.sys.revoke_prefix("auth/token/create")
        self.client().auth.token.create(ttl="1h")
        self.sys.revoke_force("auth/token/create")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.sys.list_leases("auth/token/create")
        wrapped = self.sys.wrap({"k": "v"}, ttl=60)["wrap_info"]["token"]
        self.assertEqual(self.sys.unwrap(wrapped)["data"], {"k": "v"})
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.sys.unwrap(wrapped)

    def test_health_leader_seal_and_raft(self):
        self.assertTrue(self.sys.is_initialized())
        self.assertTrue(self.sys.read_init_status()["initialized"])
        self.assertFalse(self.sys.read_seal_status()["sealed"])
        health = self.sys.read_health_status(method="GET")
        # A standby's answer is a whole response, because its status is no success.
        self.assertIn("sealed", health if isinstance(health, dict) else health.json())
        self.assertTrue(self.sys.read_leader_status()["ha_enabled"])
        servers = self.sys.read_raft_config()["data"]["config"]["servers"]
        self.assertEqual(len(servers), 3)
        before = self.cluster_.wait_for_leader()
        leader = hvac.Client(url=before.address, verify=self.cluster_.ca_file(),
                             token=self.cluster_.root_token)
        leader.sys.step_down()
        wait_until("another node leads", lambda: self.cluster_.leader() not in (None, before), 60)
        leader.sys.seal()
        self.assertTrue(leader.sys.is_sealed())
        leader.sys.submit_unseal_key(self.cluster_.keys[0])
        leader.sys.submit_unseal_key(reset=True)
        leader.sys.submit_unseal_keys(self.cluster_.keys[: self.cluster_.threshold])
        self.assertFalse(leader.sys.is_sealed())

    def test_raft_members(self):
        # As a node that runs: it says what to type instead.
        with self.assertRaises(hvac.exceptions.InternalServerError) as refused:
            self.sys.join_raft_cluster("https://127.0.0.1:1")
        self.assertIn("holdfast cluster join", str(refused.exception))
        leader = self.cluster_.wait_for_leader()
        gone = next(node for node in self.cluster_.nodes if node is not leader)
        stays = hvac.Client(url=leader.address, verify=self.cluster_.ca_file(),
                            token=self.cluster_.root_token)
        stays.sys.remove_raft_node(gone.name)
        names = [server["node_id"]
                 for server in stays.sys.read_raft_config()["data"]["config"]["servers"]]
        self.assertEqual(len(names), 2)
        self.assertNotIn(gone.name, names)

    def test_audit(self):
        self.assertEqual(self.sys.list_enabled_audit_devices()["data"], {})
        path = pathlib.Path(self.folder.name) / "audit"
        path.mkdir()
        self.sys.enable_audit_device(
            "file", description="lines", options={"file_path": str(path / "lines")}, path="lines")
        device = self.sys.list_enabled_audit_devices()["data"]["lines/"]
        self.assertEqual((device["type"], device["description"]), ("file", "lines"))
        digest = self.sys.calculate_hash("lines", "value")["data"]["hash"]
        self.assertTrue(digest.startswith("hmac-sha256:"))
        self.sys.disable_audit_device("lines")
        self.assertEqual(self.sys.list_enabled_audit_devices()["data"], {})

    def test_quota(self):
        self.sys.create_or_update_quota("calm", 500.5, path="secret/", interval="10s")
        quota = self.sys.read_quota("calm")["data"]
        self.assertEqual((quota["rate"], quota["path"], quota["interval"]), (500.5, "secret/", 10))
        self.assertEqual(self.sys.list_quotas()["data"]["keys"], ["calm"])
        self.sys.delete_quota("calm")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.sys.read_quota("calm")

    def test_jwt(self):
        self.sys.enable_auth_method("jwt")
        certificates = Certificates(pathlib.Path(self.folder.name) / "keys")
        certificates.openssl("genpkey", "-algorithm", "ed25519", "-out", "issuer.key")
        certificates.openssl("pkey", "-in", "issuer.key", "-pubout", "-out", "issuer.pem")
        self.client().auth.jwt.configure(jwt_validation_pubkeys=[certificates.text("issuer")])
        read = self.client().auth.jwt.read_config()["data"]
        self.assertEqual(len(read["jwt_validation_pubkeys"]), 1)
        self.client().auth.jwt.create_role(
            "builder", user_claim="sub", allowed_redirect_uris=[], bound_audiences=["builds"],
            token_policies=["default"])
        role = self.client().auth.jwt.read_role("builder")["data"]
        self.assertEqual((role["user_claim"], role["bound_audiences"]), ("sub", ["builds"]))
        self.assertEqual(self.client().auth.jwt.list_roles()["data"]["keys"], ["builder"])
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.client().auth.jwt.jwt_login("builder", "no.such.jwt")
        self.client().auth.jwt.delete_role("builder")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.client().auth.jwt.list_roles()

    def test_cert(self):
        self.sys.enable_auth_method("cert")
        certificates = Certificates(pathlib.Path(self.folder.name) / "keys")
        certificates.make("ca", "/CN=ca", 1, AUTHORITY)
        cert = self.client().auth.cert
        cert.create_ca_certificate_role(
            "web", certificate=certificates.text("ca"), allowed_common_names="web.example",
            token_policies=["default"])
        read = self.client().auth.cert.read_ca_certificate_role("web")["data"]
        self.assertEqual(read["allowed_common_names"], ["web.example"])
        self.assertEqual(
            self.client().auth.cert.list_certificate_roles()["data"]["keys"], ["web"])
        self.client().auth.cert.configure_tls_certificate(disable_binding=True)
        self.assertTrue(self.client().read("auth/cert/config")["data"]["disable_binding"])
        self.client().auth.cert.delete_certificate_role("web")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.client().auth.cert.read_ca_certificate_role("web")

    def test_plain_paths(self):
        client = self.client()
        client.write_data("cubbyhole/a", data={"k": "v"})
        self.assertEqual(client.read("cubbyhole/a")["data"], {"k": "v"})
        self.assertEqual(client.list("cubbyhole/")["data"]["keys"], ["a"])
        client.delete("cubbyhole/a")
        self.assertIsNone(client.read("cubbyhole/a"))
        client.write("cubbyhole/b", k="v")
        self.assertEqual(client.read("cubbyhole/b")["data"], {"k": "v"})

    def test_what_the_client_does_itself(self):
        client = self.client()
        text = 'path "secret/data/*" { capabilities = ["read"] }'
        client.sys.create_or_update_policy("p", text)
        self.assertEqual(client.get_policy("p"), text)
        self.assertIsNone(client.get_policy("none"))
        tokens = [client.auth.token.create(policies=["p"], ttl="1h")["auth"] for _ in range(3)]
        own = tokens[0]["client_token"]
        self.assertEqual(client.renew_token(own, increment="30m")["auth"]["lease_duration"], 1800)
        client.revoke_token(own)
        client.revoke_token(tokens[1]["client_token"], orphan=True)
        client.revoke_token(tokens[2]["accessor"], accessor=True)
        for each in tokens:
            self.assertFalse(self.client(each["client_token"]).is_authenticated())
        # A token that comes wrapped: the client takes the wrapping token for its own to open it.
        wrapped = client.auth.token.create(policies=["p"], wrap_ttl="60s")["wrap_info"]
        client = self.client()
        client.auth_cubbyhole(wrapped["token"])
        self.assertEqual(client.lookup_token()["data"]["accessor"], wrapped["wrapped_accessor"])
        client = self.client()
        self.sys.enable_auth_method("userpass")
        client.auth.userpass.create_or_update_user("ann", password="hedgehog")
        client.login("/v1/auth/userpass/login/ann", json={"password": "hedgehog"})
        self.assertEqual(client.lookup_token()["data"]["display_name"], "userpass-ann")


if __name__ == "__main__":
    unittest.main()
