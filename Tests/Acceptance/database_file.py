"""A node's database file, read and damaged row by row, as LMDB 0.9 lays it out.

A page: number u64, pad u16, flags u16, lower u16, upper u16, offsets of nodes u16 each. A node: two
u16 of size or child, flags u16, key size u16, key, value. Two headers; the newer one counts.
"""

import hashlib
import struct

PAGE, HEADER, NODE, TABLE = 4_096, 16, 8, 48
BRANCH, LEAF = 1, 2
NOTHING = (1 << 64) - 1


class Row:
    """One row: where its page begins, which of the page's nodes it is, key and value. The value of
    a row with pages of its own is None."""

    def __init__(self, start, position, key, value):
        self.start, self.position, self.key, self.value = start, position, key, value


class DatabaseFile:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = bytearray(file.read(2 * PAGE))
            headers = [HEADER + number * PAGE for number in (0, 1)]
            newest = max(headers, key=lambda at: self._word(at + 24 + 2 * TABLE + 8))
            self.names = self._word(newest + 24 + TABLE + 40)
            pages = self._word(newest + 24 + 2 * TABLE) + 1
            self.data += file.read((pages - 2) * PAGE)
        self.before = bytes(self.data)

    def save(self):
        """Writes the pages that were changed, and no other: the node may be running."""
        with open(self.path, "r+b") as file:
            for start in range(0, len(self.data), PAGE):
                page = self.data[start : start + PAGE]
                if page != self.before[start : start + PAGE]:
                    file.seek(start)
                    file.write(page)

    def table(self, name):
        """All rows of a table, in key order."""
        return list(self._rows(self._word(self._record(name) + 40)))

    def remove(self, name, row, counts=True):
        """As if it had never been: nothing but a digest tells, and the table's counter if that is
        left alone. Its page must hold other rows, too."""
        lower, = struct.unpack_from("<H", self.data, row.start + 12)
        place = row.start + HEADER + 2 * row.position
        end = row.start + lower
        if lower <= HEADER + 2:
            raise ValueError("the only row of its page")
        self.data[place : end - 2] = self.data[place + 2 : end]
        struct.pack_into("<H", self.data, row.start + 12, lower - 2)
        if counts:
            counter = self._record(name) + 32
            struct.pack_into("<Q", self.data, counter, self._word(counter) - 1)

    def write_value(self, row, value):
        """Another value of the same size."""
        node = self._node(row.start, row.position)
        at = node + NODE + len(row.key)
        if len(value) != len(row.value):
            raise ValueError("another size")
        self.data[at : at + len(value)] = value

    def rename(self, row, key):
        """Another key of the same size, between the same neighbours: what was there is lost."""
        at = self._node(row.start, row.position) + NODE
        if len(key) != len(row.key):
            raise ValueError("another size")
        self.data[at : at + len(key)] = key

    def _record(self, name):
        """Where a table's own record is."""
        for row in self._rows(self.names):
            if row.key == name.encode():
                return self._node(row.start, row.position) + NODE + len(row.key)
        raise KeyError(name)

    def _rows(self, number):
        if number == NOTHING:
            return
        start = number * PAGE
        flags, lower = struct.unpack_from("<HH", self.data, start + 10)
        for position in range((lower - HEADER) // 2):
            node = self._node(start, position)
            low, high, more, size = struct.unpack_from("<4H", self.data, node)
            if flags == BRANCH:
                yield from self._rows(low | high << 16 | more << 32)
                continue
            key = bytes(self.data[node + NODE : node + NODE + size])
            at, count = node + NODE + size, low | high << 16
            value = None if more & 1 else bytes(self.data[at : at + count])
            yield Row(start, position, key, value)

    def _node(self, start, position):
        offset, = struct.unpack_from("<H", self.data, start + HEADER + 2 * position)
        return start + offset

    def _word(self, at):
        return struct.unpack_from("<Q", self.data, at)[0]


def record_hash(key, record):
    """What a record is to the digest: key, header of 26 bytes, the last 16 bytes of each box."""
    names, = struct.unpack_from(">I", record, 14)
    end = 26 + names
    content = key + record[:26] + record[end - min(16, names) : end]
    content += record[len(record) - min(16, len(record) - end) :]
    return int.from_bytes(hashlib.sha256(content).digest(), "big")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def without(row, record):
    """A bucket's row of table `digest` that never had a record: format u8, suspect u8, count u64,
    sum 32, CRC-32C over the bucket's number and all before."""
    count, = struct.unpack_from(">Q", row.value, 2)
    total = int.from_bytes(row.value[10:42], "big") - record_hash(record.key, record.value)
    body = row.value[:2] + struct.pack(">Q", count - 1)
    body += (total % (1 << 256)).to_bytes(32, "big")
    return body + struct.pack(">I", crc32c(row.key + body))
