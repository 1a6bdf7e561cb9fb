"""A walk over a vault: one lane of random changes to things that no other lane touches.

What is drawn for a step is drawn before the step, so a seed decides the same whatever was answered.
"""

import random
import time

from vault_model import (
    ALIVE, DEAD, MAYBE, REQUEST_SECONDS, Cell, Entity, Method, Mount, Policy, Token,
)

EVERYTHING = 'path "*" { capabilities = ["create", "update", "read", "list", "delete", "sudo"] }'
PATHS = 4
PROBE = "probe"


class Lane:
    def __init__(self, sender, number, seed):
        self.sender, self.number = sender, number
        self.random = random.Random(f"{seed}/{number}")
        self.role = f"lane-{number}"
        self.group_name = f"lane-{number}"
        self.policies = [Policy(f"lane-{number}-{each}") for each in range(3)]
        self.group_policy = self.policies[2]
        self.group = Cell(frozenset())
        self.tokens, self.pending = [], []
        self.methods, self.mounts, self.entities = [], [], []
        self.aliases = set()
        self.steps = 0
        self.done = {}
        self.turn = 0
        # Prefix -> when it was perhaps revoked.
        self.prefixes = {}

    def begin(self):
        """What the walk rests on; of each of it one is made and removed."""
        for policy in self.policies:
            self.write_policy(policy, frozenset(range(PATHS)), certain=True)
        self.sender.insist(0, "POST", f"auth/token/roles/{self.role}", {
            "renewable": True, "orphan": False, "allowed_entity_aliases": [f"{self.role}-*"]})
        self.sender.insist(0, "POST", "identity/group", {
            "name": self.group_name, "policies": [self.group_policy.name]})

    # What is drawn

    def step(self):
        kind, a, b, c = (self.random.randrange(1 << 30) for _ in range(4))
        self.turn = self.random.randrange(3)
        kind %= sum(weight for weight, _ in STEPS)
        for weight, step in STEPS:
            if kind < weight:
                break
            kind -= weight
        self.steps += 1
        if step(self, a, b, c) is not False:
            self.done[step.__name__] = self.done.get(step.__name__, 0) + 1

    def send(self, method, path, body=None, token=None):
        return self.sender.send(self.turn, method, path, body, token)

    def look(self, method, path, body=None, token=None):
        return self.sender.look(self.turn, method, path, body, token)

    def recent(self, number, wanted=lambda token: True, among=48):
        """One of the youngest tokens, dead ones too."""
        found = [token for token in self.tokens[-among:] if token.text and wanted(token)]
        return found[number % len(found)] if found else None

    def expect(self, answer, allowed, what):
        if answer.status not in allowed:
            raise AssertionError(f"{what}: {answer.status} {answer.text}; right is {allowed}")

    # Tokens

    def make_token(self, a, b, c):
        owner = self.recent(a, lambda token: token.policies == ("all",) and not token.is_limited)
        if a % 3 == 0:
            owner = None
        self.create(owner, b, c)

    def alias(self, number):
        """The name of an entity to which only the role leads: made when it is first wanted."""
        name = f"{self.role}-{number}"
        if name not in self.aliases:
            self.sender.insist(self.turn, "POST", "identity/entity", {"name": name})
            found, _, _ = self.look("GET", f"identity/entity/name/{name}")
            identifier = found.json["data"]["id"]
            listed, _, _ = self.look("GET", "sys/auth")
            self.sender.insist(self.turn, "POST", "identity/entity-alias", {
                "name": name, "canonical_id": identifier,
                "mount_accessor": listed.json["token/"]["accessor"]})
            self.aliases.add(name)
            self.entities.append(Entity(identifier))
        return name

    def create(self, owner, b, c, seconds=None, alias=None):
        place = ("auth/token/create", f"auth/token/create/{self.role}",
                 "auth/token/create-orphan", "auth/token/create")[b % 4]
        kind = b // 4 % 10
        seconds = seconds or (4 + c % 12 if kind in (0, 1) else 3600)
        policies = ("all",) if c % 3 else (self.policies[c // 3 % 2].name,)
        origin = f"{self.number}/{self.steps}/{self.random.randrange(1 << 30)}"
        body = {"policies": list(policies), "ttl": f"{seconds}s", "meta": {"op": origin}}
        if alias is None and b % 4 == 1 and c // 6 % 3 == 1:
            alias = c // 18 % 2
        if alias is not None:
            # A child of another entity than its parent's dies with its parent all the same.
            place = f"auth/token/create/{self.role}"
            body["entity_alias"] = self.alias(alias)
        options = {"policies": policies, "path": place, "origin": origin}
        if kind == 2:
            options["uses"] = body["num_uses"] = 1 + c % 4
        elif kind == 3:
            options["is_batch"], body["type"] = True, "batch"
        elif kind == 4:
            options["is_renewable"] = body["renewable"] = False
        if owner and (owner.is_batch or owner.is_limited):
            owner = None
        answer, begin, end = self.send("POST", place, body, owner and owner.text)
        parent = None if place.endswith("orphan") else owner
        if answer is None:
            if kind != 3:
                options["parent"] = parent
                self.pending.append((origin, begin, options))
            return None
        if owner:
            self.expect(answer, (200, 403), f"{owner} creates")
            owner.observe(answer.status == 200, begin, end)
            if answer.status == 403:
                return None
        self.expect(answer, (200,), "create")
        token = Token((answer.json["auth"], begin, end), parent, **options)
        return self.add(token)

    def add(self, token):
        # A revocation of all under its path may be on its way, and reach this one too.
        if time.time() < self.prefixes.get(token.path, 0) + REQUEST_SECONDS:
            token.doubt()
        self.tokens.append(token)
        return token

    def use(self, a, b, c):
        token = self.recent(a)
        if token is None:
            return False
        state = token.state_now()
        asks = self.send if token.is_limited else self.look
        answer, begin, end = asks("GET", "auth/token/lookup-self", token=token.text)
        if answer is None:
            return token.spend(known=False)
        self.expect(answer, (200, 403), f"{token}, {state}")
        token.observe(answer.status == 200, begin, end)
        if answer.status == 403:
            return
        token.spend(known=True)
        data = answer.json["data"]
        if token.is_limited:
            left = max(0, data["num_uses"])  # The last use is shown as -1.
            if not token.uses[0] <= left <= token.uses[1]:
                raise AssertionError(f"{token}: {left} uses are left, possible is {token.uses}")
            # Requests of which nobody heard may still be counted.
            token.uses = (left - (token.uses[1] - token.uses[0]), left)
        self.check_identity(token, data)

    def check_identity(self, token, data):
        entity = next((each for each in self.entities if each.id == token.entity_id), None)
        if entity is None or not entity.policies.is_certain or not self.group.is_certain:
            return
        want = set(entity.policies.value)
        if entity.id in self.group.value:
            want.add(self.group_policy.name)
        found = set(data.get("identity_policies") or ())
        if found != want:
            raise AssertionError(f"{token} has policies {found} of its entity, not {want}")

    def revoke(self, a, b, c):
        token = self.recent(a, lambda token: not token.is_batch)
        if token is None or token.revoked is None or token.state_now() == MAYBE:
            return False
        is_limited = token.is_limited
        way = b % 3 if not is_limited else b % 2
        if way == 0:
            answer, begin, end = self.send(
                "POST", "auth/token/revoke", {"token": token.text})
        elif way == 1:
            answer, begin, end = self.send(
                "POST", "auth/token/revoke-accessor", {"accessor": token.accessor})
        else:
            answer, begin, end = self.send(
                "POST", "auth/token/revoke-self", token=token.text)
            if answer is not None:
                self.expect(answer, (204, 403), f"{token} revokes itself")
                token.observe(answer.status == 204, begin, end)
        if answer is not None and way < 2:
            self.expect(answer, (200, 204), f"revoke {token}")
        token.end(known=answer is not None)

    def free(self, a, b, c):
        token = self.recent(a, lambda token: not token.is_batch and not token.is_limited)
        if token is None or token.revoked is None or token.state_now() == MAYBE:
            return False
        self.free_one(token)

    def free_one(self, token):
        answer, begin, end = self.send(
            "POST", "auth/token/revoke-orphan", {"token": token.text})
        if answer is None:
            if token.state_now() != DEAD:
                token.may_be_freed = True
                token.doubt()
            return
        self.expect(answer, (204, 400), f"free the children of {token}")
        token.observe(answer.status == 204, begin, end)
        if answer.status == 204:
            self.set_free(token)

    def set_free(self, token):
        """Its children live on; batch tokens name it for ever, and die with it."""
        token.revoked = True
        for child in self.tokens:
            if child.parent is token:
                if child.is_batch:
                    child.revoked = True
                else:
                    child.parent = None
        for _, _, options in self.pending:
            if options.get("parent") is token:
                options["parent"] = None

    def renew(self, a, b, c):
        token = self.recent(a, lambda token: not token.renewal_doubted)
        if token is None:
            return False
        seconds = 5 + c % 60 if b % 2 else 3000
        answer, begin, end = self.send(
            "POST", "auth/token/renew", {"token": token.text, "increment": f"{seconds}s"})
        if answer is None:
            return token.renew(seconds, begin, end, known=False)
        self.expect(answer, (200, 400, 403), f"renew {token}")
        if token.is_renewable:
            token.observe(answer.status == 200, begin, end)
        elif answer.status == 200:
            raise AssertionError(f"{token} was renewed")
        if answer.status == 200:
            token.renew(answer.json["auth"]["lease_duration"], begin, end, known=True)

    def keep(self, a, b, c):
        """Something in a token's cubbyhole."""
        token = self.recent(a, lambda token: not token.is_batch and not token.is_limited)
        if token is None or not token.cubbyhole.is_certain:
            return False
        value = f"v{c}"
        answer, begin, end = self.send(
            "PUT", "cubbyhole/mine", {"value": value}, token.text)
        if answer is not None:
            self.expect(answer, (204, 403), f"the cubbyhole of {token}")
            token.observe(answer.status == 204, begin, end)
        if answer is None or answer.status == 204:
            token.cubbyhole.set(value, known=answer is not None)

    def revoke_prefix(self, a, b, c):
        """All that was made under the lane's role or method."""
        if b % 3:
            return False
        prefix = f"auth/token/create/{self.role}"
        method = self.methods[-1] if self.methods and c % 2 else None
        if method and method.is_usable:
            prefix = f"auth/{method.name}/login"
        answer, _, _ = self.send("PUT", f"sys/leases/revoke-prefix/{prefix}", {})
        if answer is not None:
            self.expect(answer, (200, 202, 204), f"revoke {prefix}")
        else:
            self.prefixes[prefix] = time.time()
        self.end_all((token for token in self.tokens
                      if token.path == prefix and not token.is_batch), answer is not None)

    @staticmethod
    def end_all(tokens, known):
        now = time.time()
        for token in tokens:
            if known and token.state(now, now) != DEAD:
                token.revoked = True
            elif not known:
                token.doubt()

    # A tree that takes more than one batch

    def burst(self, a, b, c):
        """Makes a token with many children of all kinds, and takes it back, or sets them free: then
        often with what it descends from right behind it."""
        top = self.create(None, 0, 1, seconds=3600)
        root = top and self.create(top, 0, 1, seconds=3600)
        if root is None or root.policies != ("all",):
            return False
        for each in range(80 + c % 50):
            kind = 3 if each % 8 == 3 else 8  # Some are batch tokens.
            alias = each % 2 if each % 8 > 5 else None
            child = self.create(root, kind * 4 + a % 2, 1, seconds=3600, alias=alias)
            if child and each % 10 == 0:
                self.create(child, 8 * 4, 1, seconds=3600)
        if root.revoked is None or top.revoked is None:
            return
        if b % 3 == 0:
            self.free_one(root)
            if b % 2:
                return
            root = top
        answer, _, _ = self.send("POST", "auth/token/revoke", {"token": root.text})
        if answer is not None:
            self.expect(answer, (204,), f"revoke {root}")
        root.end(known=answer is not None)

    # Policies

    def change_policy(self, a, b, c):
        policy = self.policies[a % len(self.policies)]
        if not policy.current.is_certain or policy.written[0] != policy.written[1]:
            return False
        if b % 5 == 0 and policy.versions:
            return self.roll_back(policy, c)
        if b % 5 == 1:
            answer, _, _ = self.send("DELETE", f"sys/policies/acl/{policy.name}")
            if answer is not None:
                self.expect(answer, (204,), f"delete {policy.name}")
            return policy.current.set(None, known=answer is not None)
        self.write_policy(policy, frozenset(n for n in range(PATHS) if c >> n & 1))

    def text_of(self, policy, opened):
        lines = [f"# {policy.name}"]
        lines += [f'path "{PROBE}/{number}" {{ capabilities = ["read"] }}'
                  for number in sorted(opened)]
        return "\n".join(lines)

    def write_policy(self, policy, opened, certain=False):
        body = {"policy": self.text_of(policy, opened)}
        answer, _, _ = self.send("PUT", f"sys/policies/acl/{policy.name}", body)
        if answer is None and certain:
            raise AssertionError("nothing was killed yet")
        if answer is not None:
            self.expect(answer, (200, 204), f"write {policy.name}")
        policy.write(opened, known=answer is not None)

    def roll_back(self, policy, c):
        # Only 65 versions are kept.
        numbers = sorted(policy.versions)[-60:]
        number = numbers[c % len(numbers)]
        answer, _, _ = self.send(
            "PUT", f"sys/policies/rollback/acl/{policy.name}", {"version": number})
        if answer is not None:
            self.expect(answer, (200,), f"roll {policy.name} back")
            version = answer.json["data"]["version"]
            if version != policy.written[0] + 1:
                raise AssertionError(f"{policy.name}: version {version}, not "
                                     f"{policy.written[0] + 1}")
        policy.write(policy.versions[number], known=answer is not None)

    def probe(self, a, b, c):
        """Whether a token may do what its policies say, and no more."""
        token = self.recent(a, lambda token: token.policies != ("all",) and not token.is_limited)
        if token is None:
            return False
        number = c % PATHS
        may = self.may_read(token, number)
        answer, begin, end = self.look("GET", f"{PROBE}/{number}", token=token.text)
        self.expect(answer, (200, 403), f"{token} reads")
        is_allowed = answer.status == 200
        state = token.state(begin, end)
        if is_allowed and (state == DEAD or may is False):
            raise AssertionError(f"{token}, {state}, reads {number}, which nothing allows")
        if not is_allowed and state == ALIVE and may is True:
            raise AssertionError(f"{token} may not read {number}, which a policy allows")

    def may_read(self, token, number):
        """True, False, or None for what is not known."""
        by_name = {policy.name: policy for policy in self.policies}
        found = [by_name[name].opens(number) for name in token.policies]
        entity = next((each for each in self.entities if each.id == token.entity_id), None)
        if token.entity_id and entity is None:
            return None
        if entity:
            if not entity.policies.is_certain or not self.group.is_certain:
                return None
            found += [by_name[name].opens(number) for name in entity.policies.value]
            if entity.id in self.group.value:
                found.append(self.group_policy.opens(number))
        if any(each is True for each in found):
            return True
        return None if any(each is None for each in found) else False

    # Mounts

    def work_with_mounts(self, a, b, c):
        mounts = [mount for mount in self.mounts if mount.is_certain and mount.is_made.value]
        mounted = [mount for mount in mounts if mount.place.value]
        if len(mounted) < 2 and b % 4 == 0:
            return self.mount(c)
        retired = [mount for mount in mounts if not mount.place.value]
        if retired and b % 12 == 1:
            return self.restore(retired[a % len(retired)])
        if not mounted:
            return False
        mount = mounted[a % len(mounted)]
        if b % 12 == 2:
            answer, _, _ = self.send("DELETE", f"sys/mounts/{mount.place.value}")
            if answer is not None:
                self.expect(answer, (204,), "unmount")
            mount.was_at = mount.place.value
            return mount.place.set(None, known=answer is not None)
        if b % 12 == 3:
            return self.move(mount, c)
        self.value(mount, b, c)

    def mount(self, c):
        path = f"kv-{self.number}-{len(self.mounts)}"
        mount = Mount(path)
        self.mounts.append(mount)
        answer, _, _ = self.send("POST", f"sys/mounts/{path}", {"type": "kv"})
        if answer is not None:
            self.expect(answer, (204,), f"mount {path}")
        mount.is_made.set(True, known=answer is not None)
        mount.place.set(path, known=answer is not None)

    def move(self, mount, c):
        target = f"kv-{self.number}-moved-{self.steps}"
        answer, _, _ = self.send(
            "POST", "sys/remount", {"from": mount.place.value, "to": target})
        if answer is not None:
            self.expect(answer, (200,), "move")
        mount.was_at = mount.place.value
        mount.place.set(target, known=answer is not None)

    def retired_id(self, path, kind):
        answer, _, _ = self.look("LIST", "sys/retired-mounts")
        info = answer.json["data"]["key_info"] if answer.status == 200 else {}
        return next((each for each, facts in sorted(info.items())
                     if facts["path"] == f"{path}/" and facts["type"] == kind), None)

    def restore(self, mount):
        identifier = self.retired_id(mount.was_at, "kv")
        if identifier is None:
            raise AssertionError(f"{mount.was_at} is not among the retired mounts")
        target = f"kv-{self.number}-back-{self.steps}"
        answer, _, _ = self.send(
            "POST", f"sys/retired-mounts/{identifier}/restore", {"path": target})
        if answer is not None:
            self.expect(answer, (204,), "restore")
        mount.place.set(target, known=answer is not None)

    def value(self, mount, b, c):
        key = f"k{c % 5}"
        cell = mount.values.setdefault(key, Cell(None))
        path = f"{mount.place.value}/{key}"
        if b % 12 < 7 and cell.is_certain:
            value = f"{self.steps}-{c}"
            answer, _, _ = self.send("PUT", path, {"value": value})
            if answer is not None:
                self.expect(answer, (204,), f"put {path}")
            return cell.set(value, known=answer is not None)
        if b % 12 == 7 and cell.is_certain:
            answer, _, _ = self.send("DELETE", path)
            if answer is not None:
                self.expect(answer, (204,), f"delete {path}")
            return cell.set(None, known=answer is not None)
        self.read_value(path, cell)

    def read_value(self, path, cell):
        answer, begin, _ = self.look("GET", path)
        self.expect(answer, (200, 404), f"get {path}")
        found = answer.json["data"]["value"] if answer.status == 200 else None
        cell.observe(found, begin, path)

    # Auth methods and identity

    def work_with_methods(self, a, b, c):
        method = self.methods[-1] if self.methods else None
        if method is None or not method.is_enabled.is_certain or not method.is_enabled.value:
            return self.enable(c)
        if not method.is_usable:
            return False
        if b % 20 == 0:
            return self.disable_method(method)
        if b % 20 < 4 and method.entity and method.entity.is_certain:
            return self.change_entity(method.entity, b % 20, c)
        if b % 20 < 7:
            return self.change_group(c)
        self.log_in(method)

    def enable(self, c):
        name = f"lane-{self.number}-{len(self.methods)}"
        method = Method(name, ("all",) if c % 2 else ())
        self.methods.append(method)
        answer, _, _ = self.send("POST", f"sys/auth/{name}", {"type": "approle"})
        method.is_enabled.set(True, known=answer is not None)
        if answer is None:
            return
        self.expect(answer, (204,), f"enable {name}")
        self.sender.insist(self.turn, "POST", f"auth/{name}/role/r", {
            "role_id": method.role_id, "bind_secret_id": False, "token_ttl": "1h",
            "token_bound_cidrs": "127.0.0.0/8", "token_policies": list(method.policies)})
        listed, _, _ = self.look("GET", "sys/auth")
        method.accessor = listed.json[f"{name}/"]["accessor"]
        method.is_ready = True

    def disable_method(self, method):
        answer, _, _ = self.send("DELETE", f"sys/auth/{method.name}")
        if answer is not None:
            self.expect(answer, (204,), f"disable {method.name}")
        method.is_enabled.set(False, known=answer is not None)
        self.end_all(method.tokens, answer is not None)

    def log_in(self, method):
        entity = method.entity
        if entity and not entity.is_certain:
            return False
        path = f"auth/{method.name}/login"
        answer, begin, end = self.send("PUT", path, {"role_id": method.role_id})
        options = {"policies": method.policies, "path": path, "origin": path}
        if answer is None:
            self.pending.append((path, begin, options))
            if entity is None or not entity.is_there.value:
                method.entity_doubted = begin
            return
        if entity and entity.is_there.value and entity.is_disabled.value:
            return self.expect(answer, (400, 403), f"{path} of who is disabled")
        self.expect(answer, (200,), path)
        auth = answer.json["auth"]
        if entity and entity.is_there.value:
            if auth["entity_id"] != entity.id:
                raise AssertionError(f"{path}: entity {auth['entity_id']}, not {entity.id}")
        else:
            self.take_entity(method, auth["entity_id"])
        token = self.add(Token((auth, begin, end), **options))
        method.tokens.append(token)

    def take_entity(self, method, identifier):
        if any(each.id == identifier for each in self.entities):
            raise AssertionError(f"entity {identifier} is there again")
        method.entity = Entity(identifier)
        self.entities.append(method.entity)

    def tokens_of(self, entity):
        return (token for token in self.tokens if token.entity_id == entity.id)

    def change_entity(self, entity, way, c):
        if not entity.is_there.value:
            return False
        path = f"identity/entity/id/{entity.id}"
        if way == 1:
            names = sorted({self.policies[c % 2].name, self.policies[c // 2 % 2].name})
            names = tuple(names if c % 3 else ())
            answer, _, _ = self.send("POST", path, {"policies": list(names)})
            if answer is not None:
                self.expect(answer, (200, 204), path)
            return entity.policies.set(names, known=answer is not None)
        if way == 2 and c % 3 == 0:
            answer, _, _ = self.send("DELETE", path)
            if answer is not None:
                self.expect(answer, (204,), path)
            entity.is_there.set(False, known=answer is not None)
            self.end_all(self.tokens_of(entity), answer is not None)
            for members in list(self.group.possible):
                if entity.id in members:
                    self.group.set(members - {entity.id}, known=answer is not None
                                   and self.group.is_certain)
            return
        is_disabled = not entity.is_disabled.value
        answer, _, _ = self.send("POST", path, {"disabled": is_disabled})
        if answer is not None:
            self.expect(answer, (200, 204), path)
        entity.is_disabled.set(is_disabled, known=answer is not None)
        if is_disabled:
            self.end_all(self.tokens_of(entity), answer is not None)

    def change_group(self, c):
        there = [each for each in self.entities if each.is_certain and each.is_there.value]
        if not self.group.is_certain or not all(each.is_certain for each in self.entities):
            return False
        members = frozenset(each.id for number, each in enumerate(there[-6:]) if c >> number & 1)
        answer, _, _ = self.send("POST", "identity/group", {
            "name": self.group_name, "member_entity_ids": sorted(members)})
        if answer is not None:
            self.expect(answer, (200, 204), "group")
        self.group.set(members, known=answer is not None)

    def tidy(self, a, b, c):
        """Finds nothing, whatever was killed."""
        answer, _, _ = self.send("POST", ("auth/token/tidy", "sys/leases/tidy")[a % 2], {})
        if answer is not None:
            self.expect(answer, (200, 202, 204), "tidy")


STEPS = [
    (22, Lane.make_token), (18, Lane.use), (10, Lane.revoke), (3, Lane.free), (6, Lane.renew),
    (5, Lane.keep), (2, Lane.revoke_prefix), (8, Lane.change_policy), (8, Lane.probe),
    (16, Lane.work_with_mounts), (16, Lane.work_with_methods), (1, Lane.tidy),
]
