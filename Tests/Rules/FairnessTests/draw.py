#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Computes a draw of places again from its record (GET .../draw?event_id=ROOM), independently of the program.
#
#     draw.py RECORD [NUMBER]     prints the digest of the order, and the place of a registered number
import hashlib
import json
import struct
import sys

record = json.load(open(sys.argv[1]))
fields = ["event_id", "generation", "opens_at_ms", "first", "registered", "commitment", "seed", "source", "beacon"]
text = "vestibule draw 1\n" + "".join(f"{record[name]}\n" for name in fields)
assert hashlib.sha256(record["seed"].encode()).hexdigest() == record["commitment"], "the seed was exchanged"
key = hashlib.sha256(text.encode()).digest()


def words():
    counter = 0
    while True:
        yield from struct.unpack(">8I", hashlib.sha256(key + struct.pack(">Q", counter)).digest())
        counter += 1


places, word = list(range(record["registered"])), words()
for last in range(len(places) - 1, 0, -1):
    limit = 2**32 - 2**32 % (last + 1)
    other = next(w for w in word if w < limit) % (last + 1)
    places[last], places[other] = places[other], places[last]
digest = hashlib.sha256(struct.pack(f">{len(places)}I", *places)).hexdigest()
assert digest == record.get("digest", digest), "the record was altered"
print(digest)
if len(sys.argv) > 2:
    print(places[int(sys.argv[2]) - record["first"]] + 1)
