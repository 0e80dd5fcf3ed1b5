# SPDX-License-Identifier: Apache-2.0
#
# Drills with Redis: away, slow to answer, empty, older than it was. Joins and enters may be told 503 meanwhile, with
# Retry-After; nobody may lose a place, and a pass keeps working.
import signal
import time

from stage import Client, Failed, Load, Stage, Witness, kill, no_errors, until
from worker_drills import size, summary


def is_away(name):
    """Joins, enters and leaves need Redis, and so does whoever is not in the mirror (called, or entered)."""
    return "503 STORE_UNAVAILABLE" in name


def check(report, after_loss=False):
    if after_loss:
        # Who was called is only in Redis: they are put back by their number and called again, after others of their
        # group have entered.
        report = report | {"order": report["order"] | {"violations": 0}}
    no_errors(report, is_away)


def settled(witness, seconds=2):
    """Until every witness has the place from before; how long it took."""
    began = time.monotonic()
    until(seconds, lambda: quietly(witness.places) == witness.before, "the old places")
    return time.monotonic() - began


def quietly(action):
    try:
        return action()
    except Failed:
        return None


def loss(short, fault, rounds, spare=0, redis=()):
    """Redis loses what it knew, some times over, while people wait: `fault(stage)` makes it so."""
    stage = Stage(redis=redis)
    try:
        visitors, seconds = size(short)
        witness = Witness(stage).start()
        load = Load(stage, visitors, seconds + spare, arrive=2)
        took = []
        for _ in range(rounds):
            fault(stage)
            took.append(settled(witness))
        report = load.report()
        witness.check()
        check(report, after_loss=True)
        return f"{len(took)} times; places back within {max(took):.2f} s; {summary(report, witness)}"
    finally:
        stage.end()


def restart(stage):
    """kill -9 of Redis after two seconds, and a new start a second later."""
    time.sleep(2)
    kill(stage.redis.pid, signal.SIGKILL)
    stage.redis.wait()
    time.sleep(1)
    stage.start_redis()


def flush(stage):
    time.sleep(1.5)
    stage.redis_cli("FLUSHALL")
    stage.redis_cli("SCRIPT", "FLUSH")


def redis_kill(short):
    """kill -9 of a Redis with AOF everysec, whose file may lack the last second."""
    return loss(short, restart, 1 if short else 5, spare=2, redis=("--appendonly", "yes", "--appendfsync", "everysec"))


def redis_empty(short):
    """kill -9 of Redis without persistence: it comes back empty and is filled from the mirrors."""
    return loss(short, restart, 1, spare=2)


def flushall(short):
    """FLUSHALL and SCRIPT FLUSH."""
    return loss(short, flush, 2 if short else 10)


def away(short, seconds, leave, back):
    """Redis does not answer for a while: polls do, with degraded true; passes work; nobody loses a place."""
    stage = Stage()
    try:
        witness = Witness(stage).start()
        load = Load(stage, 2000 if short else 10_000, seconds + 5, arrive=2)
        client = Client(stage.port)
        time.sleep(2)
        leave(stage)
        began, served, joins = time.monotonic(), 0, {}
        while time.monotonic() - began < seconds:
            status, body = client.send("GET", "/held", headers=[f"Cookie: vestibule-pass-hold={witness.passes[0]}"])
            if status != 200 or b"backend" not in body:
                raise Failed(f"a pass did not work: {status} {body[:100]}")
            served += 1
            if client.send("GET", "/readyz")[0] != 200:
                raise Failed("readyz says no")
            status, _ = client.join("hold")
            joins[status] = joins.get(status, 0) + 1
            if status not in (202, 503):
                raise Failed(f"join: {status}")
            time.sleep(0.2)
        degraded = witness.degraded
        if degraded == 0:
            raise Failed("no answer said degraded")
        back(stage)
        took = settled(witness)
        report = load.report()
        witness.check()
        check(report, after_loss=True)
        return (f"{seconds} s; {degraded} answers were degraded, {served} requests with a pass served, joins {joins}; "
                f"places back within {took:.2f} s; {summary(report, witness)}")
    finally:
        stage.end()


def redis_paused(short):
    """SIGSTOP: connections stay, answers do not come."""
    return away(short, 3 if short else 10, lambda stage: kill(stage.redis.pid, signal.SIGSTOP),
                lambda stage: kill(stage.redis.pid, signal.SIGCONT))


def redis_away(short):
    """Killed, and back (empty) much later."""
    def leave(stage):
        kill(stage.redis.pid, signal.SIGKILL)
        stage.redis.wait()
    return away(short, 4 if short else 60, leave, lambda stage: stage.start_redis())


DRILLS = {
    "redis-kill": redis_kill,
    "redis-empty": redis_empty,
    "flushall": flushall,
    "redis-paused": redis_paused,
    "redis-away": redis_away,
}
