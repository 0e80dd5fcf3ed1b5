# SPDX-License-Identifier: Apache-2.0
#
# Failover: Redis' master dies while its replica lags behind by seconds, and three sentinels let the replica take over.
# Nobody may be admitted twice, the bound on entries must hold over the failover, and nobody may be overtaken or lose
# the place.
import json
import os
import signal
import subprocess
import threading
import time

from redis_drills import check, settled
from stage import Client, Failed, Load, Stage, Witness, free_port, kill, until
from worker_drills import size, summary


class Replicated(Stage):
    """The product with a master, a replica and three sentinels that agree by two."""

    def start_redis(self):
        self.ports = [free_port(), free_port()]
        self.nodes = [self.start_server(port) for port in self.ports]
        self.cli(1, "REPLICAOF", "127.0.0.1", str(self.ports[0]))
        self.sentinels = [free_port() for _ in range(3)]
        for port in self.sentinels:
            self.write(f"sentinel-{port}.conf", f"""port {port}
bind 127.0.0.1
dir {self.dir}
sentinel monitor main 127.0.0.1 {self.ports[0]} 2
sentinel down-after-milliseconds main 800
sentinel failover-timeout main 3000
""")
            self.start("sentinel", ["redis-server", self.path(f"sentinel-{port}.conf"), "--sentinel"])
        addresses = ", ".join(f"127.0.0.1:{port}" for port in self.sentinels)
        place = f"redis: {{sentinel: {{name: main, addresses: [{addresses}]}}}}"
        lines = self.read("vestibule.yaml").splitlines()
        self.write("vestibule.yaml", "\n".join(place if line.startswith("redis:") else line for line in lines) + "\n")
        until(15, self.sentinels_agree, "the sentinels know the replica and each other")

    def start_server(self, port):
        process = self.start(f"redis-{port}", [
            "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", self.dir, "--save", "",
            "--repl-diskless-sync-delay", "0"])
        until(10, lambda: self.ask(port, "PING") == "PONG", "redis")
        return process

    def sentinels_agree(self):
        if "master_link_status:up" not in self.cli(1, "INFO", "replication"):
            return False
        for port in self.sentinels:
            words = self.ask(port, "SENTINEL", "MASTER", "main").splitlines()
            seen = dict(zip(words[::2], words[1::2]))
            if (seen.get("num-slaves"), seen.get("num-other-sentinels"), seen.get("flags")) != ("1", "2", "master"):
                return False
        return True

    def ask(self, port, *words):
        return subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True,
                              timeout=60).stdout.strip()

    def cli(self, node, *words):
        return self.ask(self.ports[node], *words)


class Crowd:
    """People who enter room demo as soon as they may, and from then on ask for their pass again and again: it must be
    the same one each time. Keeps when each entry was asked for and when it was granted."""

    def __init__(self, stage, people):
        self.stage, self.entries, self.faults, self.repeated, self.refused = stage, [], [], 0, 0
        client = Client(stage.port)
        self.waiting, self.inside = [], {}
        for _ in range(people):
            began = time.monotonic()
            status, body = client.join("demo")
            answer = json.loads(body)
            if status == 200:
                self.granted(answer["waiting_token"], answer["pass"], began)
            elif status == 202:
                self.waiting.append(answer["waiting_token"])
            else:
                raise Failed(f"join: {status} {body[:200]}")
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.go, daemon=True)
        self.thread.start()

    def granted(self, ticket, token, began):
        if ticket not in self.inside:
            self.entries.append((began, time.monotonic()))
            self.inside[ticket] = token
        elif self.inside[ticket] != token:
            self.faults.append("somebody who was inside was admitted once more")
        else:
            self.repeated += 1

    def go(self):
        client, asked = Client(self.stage.port), 0
        while not self.stopping.is_set():
            # The next in line, and one of those inside.
            for ticket in self.waiting[:8]:
                if self.enter(client, ticket):
                    self.waiting.remove(ticket)
            inside = list(self.inside)
            for _ in range(4):
                asked += 1
                self.enter(client, inside[asked % len(inside)])
            time.sleep(0.01)

    def enter(self, client, ticket):
        began = time.monotonic()
        try:
            status, body = client.send("POST", "/api/v1/queue/enter", json.dumps({"waiting_token": ticket}))
            answer = json.loads(body)
        except (OSError, EOFError, ValueError) as problem:
            self.faults.append(repr(problem))
            return False
        if status == 200:
            self.granted(ticket, answer["pass"], began)
            return True
        code = answer["error"]["code"]
        if ticket in self.inside and code not in ("STORE_UNAVAILABLE",):
            self.faults.append(f"somebody inside was told {status} {code}")
        elif (status, code) not in ((403, "NOT_READY"), (503, "STORE_UNAVAILABLE")):
            self.faults.append(f"{status} {code}")
        self.refused += 1
        return False

    def finish(self):
        self.stopping.set()
        self.thread.join(15)
        if self.faults:
            raise Failed(f"{len(self.faults)} faults: {sorted(set(self.faults))[:5]}")
        return fullest(self.entries, self.stage.rate, self.stage.burst)


def fullest(entries, rate, burst):
    """How much of the bound the fullest window has used, 1 being all. An entry happened at some time between the
    question and the answer, so a window is as long as it can have been."""
    entries, most = sorted(entries, key=lambda entry: entry[1]), 0.0
    for last in range(len(entries)):
        began = entries[last][1]
        for first in range(last, -1, -1):
            began = min(began, entries[first][0])
            most = max(most, (last - first + 1) / (burst + rate * (entries[last][1] - began)))
    if most > 1:
        raise Failed(f"more entries than the bound allows: the fullest window has {most:.3f} of it")
    return most


def failover(short):
    """kill -9 of the master, with a replica that is behind by a second and more."""
    stage = Replicated(rate=20, burst=30)
    try:
        visitors, seconds = size(short)
        witness = Witness(stage).start()
        crowd = Crowd(stage, 150 if short else 600)
        load = Load(stage, visitors, max(seconds, 12), arrive=2, room="hold")
        time.sleep(2)
        # The replica hears nothing more from here on.
        stage.cli(1, "REPLICAOF", "127.0.0.1", "1")
        known, before = stage.cli(1, "HGET", "vq:{demo}:state", "entered"), len(crowd.entries)
        time.sleep(1.5)
        lag = len(crowd.entries) - before
        if lag < 10 or stage.cli(1, "HGET", "vq:{demo}:state", "entered") != known:
            raise Failed(f"the replica does not lag: {lag} entries")
        kill(stage.nodes[0].pid, signal.SIGKILL)
        died, inside = time.monotonic(), len(crowd.entries)
        until(20, lambda: stage.cli(1, "ROLE").startswith("master"), "the replica takes over")
        took_over = time.monotonic() - died
        places = settled(witness, seconds=10)
        until(10, lambda: len(crowd.entries) > inside + 5, "entries go on")
        repeated = crowd.repeated
        until(10, lambda: crowd.repeated > repeated + len(crowd.inside), "all inside have asked again")
        report = load.report()
        witness.check()
        check(report, after_loss=True)
        used = crowd.finish()
        return (f"{lag} entries unknown to the replica; it took over after {took_over:.1f} s, places back {places:.2f} s "
                f"later; {len(crowd.entries)} admitted once each, {crowd.repeated} times the same pass again, fullest "
                f"window {used:.3f} of the bound; {summary(report, witness)}")
    finally:
        stage.end()


DRILLS = {"failover": failover}
