"""The comparison itself: it must see what differs and overlook only what it should."""

import json
import time
import unittest

import case_file
import comparison
import known_differences
from servers import Answer


def answer(status, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, list(headers.items()), data)


def compare(ours, theirs, request=None, saved=({}, {}), seconds=1):
    request = request or case_file.Request("x:1", "GET", "a", "")
    sides = [comparison.parts(each, comparison.Masker({}, names))
             for each, names in zip((ours, theirs), saved)]
    return comparison.differences(*sides, request, seconds)


class Comparison(unittest.TestCase):
    def test_same(self):
        for body in ({"a": [1, None, {"b": "c"}]}, [], b"", b"text", {"a": 1.5}):
            self.assertEqual(compare(answer(200, body), answer(200, body)), [])

    def test_what_differs(self):
        pairs = [
            ({"a": 1}, {"a": 2}), ({"a": 1}, {"a": "1"}), ({"a": 1}, {"a": True}),
            ({"a": 0}, {"a": False}), ({"a": None}, {}), ({"a": []}, {"a": None}),
            ({"a": [1, 2]}, {"a": [2, 1]}), ({"a": [1]}, {"a": [1, 1]}), ({"a": {}}, {"a": []}),
            ({"ttl": 100}, {"ttl": 50}), ({"ttl": 0}, {"ttl": 1}), ({"ttl": "1"}, {"ttl": 1}),
            ({"errors": ["a"]}, {"errors": ["b"]}), (b"", {"a": 1}), (b"x", b"y"),
            ({"id": "7e1c8a1e-6a0c-4c48-8a3b-1d0f7e0a2b11"}, {"id": ""}),
            ({"t": "2026-11-22T21:36:33Z"}, {"t": "0001-01-01T00:00:00Z"}),
        ]
        for ours, theirs in pairs:
            self.assertNotEqual(compare(answer(200, ours), answer(200, theirs)), [], ours)
            self.assertNotEqual(compare(answer(200, theirs), answer(200, ours)), [], ours)
        self.assertNotEqual(compare(answer(200, {}), answer(204, b"")), [])
        self.assertNotEqual(compare(answer(200, {}, Location="a"), answer(200, {})), [])

    def test_what_is_overlooked(self):
        now = int(time.time())
        pairs = [
            ({"id": "7e1c8a1e-6a0c-4c48-8a3b-1d0f7e0a2b11"},
             {"id": "00000000-6a0c-4c48-8a3b-1d0f7e0a2b11"}),
            ({"t": "2026-11-22T21:36:33.5Z"}, {"t": "2026-11-22T21:36:34.123456789Z"}),
            ({"t": "s.KzV8L4uUR7iYYuXg0QdvPvuZ"}, {"t": "s.AzV8L4uUR7iYYuXg0QdvPvuZ"}),
            ({"a": "kv_0041a66d"}, {"a": "kv_1141a66d"}), ({"created": now}, {"created": now + 3}),
            ({"ttl": 3600}, {"ttl": 3599}), ({"n": 1000}, {"n": 1e3}),
            ({"raft_applied_index": 5}, {"raft_applied_index": 77}),
        ]
        for ours, theirs in pairs:
            self.assertEqual(compare(answer(200, ours), answer(200, theirs)), [], ours)

    def test_kinds_of_ids_stay_apart(self):
        token, accessor = "s.KzV8L4uUR7iYYuXg0QdvPvuZ", "kv_0041a66d"
        self.assertNotEqual(compare(answer(200, {"a": token}), answer(200, {"a": accessor})), [])
        self.assertNotEqual(compare(answer(200, {"a": "kv_0041a66d"}),
                                    answer(200, {"a": "auth_kv_0041a66d"})), [])
        # Words, however long, are no ids.
        self.assertNotEqual(compare(answer(200, {"a": "permissiondeniedforeverx"}),
                                    answer(200, {"a": "permissiondeniedforevery"})), [])

    def test_audit_lines(self):
        def parts(*lines):
            return comparison.audit_parts(answer(200, {}), lines, comparison.Masker({}, {}))

        def differ(ours, theirs):
            request = case_file.Request("x:1", "GET", "a", "")
            return [place for place, _, _ in comparison.differences(ours, theirs, request, 1)]

        asked = {"type": "request", "request": {"path": "a", "remote_port": 4711}}
        answered = {"type": "response", "error": "x"}
        self.assertEqual(differ(parts(asked, answered), parts(
            asked | {"request": {"path": "a", "remote_port": 4712}}, answered)), [])
        self.assertEqual(differ(parts(asked, {"type": "response"}), parts(asked, answered)),
                         ["answered.error"])
        self.assertEqual(differ(parts(asked), parts(asked, answered)), ["lines", "answered"])
        self.assertEqual(differ(parts(asked, asked), parts(asked)), ["lines", "asked again"])

    def test_saved_values_must_be_where_they_are(self):
        saved = ({"s.KzV8L4uUR7iYYuXg0QdvPvuZ": "t"}, {"s.AzV8L4uUR7iYYuXg0QdvPvuZ": "t"})
        mine, other = [list(names)[0] for names in saved]
        self.assertEqual(compare(answer(200, {"id": mine}), answer(200, {"id": other}),
                                 saved=saved), [])
        stranger = "s.BzV8L4uUR7iYYuXg0QdvPvuZ"
        self.assertNotEqual(compare(answer(200, {"id": stranger}), answer(200, {"id": other}),
                                    saved=saved), [])

    def test_clauses(self):
        request = case_file.Request("x:1", "GET", "a", "")
        request.ignored, request.unsorted = ["data.x", "list.*"], ["keys"]
        ours = answer(200, {"data": {"x": "1"}, "keys": ["a", "b"], "list": ["p"]})
        theirs = answer(200, {"data": {"x": "2"}, "keys": ["b", "a"], "list": ["q"]})
        self.assertEqual(compare(ours, theirs, request), [])
        other_kind = answer(200, {"data": {"x": 2}, "keys": ["b", "a"], "list": ["q"]})
        self.assertEqual([place for place, _, _ in compare(ours, other_kind, request)],
                         ["body.data.x"])


class Cases(unittest.TestCase):
    def test_parsed(self):
        area = case_file.parse("a", "about: x\n== one\nPOST b/${times 2 x y} {\"c\": 1}\n"
                               "    save t = auth.client_token\nGET ${t}\n    as t\n")
        first, second = area.requests()
        self.assertEqual((first.method, first.path, first.body),
                         ("POST", "b/${times 2 x y}", '{"c": 1}'))
        self.assertEqual((second.token, second.place), ("t", "a.txt:5"))
        self.assertEqual(case_file.expand("${list 2 \"k#\":1}${times 2 ab}${t}", {"t": "!"}),
                         '"k0":1,"k1":1abab!')

    def test_mistakes(self):
        for text in ("== x\nGET a\n", "about: x\nGET a\n", "about: x\n== y\nGET\n",
                     "about: x\n== y\n    as z\n", "about: x\n== y\nGET a\n    as z\n",
                     "about: x\n== y\nGET ${z}\n", "about: x\n== y\nGET a\n    jump far\n",
                     "about: x\nstart: over\n== y\nGET a\n"):
            with self.assertRaises(case_file.CaseError, msg=text):
                case_file.parse("a", text)

    def test_all_files(self):
        self.assertGreater(sum(len(area.requests()) for area in case_file.load()), 400)


class Known(unittest.TestCase):
    TEXT = "== reason\n> because it is right to do so\na: GET x*\n  body.n: 1 -> 2\n"

    def test_covers(self):
        entry, = known_differences.load(self.TEXT)
        self.assertTrue(entry.covers("a", "GET x?y[]", "body.n", 1, 2))
        for other in (("b", "GET x", "body.n", 1, 2), ("a", "GET y", "body.n", 1, 2),
                      ("a", "GET x", "body.m", 1, 2), ("a", "GET x", "body.n", 2, 2),
                      ("a", "GET x", "body.n", 1, 3), ("a", "GET x", "body.n", "1", 2)):
            self.assertFalse(entry.covers(*other), other)

    def test_needs_a_reason(self):
        for text in ("a: GET x\n  body: 1 -> 2\n", "== reason\na: GET x\n  body: 1 -> 2\n",
                     "== reason\n> no\na: GET x\n  body: 1 -> 2\n", "== x\n> " + "y" * 30 +
                     "\n  body: 1 -> 2\n"):
            with self.assertRaises(known_differences.ListError, msg=text):
                known_differences.load(text)

    def test_the_list(self):
        self.assertTrue(known_differences.load())


if __name__ == "__main__":
    unittest.main()
