"""Entities, aliases and groups through the real `bao` CLI and `hvac`, unmodified."""

import json

import hvac

from pages import run_page
from support import ONE, ClusterTest
from test_clients import Bao


class Identity(ClusterTest):
    def client(self, cluster, node):
        return hvac.Client(url=node.address, verify=cluster.ca_file(), token=cluster.root_token)

    def followers(self, cluster):
        leader = cluster.wait_for_leader()
        return [node for node in cluster.nodes if node is not leader]

    def test_bao(self):
        cluster = self.open_cluster()
        bao = Bao(cluster, self.followers(cluster)[0])

        def write(*words):
            return json.loads(bao.ok("write", "-format=json", *words))["data"]

        def read(*words):
            return json.loads(bao.ok("read", "-format=json", *words))["data"]

        accessor = json.loads(bao.ok("secrets", "list", "-format=json"))["secret/"]["accessor"]
        entity = write("identity/entity", "name=bob", "metadata=team=red", "policies=default")
        self.assertEqual(entity["name"], "bob")
        alias = write("identity/entity-alias", "name=robert", f"canonical_id={entity['id']}",
                      f"mount_accessor={accessor}")
        group = write("identity/group", "name=ops", "policies=ops",
                      f"member_entity_ids={entity['id']}")
        upper = write("identity/group", "name=all", f"member_group_ids={group['id']}")
        shown = read("identity/entity/name/BOB")
        self.assertEqual(shown["metadata"], {"team": "red"})
        self.assertEqual([alias["id"]], [each["id"] for each in shown["aliases"]])
        self.assertEqual(shown["direct_group_ids"], [group["id"]])
        self.assertEqual(shown["inherited_group_ids"], [upper["id"]])
        self.assertEqual(read(f"identity/group/id/{group['id']}")["parent_group_ids"],
                         [upper["id"]])
        looked = write("identity/lookup/entity", "alias_name=robert",
                       f"alias_mount_accessor={accessor}")
        self.assertEqual(looked["id"], entity["id"])
        cycle = bao.run("write", f"identity/group/id/{group['id']}",
                        f"member_group_ids={upper['id']}")
        self.assertEqual(cycle.returncode, 2)
        self.assertIn("cyclic relationship detected", cycle.stderr)
        names = json.loads(bao.ok("list", "-format=json", "identity/entity/name"))
        self.assertEqual(names, ["bob"])
        bao.ok("delete", f"identity/entity/id/{entity['id']}")
        self.assertEqual(bao.run("read", "identity/entity/name/bob").returncode, 2)
        self.assertIsNone(read("identity/group/name/ops")["member_entity_ids"])

    def test_hvac(self):
        cluster = self.open_cluster()
        clients = [self.client(cluster, node) for node in cluster.nodes]
        leader = self.client(cluster, cluster.wait_for_leader())
        accessor = leader.sys.list_mounted_secrets_engines()["data"]["secret/"]["accessor"]
        # A write by one node is read by the next: every read is linearizable.
        identity, other, third = (client.secrets.identity for client in clients)
        made = identity.create_or_update_entity("ann", metadata={"a": "b"}, policies=["default"])
        ann = made["data"]["id"]
        self.assertEqual(other.read_entity(ann)["data"]["metadata"], {"a": "b"})
        self.assertEqual(third.read_entity_by_name("ann")["data"]["id"], ann)
        updated = other.update_entity(ann, name="anne", metadata={"c": "d"})
        self.assertEqual(updated.status_code, 204)
        self.assertEqual(identity.list_entities()["data"]["keys"], [ann])
        self.assertEqual(third.list_entities_by_name()["data"]["keys"], ["anne"])
        alias = identity.create_or_update_entity_alias("a", ann, accessor)["data"]["id"]
        self.assertEqual(other.read_entity_alias(alias)["data"]["canonical_id"], ann)
        other.update_entity_alias(alias, "b", ann, accessor)
        self.assertEqual(third.lookup_entity(alias_name="b", alias_mount_accessor=accessor)
                         ["data"]["id"], ann)
        self.assertEqual(third.list_entity_aliases()["data"]["keys"], [alias])
        second = identity.create_or_update_entity_by_name("eve")["data"]["id"]
        group = identity.create_or_update_group("g", member_entity_ids=[second])["data"]["id"]
        other.merge_entities([second], ann)
        self.assertEqual(third.read_group(group)["data"]["member_entity_ids"], [ann])
        self.assertEqual(third.read_group_by_name("g")["data"]["id"], group)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            third.read_entity(second)
        external = identity.create_or_update_group("x", group_type="external")["data"]["id"]
        made = identity.create_or_update_group_alias("xa", mount_accessor=accessor,
                                                     canonical_id=external)
        alias = made["data"]["id"]
        self.assertEqual(other.read_group_alias(alias)["data"]["canonical_id"], external)
        self.assertEqual(other.list_group_aliases()["data"]["keys"], [alias])
        self.assertEqual(third.lookup_group(name="x")["data"]["id"], external)
        other.update_group(group, "g", member_group_ids=[external])
        self.assertEqual(identity.read_group(external)["data"]["parent_group_ids"], [group])
        other.update_group_alias(alias, "xb", accessor, external)
        read = third.read_group_alias(alias)["data"]
        self.assertEqual((read["name"], read["canonical_id"]), ("xb", external))
        identity.delete_group_alias(alias)
        named = identity.create_or_update_group_by_name("n", metadata={"e": "f"})["data"]["id"]
        other.create_or_update_group_by_name("n", member_entity_ids=[ann])
        read = third.read_group(named)["data"]
        self.assertEqual((read["metadata"], read["member_entity_ids"]), ({"e": "f"}, [ann]))
        for method in ("LIST", "GET"):
            names = identity.list_groups_by_name(method)["data"]["keys"]
            self.assertEqual(sorted(names), ["g", "n", "x"])
        other.delete_group_by_name("n")
        identity.delete_group(group)
        identity.delete_group_by_name("x")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            other.list_groups()
        alias = third.list_entity_aliases()["data"]["keys"][0]
        self.assertEqual(other.delete_entity_alias(alias).status_code, 204)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            third.read_entity_alias(alias)
        self.assertEqual(identity.read_entity(ann)["data"]["aliases"], [])
        identity.create_or_update_entity_by_name("max")
        self.assertEqual(other.delete_entity_by_name("max").status_code, 204)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            third.read_entity_by_name("max")
        identity.delete_entity(ann)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            other.list_entities()

    def test_page(self):
        run_page(self, self.open_cluster(ONE, shares=1, threshold=1), "Identity", scripts_min=5)
