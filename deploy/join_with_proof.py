#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Joins a room as a client of the API does, with a proof of work where one is asked for:
#     join_with_proof.py http://127.0.0.1:8080 demo KEY      (an Idempotency-Key of 16 to 128 characters)
# prints the answer. Tests/Program/IntegrationTests/JoinProofTests.swift runs it.
import hashlib, itertools, json, sys, urllib.error, urllib.request


def solve(challenge, bits):
    start = hashlib.sha256((challenge + ":").encode())
    for nonce in map(str, itertools.count()):
        attempt = start.copy()
        attempt.update(nonce.encode())
        if int.from_bytes(attempt.digest(), "big") >> (256 - bits) == 0:
            return nonce


def join(site, room, key, proof=None, rounds=5):
    body = json.dumps({"event_id": room, "proof": proof}).encode()
    request = urllib.request.Request(site + "/api/v1/queue/join", body, {"Idempotency-Key": key})
    try:
        return json.load(urllib.request.urlopen(request, timeout=10))
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        if "challenge" not in error or rounds == 0:
            raise SystemExit(f"{refusal.code} {error['code']}: {error['message']}")
    challenge, bits = error["challenge"], error["bits"]
    return join(site, room, key, {"challenge": challenge, "nonce": solve(challenge, bits)}, rounds - 1)


if __name__ == "__main__":
    print(json.dumps(join(*sys.argv[1:4])))
