"""Compares a vault with what the lanes' models say, when no request is under way."""

import time

from support import ClusterError, wait_until
from vault_model import ALIVE, DEAD, MAYBE, REQUEST_SECONDS, Token

MOST_DEAD = 40


class Check:
    """One look at everything. `base` is what was there before the walk: accessors, mounts."""

    def __init__(self, sender, lanes, base):
        self.sender, self.lanes, self.base = sender, lanes, base
        self.turn = 0

    def look(self, method, path, body=None, token=None):
        self.turn += 1
        return self.sender.look(self.turn, method, path, body, token)

    def keys(self, path):
        answer, _, _ = self.look("LIST", path)
        if answer.status == 404:
            return []
        if answer.status != 200:
            raise AssertionError(f"LIST {path}: {answer.status} {answer.text}")
        return answer.json["data"]["keys"]

    def everything(self):
        """Finds what was lost, what lives too long, and what was left over."""
        self.take_pending_tokens()
        for lane in self.lanes:
            self.entities(lane)
            self.tokens(lane)
            self.policies(lane)
        self.mounts()
        wait_until("no job is left", lambda: self.keys("sys/jobs") == [], 120, pause=0.3)
        count, _, _ = self.look("GET", "sys/leases/count?type=irrevocable")
        if count.json["data"]["lease_count"] != 0:
            raise AssertionError(f"irrevocable leases: {count.text}")
        try:
            wait_until("accessors and leases are those of the living", self.is_swept, 60, pause=0.3)
        except ClusterError as error:
            raise AssertionError(f"{error}; {self.extra}") from None

    # Tokens

    def take_pending_tokens(self):
        """Tokens whose making nobody heard about: made once or not at all."""
        known = {token.accessor for lane in self.lanes for token in lane.tokens}
        self.early = time.time()
        for accessor in self.keys("auth/token/accessors"):
            if accessor in known or accessor in self.base:
                continue
            answer, begin, end = self.look(
                "POST", "auth/token/lookup-accessor", {"accessor": accessor})
            if answer.status != 200:
                continue  # Dead, and not swept yet; what stays is found below.
            data = answer.json["data"]
            origin = (data["meta"] or {}).get("op") or data["path"]
            self.adopt(origin, data, begin, end)
        for lane in self.lanes:
            lane.pending = [each for each in lane.pending
                            if self.early < each[1] + REQUEST_SECONDS]

    def adopt(self, origin, data, begin, end):
        for lane in self.lanes:
            for pending in lane.pending:
                if pending[0] != origin:
                    continue
                auth = {"accessor": data["accessor"], "entity_id": data["entity_id"],
                        "lease_duration": data["ttl"]}
                # The time that is left is a whole number of seconds.
                token = Token((auth, begin, end + 1), **pending[2])
                token.doubt()
                lane.tokens.append(token)
                lane.pending.remove(pending)
                for method in lane.methods:
                    if token.path == f"auth/{method.name}/login":
                        method.tokens.append(token)
                return
        raise AssertionError(f"nobody made the token {data}")

    def tokens(self, lane):
        now = time.time()
        dead = [token for token in lane.tokens if token.state(now, now) == DEAD]
        others = [token for token in lane.tokens if token.state(now, now) != DEAD]
        freed = [token for token in lane.tokens if token.may_be_freed]
        for token in others + dead[-MOST_DEAD:]:
            self.token(lane, token)
        for token in freed:
            self.freed(lane, token)

    def token(self, lane, token):
        if token.text is None:
            answer, begin, end = self.look(
                "POST", "auth/token/lookup-accessor", {"accessor": token.accessor})
        elif token.is_limited:
            answer, begin, end = self.look("POST", "auth/token/lookup", {"token": token.text})
        else:
            answer, begin, end = self.look(
                "GET", "auth/token/lookup-self", token=token.text)
        token.observe(answer.status == 200, begin, end)
        if answer.status != 200:
            return
        data = answer.json["data"]
        if token.is_limited:
            left = data["num_uses"]
            if not token.uses[0] <= left <= token.uses[1]:
                raise AssertionError(f"{token}: {left} uses are left, possible is {token.uses}")
        if sorted(data["policies"]) != sorted({*token.policies, "default"}):
            raise AssertionError(f"{token} has policies {data['policies']}")
        lane.check_identity(token, data)
        if token.text and not token.is_limited and not token.is_batch:
            mine, begin, _ = self.look("GET", "cubbyhole/mine", token=token.text)
            if mine.status == 403:
                return token.observe(False, begin, time.time())
            found = mine.json["data"]["value"] if mine.status == 200 else None
            token.cubbyhole.observe(found, begin, f"the cubbyhole of {token}")

    def freed(self, lane, token):
        """Whether its children were set free is what they say themselves."""
        if token.revoked is not True or time.time() < token.doubted + REQUEST_SECONDS + 1:
            return
        for child in lane.tokens:
            if child.parent is not token or child.revoked:
                continue
            self.token(lane, child)
            if not child.revoked and child.state_now() != DEAD:
                child.parent = None
        token.may_be_freed = False

    def is_swept(self):
        """Exactly the living have an accessor and a lease."""
        begin = time.time()
        accessors = set(self.keys("auth/token/accessors")) - self.base
        leases = self.leases("")
        end = time.time()
        tokens = [token for lane in self.lanes for token in lane.tokens if not token.is_batch]
        living = {token.accessor for token in tokens if token.state(begin, end) == ALIVE}
        maybe = {token.accessor for token in tokens if token.state(begin, end) == MAYBE}
        lost = living - accessors
        if lost:
            raise AssertionError(f"{len(lost)} tokens that live have no accessor: {lost}")
        extra = accessors - living - maybe
        self.extra = {each: [token for token in tokens if token.accessor == each]
                      for each in extra}, len(accessors), len(leases)
        if any(lane.pending for lane in self.lanes):
            # One of these may have been made just now.
            return len(extra) <= sum(len(lane.pending) for lane in self.lanes)
        return not extra and len(leases) == len(accessors)

    def leases(self, prefix):
        found = []
        for name in self.keys(f"sys/leases/lookup/{prefix}"):
            if name.endswith("/"):
                found += self.leases(prefix + name)
            else:
                found.append(prefix + name)
        return found

    # Identity

    def entities(self, lane):
        for method in lane.methods:
            self.method(lane, method)
        for entity in lane.entities:
            answer, begin, _ = self.look("GET", f"identity/entity/id/{entity.id}")
            entity.is_there.observe(answer.status == 200, begin, f"entity {entity.id}")
            if answer.status != 200:
                lane.end_all(lane.tokens_of(entity), known=True)
                continue
            data = answer.json["data"]
            entity.is_disabled.observe(data["disabled"], begin, f"entity {entity.id}")
            policies = tuple(sorted(data["policies"] or ()))
            entity.policies.observe(policies, begin, f"policies of entity {entity.id}")
            if data["disabled"]:
                lane.end_all(lane.tokens_of(entity), known=True)
        answer, begin, _ = self.look("GET", f"identity/group/name/{lane.group_name}")
        members = frozenset(answer.json["data"]["member_entity_ids"] or ())
        lane.group.observe(members, begin, f"members of {lane.group_name}")

    def method(self, lane, method):
        answer, begin, _ = self.look("GET", "sys/auth")
        is_there = f"{method.name}/" in answer.json
        method.is_enabled.observe(is_there, begin, f"auth method {method.name}")
        if not is_there and method.tokens:
            lane.end_all(method.tokens, known=True)
        if method.accessor is None:
            return
        found, begin, _ = self.look("POST", "identity/lookup/entity", {
            "alias_name": method.role_id, "alias_mount_accessor": method.accessor})
        identifier = found.json["data"]["id"] if found.status == 200 else None
        known = method.entity.id if method.entity else None
        if identifier is not None and identifier != known:
            if method.entity_doubted is None:
                raise AssertionError(f"nobody made the entity {identifier}")
            if method.entity:
                method.entity.is_there.observe(False, begin, "the entity before")
            lane.take_entity(method, identifier)
            method.entity_doubted = None
        elif method.entity_doubted and begin > method.entity_doubted + REQUEST_SECONDS:
            method.entity_doubted = None

    # Policies and mounts

    def policies(self, lane):
        for policy in lane.policies:
            answer, begin, _ = self.look("GET", f"sys/policies/acl/{policy.name}")
            text = answer.json["data"]["policy"] if answer.status == 200 else None
            found = None
            for opened in policy.current.possible:
                if opened is not None and lane.text_of(policy, opened) == text:
                    found = opened
            if (text is None) != (found is None):
                raise AssertionError(f"{policy.name} is {text!r}, possible is "
                                     f"{policy.current.possible}")
            policy.current.observe(found, begin, policy.name)
            history, begin, _ = self.look("GET", f"sys/policies/versions/acl/{policy.name}")
            data = history.json["data"]
            last = data["versions"][-1]["version"]
            if not policy.written[0] <= last <= policy.written[1]:
                raise AssertionError(f"{policy.name} has {last} versions, possible is "
                                     f"{policy.written}")
            kept = [each["version"] for each in data["versions"]]
            if kept != list(range(last - len(kept) + 1, last + 1)):
                raise AssertionError(f"{policy.name}: versions {kept}")
            if policy.current.is_certain and begin > policy.current.changed + REQUEST_SECONDS:
                policy.written = (last, last)

    def mounts(self):
        answer, begin, _ = self.look("GET", "sys/mounts")
        places = {path.rstrip("/") for path in answer.json["data"]}
        for lane in self.lanes:
            for mount in lane.mounts:
                now_at = [path for path in mount.place.possible if path in places]
                place = now_at[0] if now_at else None
                mount.place.observe(place, begin, f"mount {mount.was_at}")
                if place:
                    mount.is_made.observe(True, begin, "mount")
                elif not mount.is_made.is_certain:
                    mount.is_made.observe(False, begin, "mount")
                if place is None or not mount.is_certain:
                    continue
                for key, cell in sorted(mount.values.items()):
                    lane.read_value(f"{place}/{key}", cell)
                if mount.values and all(each.is_certain for each in mount.values.values()):
                    held = {key for key, cell in mount.values.items() if cell.value}
                    found = set(self.keys(f"{place}/"))
                    if found != held:
                        raise AssertionError(f"{place} holds {found}, not {held}")
        known = {path for lane in self.lanes for mount in lane.mounts
                 for path in mount.place.possible if path}
        strange = {path for path in places if path.startswith("kv-")} - known
        if strange:
            raise AssertionError(f"nobody mounted {strange}")
