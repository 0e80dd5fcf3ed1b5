# SPDX-License-Identifier: Apache-2.0
#
# Failover: Redis' master dies while its replica lags by seconds, and three sentinels let the replica take over. Nobody
# may be admitted twice, the bound on entries must hold over the failover, and nobody may be overtaken or lose the
# place.
import json
import time

from stage.http_client import BROKEN, Client
from stage.processes import Background, Failed, redis_cli, until
from stage.product import Stage
from stage.witness import Load, Witness, summary

from .redis_drills import check
from .worker_drills import size


class Replicated(Stage):
    """The product with a master, a replica and three sentinels, of which two must agree."""

    redis_socket = None

    def start_store(self):
        self.ports = [str(self.port()) for _ in range(2)]
        self.nodes = [self.start_redis(f"redis-{port}", ("-p", port), "--repl-diskless-sync-delay", "0")
                      for port in self.ports]
        self.cli(1, "REPLICAOF", "127.0.0.1", self.ports[0])
        self.sentinels = [str(self.port()) for _ in range(3)]
        for port in self.sentinels:
            configuration = self.write(f"sentinel-{port}.conf", f"""port {port}
bind 127.0.0.1
dir {self.dir}
sentinel monitor main 127.0.0.1 {self.ports[0]} 2
sentinel down-after-milliseconds main 800
sentinel failover-timeout main 3000
""")
            self.start(f"sentinel-{port}", ["redis-server", configuration, "--sentinel"])
        until(15, self.sentinels_agree, "the sentinels know the replica and each other")
        addresses = ", ".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"{{sentinel: {{name: main, addresses: [{addresses}]}}}}"

    def sentinels_agree(self):
        if "master_link_status:up" not in self.cli(1, "INFO", "replication"):
            return False
        for port in self.sentinels:
            words = redis_cli(("-p", port), "SENTINEL", "MASTER", "main").splitlines()
            seen = dict(zip(words[::2], words[1::2]))
            if (seen.get("num-slaves"), seen.get("num-other-sentinels"), seen.get("flags")) != ("1", "2", "master"):
                return False
        return True

    def cli(self, node, *words):
        return redis_cli(("-p", self.ports[node]), *words)


class Entrants:
    """Visitors who enter room demo as soon as they may, and then ask for their pass again and again: it must be the
    same one each time. Keeps when each entry was asked for and when it was granted."""

    def __init__(self, stage, count):
        self.stage, self.entries, self.faults, self.repeated, self.asked = stage, [], [], 0, 0
        self.client = Client(stage.http_port)
        self.waiting, self.inside = [], {}
        for _ in range(count):
            began = time.monotonic()
            status, body = self.client.join("demo")
            if status not in (200, 202):
                raise Failed(f"join: {status} {body[:200]}")
            answer = json.loads(body)
            if status == 200:
                self.granted(answer["waiting_token"], answer["pass"], began)
            else:
                self.waiting.append(answer["waiting_token"])
        self.background = Background(stage, self.go).start()

    def granted(self, ticket, token, began):
        if ticket not in self.inside:
            self.entries.append((began, time.monotonic()))
            self.inside[ticket] = token
        elif self.inside[ticket] != token:
            self.faults.append("a visitor who was inside was admitted once more")
        else:
            self.repeated += 1

    def go(self):
        """The next in line, and some of those inside."""
        for ticket in self.waiting[:8]:
            if self.enter(ticket):
                self.waiting.remove(ticket)
        inside = list(self.inside)
        for _ in range(4):
            self.asked += 1
            self.enter(inside[self.asked % len(inside)])
        # The pace: about a thousand requests per second at most.
        time.sleep(0.01)

    def enter(self, ticket):
        began = time.monotonic()
        try:
            status, body = self.client.enter(ticket)
            answer = json.loads(body)
        except (*BROKEN, ValueError) as problem:
            self.faults.append(repr(problem))
            return False
        if status == 200:
            self.granted(ticket, answer["pass"], began)
            return True
        refusal = (status, answer["error"]["code"])
        if ticket in self.inside and refusal[1] != "STORE_UNAVAILABLE":
            self.faults.append(f"a visitor inside got {refusal}")
        elif refusal not in ((403, "NOT_READY"), (503, "STORE_UNAVAILABLE")):
            self.faults.append(str(refusal))
        return False

    def finish(self):
        """Ends the requests. Returns how much of the bound the fullest window has used."""
        self.background.stop()
        if self.faults:
            raise Failed(f"{len(self.faults)} faults: {sorted(set(self.faults))[:5]}")
        return fullest(self.entries, self.stage.rate, self.stage.burst)


def fullest(entries, rate, burst):
    """How much of the bound the fullest window has used; 1 is all of it. An entry happened at some time between its
    request and its answer, so a window counts as long as it can have been."""
    entries, most = sorted(entries, key=lambda entry: entry[1]), 0.0
    for last in range(len(entries)):
        began = entries[last][1]
        for first in range(last, -1, -1):
            began = min(began, entries[first][0])
            most = max(most, (last - first + 1) / (burst + rate * (entries[last][1] - began)))
    if most > 1:
        raise Failed(f"more entries than the bound allows: the fullest window has {most:.3f} of it")
    return most


def lag_behind(stage, entrants):
    """Cuts the replica off. Returns the number of entries that it does not know of."""
    stage.cli(1, "REPLICAOF", "127.0.0.1", "1")
    known, before = stage.cli(1, "HGET", "vq:{demo}:state", "entered"), len(entrants.entries)
    # The pace: the replica is behind by a second and a half at least.
    time.sleep(1.5)
    until(5, lambda: len(entrants.entries) - before >= 10, "ten entries that the replica does not know of")
    if stage.cli(1, "HGET", "vq:{demo}:state", "entered") != known:
        raise Failed("the replica does not lag")
    return len(entrants.entries) - before


def failover(is_short):
    """kill -9 of the master, with a replica that is behind by a second and more."""
    with Replicated(rate=20, burst=30) as stage:
        visitors, seconds = size(is_short)
        witness = Witness(stage).start()
        entrants = Entrants(stage, 150 if is_short else 600)
        load = Load(stage, visitors, max(seconds, 12), arrive=2, room="hold")
        # The pace: the load's visitors have joined.
        time.sleep(2)
        lag = lag_behind(stage, entrants)
        stage.nodes[0].kill()
        died, inside = time.monotonic(), len(entrants.entries)
        until(20, lambda: stage.cli(1, "ROLE").startswith("master"), "the replica takes over")
        took_over = time.monotonic() - died
        places = witness.until_settled(seconds=10)
        until(10, lambda: len(entrants.entries) > inside + 5, "entries go on")
        repeated = entrants.repeated
        until(10, lambda: entrants.repeated > repeated + len(entrants.inside), "all inside have asked again")
        report = load.report()
        witness.check()
        check(report)
        used = entrants.finish()
        return (f"{lag} entries unknown to the replica; it took over after {took_over:.1f} s, "
                f"places back {places:.2f} s later; {len(entrants.entries)} admitted once each, "
                f"{entrants.repeated} times the same pass again, fullest window {used:.3f} of the bound; "
                f"{summary(report, witness)}")


DRILLS = {"failover": failover}
