"""Checks a proof that `holdfast audit prove` wrote, with Python's own library only.

    python3 audit_proof.py PROOF VERIFIER_KEY

Follows the texts of RFC 9162 (Merkle tree), C2SP signed-note and tlog-checkpoint, and RFC 8032
(Ed25519), and shares nothing with Holdfast. Where the package pymerkle is installed, it has to agree.
Prints "proven …" and ends with 0, or says what is wrong and ends with 1.
"""

import base64
import hashlib
import json
import sys

# The curve of RFC 8032: -x^2 + y^2 = 1 + D x^2 y^2 over the field of P elements.
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493


class Wrong(Exception):
    """The proof does not hold; the text says why."""


def require(condition, problem):
    if not condition:
        raise Wrong(problem)


def add_points(a, b):
    (ax, ay), (bx, by) = a, b
    product = D * ax * bx * ay * by
    x = (ax * by + ay * bx) * pow(1 + product, -1, P)
    y = (ay * by + ax * bx) * pow(1 - product, -1, P)
    return x % P, y % P


def multiply_point(factor, point):
    result = (0, 1)
    while factor:
        if factor & 1:
            result = add_points(result, point)
        point = add_points(point, point)
        factor >>= 1
    return result


def decode_point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    require(y < P, "a point is not in its shortest form")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    require((x * x - square) % P == 0, "a point is not on the curve")
    if x & 1 != sign:
        x = P - x
    return x, y


def verify_ed25519(key, message, signature):
    base = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    commitment, response = signature[:32], int.from_bytes(signature[32:], "little")
    require(len(signature) == 64 and response < ORDER, "not an Ed25519 signature")
    digest = hashlib.sha512(commitment + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left = multiply_point(response, base)
    right = add_points(
        decode_point(commitment), multiply_point(challenge, decode_point(key))
    )
    require(left == right, "the signature does not match")


def verify_note(note, verifier_key):
    """Gives the note's text if the key signed it."""
    name, key_id, encoded = verifier_key.split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    digest = hashlib.sha256(name.encode() + b"\n" + key).digest()
    require(key[0] == 1 and digest[:4].hex() == key_id, "not a verifier key")
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        require(dash == "\u2014", "not a signature line")
        blob = base64.b64decode(signature, validate=True)
        if signer == name and blob[:4] == digest[:4]:
            verify_ed25519(key[1:], text.encode(), blob[4:])
            return text
    raise Wrong(f"not signed by {name}")


def hash_pair(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hash, index, size, path):
    """The root that a leaf and its path give: RFC 9162, section 2.1.3.2."""
    require(0 <= index < size, "the leaf is not in the tree")
    place, last, value = index, size - 1, leaf_hash
    for sibling in path:
        require(last > 0, "the path is too long")
        if place % 2 == 1 or place == last:
            value = hash_pair(sibling, value)
            while place % 2 == 0 and place != 0:
                place, last = place // 2, last // 2
        else:
            value = hash_pair(value, sibling)
        place, last = place // 2, last // 2
    require(last == 0, "the path is too short")
    return value


def ask_pymerkle(leaf_hash, index, size, path, root):
    """Whether a second implementation was there, and agreed."""
    try:
        import pymerkle
        from pymerkle.core import _inclusion_path_layout
    except ImportError:
        return False
    rule, _ = _inclusion_path_layout(index + 1, size)
    proof = pymerkle.MerkleProof.deserialize({
        "type": "inclusion",
        "metadata": {
            "algorithm": "sha256", "security": True, "size": size, "index": index + 1,
        },
        "rule": rule,
        "path": [digest.hex() for digest in [leaf_hash] + path],
    })
    try:
        pymerkle.verify_inclusion(
            leaf_hash, root, proof, index=index + 1, size=size, algorithm="sha256"
        )
    except pymerkle.InvalidProof as error:
        raise Wrong(f"pymerkle: {error}") from error
    return True


def check(proof, verifier_key):
    """Gives a sentence about what the proof proves."""
    require(proof["format"] == "holdfast-audit-proof-1", "not a proof")
    text = verify_note(proof["checkpoint"], verifier_key)
    origin, size, root = text.splitlines()[:3]
    root = base64.b64decode(root, validate=True)
    require(origin == proof["origin"], "the origin is not the checkpoint's")
    require(int(size) == proof["tree_size"], "the size is not the checkpoint's")
    require(root.hex() == proof["root_hash"], "the root is not the checkpoint's")
    leaf = base64.b64decode(proof["leaf"], validate=True)
    leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
    require(leaf_hash.hex() == proof["leaf_hash"], "leaf_hash is not the leaf's")
    path = [bytes.fromhex(digest) for digest in proof["inclusion_path"]]
    index = proof["leaf_index"]
    require(root_of(leaf_hash, index, int(size), path) == root, "the path leads elsewhere")
    also = " (pymerkle agrees)" if ask_pymerkle(leaf_hash, index, int(size), path, root) else ""
    return f"proven: leaf {index} of {size} in {origin}{also}"


def main():
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            print(check(json.load(file), sys.argv[2]))
    except (Wrong, KeyError, ValueError) as error:
        sys.exit(f"not proven: {error}")


if __name__ == "__main__":
    main()
