# SPDX-License-Identifier: Apache-2.0
#
# Drills with the workers and their supervisor: deaths, standstill, replacement.
import os
import shutil
import signal
import time

from stage import Client, Failed, Load, Stage, Witness, alive, kill, no_errors, until


def size(short):
    """Visitors, and seconds of load."""
    return (2000, 6) if short else (10_000, 60)


def summary(report, witness):
    latency = report["latency_us"]["all"]
    return (f"{report['requests']} requests, {report['error_count']} failed, {report['resent']} sent again; "
            f"p99 {latency['p99'] / 1000:.0f} ms, max {latency['max'] / 1000:.0f} ms; "
            f"{witness.polls} polls of {len(witness.tickets)} witnesses, {len(witness.failures)} failed, "
            f"slowest {witness.slowest:.2f} s")


def under_load(short, act, failures_max=0, rest=1, **options):
    """Load and witnesses, and `act` again and again in the middle, for 60 s or a moment: at most once a second, and
    with a rest after each. Nothing may fail, or only so many of the requests by a 503 of nginx's, which says when to
    come again."""
    visitors, seconds = size(short)
    seconds += 0 if short else 8
    stage = Stage(**options)
    try:
        witness = Witness(stage).start()
        load = Load(stage, visitors, seconds, arrive=2 if short else 5)
        time.sleep(1.5)
        rounds, tolerated, due = 0, 0, time.monotonic()
        ends = due + (3.5 if short else 59.9)
        while time.monotonic() < ends:
            act(stage)
            rounds += 1
            # A worker that dies soon after its start is started with a delay.
            due = max(due + (0.4 if short else 1), time.monotonic() + (0.3 if short else rest))
            time.sleep(max(0, due - time.monotonic()))
        report = load.report()
        for failure in [entry for entry in witness.failures if entry[0] == 503][:failures_max]:
            witness.failures.remove(failure)
            failures_max -= 1
            tolerated += 1
        witness.check()
        refused = sum(count for name, count in report["errors"].items() if "503 UNAVAILABLE" in name)
        no_errors(report, lambda name: refused <= failures_max and "503 UNAVAILABLE" in name)
        if tolerated + refused:
            rounds = f"{rounds} (503 for {tolerated + refused} requests)"
        return f"{rounds} times; {summary(report, witness)}"
    finally:
        stage.end()


def kill_worker(short):
    """Each worker in turn, kill -9."""
    def act(stage):
        for victim in stage.workers():
            kill(victim, signal.SIGKILL)
            stage.until_whole([victim])
            # Its successor has its mirror before the next one dies.
            time.sleep(0.5)
    return under_load(short, act)


def kill_all(short):
    """All workers at once, kill -9. Requests wait in the backlogs; nginx tries every kept connection to the dead that
    it has not noticed yet, at most one a server, before it gives up, so that in rare cases a visitor is told 503."""
    def act(stage):
        victims = stage.workers()
        for victim in victims:
            kill(victim, signal.SIGKILL)
        stage.until_whole(victims)
        # Whoever dies all the time is started with a growing delay.
        time.sleep(1 if short else 10)
    return under_load(short, act, failures_max=10)


def rolling_restart(short):
    """Every worker is replaced, one after the other."""
    def act(stage):
        before = stage.workers()
        kill(stage.supervisor, signal.SIGUSR1)
        stage.until_whole(before)
    return under_load(short, act)


def upgrade(short):
    """Another program in the supervisor's place; one that does not work is refused."""
    def act(stage):
        before, supervisor = stage.workers(), stage.supervisor
        running = os.stat(f"/proc/{supervisor}/exe").st_ino
        good = stage.path("good")
        shutil.copy(stage.program, good)
        shutil.copy("/bin/false", stage.path("bad"))
        os.replace(stage.path("bad"), stage.program)
        kill(supervisor, signal.SIGUSR2)
        until(5, lambda: stage.read("serve.log").count("upgrade refused") > act.refused, "the refusal")
        act.refused += 1
        if stage.workers() != before:
            raise Failed("a refused program changed the workers")
        os.replace(good, stage.program)
        kill(supervisor, signal.SIGUSR2)
        stage.until_whole(before, seconds=20)
        if stage.supervisor != supervisor or os.stat(f"/proc/{supervisor}/exe").st_ino == running:
            raise Failed("the program was not replaced in place")
    act.refused = 0
    return under_load(short, act)


def stuck_worker(short):
    """A worker whose loop stands still (SIGSTOP) is killed and replaced; nginx asks another one meanwhile."""
    stage = Stage()
    try:
        witness = Witness(stage).start()
        load = Load(stage, 1000, 14, arrive=2)
        time.sleep(1)
        victim = stage.workers()[0]
        kill(victim, signal.SIGSTOP)
        began = time.monotonic()
        stage.until_whole([victim], seconds=10)
        replaced = time.monotonic() - began
        report = load.report()
        witness.check()
        no_errors(report)
        return f"replaced after {replaced:.1f} s; {summary(report, witness)}"
    finally:
        stage.end()


def crash_loop(short):
    """Workers that cannot start: nobody hangs, the static page comes at once, and places are there afterwards."""
    stage = Stage()
    try:
        witness = Witness(stage, tickets=50)
        time.sleep(0.7)
        before = witness.places()
        good = stage.read("vestibule.yaml")
        stage.write("vestibule.yaml", "rooms: [\n")
        for victim in stage.workers():
            kill(victim, signal.SIGKILL)
        client, waits, began = Client(stage.port), [], time.monotonic()
        while time.monotonic() - began < (4 if short else 15):
            asked = time.monotonic()
            status, _ = client.status(witness.tickets[0])
            waits.append(time.monotonic() - asked)
            if status != 503:
                raise Failed(f"{status} without a worker")
        if max(waits) > 3 or sorted(waits)[len(waits) // 2] > 0.1:
            raise Failed(f"requests hung: {max(waits):.1f} s, median {sorted(waits)[len(waits) // 2]:.3f} s")
        stage.write("vestibule.yaml", good)
        stage.until_whole(seconds=10)
        after = witness.places()
        if after != before:
            raise Failed(f"places changed: {before[:5]} {after[:5]}")
        return f"{len(waits)} answers of 503, slowest {max(waits):.2f} s; {len(after)} places as before"
    finally:
        stage.end()


def supervisor_death(short):
    """kill -9 of the supervisor: its workers end in order and nothing is left; a new one serves the same places."""
    stage = Stage()
    try:
        witness = Witness(stage, tickets=50)
        time.sleep(0.7)
        before, workers = witness.places(), stage.workers()
        kill(stage.serve.pid, signal.SIGKILL)
        stage.serve.wait()
        until(10, lambda: not any(alive(pid) for pid in workers), "the end of its workers")
        began = time.monotonic()
        stage.serve = stage.start("serve", [stage.program, "serve", "--config", stage.path("vestibule.yaml")])
        until(10, lambda: stage.read("vestibule.pid").strip() == str(stage.serve.pid), "a new supervisor")
        stage.until_whole(workers)
        took = time.monotonic() - began
        if witness.places() != before:
            raise Failed("places changed")
        return f"serves again {took:.2f} s after its start; {len(before)} places as before"
    finally:
        stage.end()


DRILLS = {
    "kill-worker": kill_worker,
    "kill-all": kill_all,
    "rolling-restart": rolling_restart,
    "upgrade": upgrade,
    "stuck-worker": stuck_worker,
    "crash-loop": crash_loop,
    "supervisor-death": supervisor_death,
}
