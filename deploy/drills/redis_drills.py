# SPDX-License-Identifier: Apache-2.0
#
# Drills with Redis: away, slow to answer, empty, older than it was. Joins and enters may get 503 with Retry-After
# meanwhile. Nobody may lose a place, and a pass keeps working.
import signal
import time

from stage.http_client import Client
from stage.processes import Failed, until
from stage.product import Stage
from stage.witness import Load, Witness, no_errors, summary

from .worker_drills import size


def check(report):
    """Nothing may fail but what needs Redis: joins, enters, leaves, and polls of visitors who are not in the mirror
    because they were called or have entered. A loss also loses who was called: these visitors get their numbers back
    and are called again, after others of their group have entered, so the order of entries is not checked."""
    unordered = report | {"order": report["order"] | {"violations": 0}}
    no_errors(unordered, lambda name: "503 STORE_UNAVAILABLE" in name)


def loss(is_short, fault, rounds, spare=0, redis=()):
    """Redis loses what it knew, `rounds` times, while people wait: `fault(stage)` makes it so."""
    with Stage(redis=redis) as stage:
        visitors, seconds = size(is_short)
        witness = Witness(stage).start()
        load = Load(stage, visitors, seconds + spare, arrive=2)
        took = []
        for _ in range(rounds):
            fault(stage)
            took.append(witness.until_settled())
        report = load.report()
        witness.check()
        check(report)
        return f"{len(took)} times; places back within {max(took):.2f} s; {summary(report, witness)}"


def leave(stage):
    """kill -9 of Redis."""
    stage.redis.kill()
    stage.redis.wait()


def restart(stage):
    # The pace: two seconds of load.
    time.sleep(2)
    leave(stage)
    # The pace: one second without Redis.
    time.sleep(1)
    stage.start_own_redis()


def flush(stage):
    # The pace: what was restored works for a while before the next loss.
    time.sleep(1.5)
    stage.redis_cli("FLUSHALL")
    stage.redis_cli("SCRIPT", "FLUSH")


def redis_kill(is_short):
    """kill -9 of a Redis with AOF everysec, whose file may lack the last second."""
    return loss(is_short, restart, 1 if is_short else 5, spare=2,
                redis=("--appendonly", "yes", "--appendfsync", "everysec"))


def redis_empty(is_short):
    """kill -9 of Redis without persistence: it comes back empty and is filled from the mirrors."""
    return loss(is_short, restart, 1, spare=2)


def flushall(is_short):
    """FLUSHALL and SCRIPT FLUSH."""
    return loss(is_short, flush, 2 if is_short else 10)


def away(is_short, seconds, leave, back):
    """Redis does not answer for a while: polls are answered with `degraded: true`, passes work, no place is lost."""
    with Stage() as stage:
        witness = Witness(stage).start()
        load = Load(stage, 2000 if is_short else 10_000, seconds + 5, arrive=2)
        # The pace: most visitors have arrived.
        time.sleep(2)
        leave(stage)
        served, joins = meanwhile(stage, witness, seconds)
        until(5, lambda: witness.degraded, "an answer with degraded")
        degraded = witness.degraded
        back(stage)
        took = witness.until_settled()
        report = load.report()
        witness.check()
        check(report)
        return (f"{seconds} s; {degraded} answers were degraded, {served} requests with a pass served, joins {joins}; "
                f"places back within {took:.2f} s; {summary(report, witness)}")


def meanwhile(stage, witness, seconds):
    """Uses a pass and joins for some seconds. Returns how many requests were served, and the joins by status."""
    client, began, served, joins = Client(stage.http_port), time.monotonic(), 0, {}
    while time.monotonic() - began < seconds:
        status, body = client.send("GET", "/held", headers={"Cookie": f"vestibule-pass-hold={witness.passes[0]}"})
        if status != 200 or b"backend" not in body:
            raise Failed(f"a pass did not work: {status} {body[:100]}")
        served += 1
        if client.send("GET", "/_vestibule/readyz")[0] != 200:
            raise Failed("readyz says no")
        status, _ = client.join("hold")
        joins[status] = joins.get(status, 0) + 1
        if status not in (202, 503):
            raise Failed(f"join: {status}")
        # The pace: five rounds per second at most.
        time.sleep(0.2)
    return served, joins


def redis_paused(is_short):
    """SIGSTOP: connections stay, answers do not come."""
    return away(is_short, 3 if is_short else 10, lambda stage: stage.redis.send_signal(signal.SIGSTOP),
                lambda stage: stage.redis.send_signal(signal.SIGCONT))


def redis_away(is_short):
    """Killed, and back (empty) much later."""
    return away(is_short, 4 if is_short else 60, leave, lambda stage: stage.start_own_redis())


DRILLS = {
    "redis-kill": redis_kill,
    "redis-empty": redis_empty,
    "flushall": flushall,
    "redis-paused": redis_paused,
    "redis-away": redis_away,
}
