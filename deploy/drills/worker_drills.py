# SPDX-License-Identifier: Apache-2.0
#
# Drills with the workers and their supervisor: death, standstill, replacement. No request may fail, but a few 503 of
# nginx when all workers die at once.
import os
import shutil
import signal
import time

from stage.http_client import Client
from stage.processes import Failed, alive, kill, kill_and_wait, pid_from, program_file, until
from stage.product import Stage
from stage.witness import Load, Witness, no_errors, summary


def size(is_short):
    """Visitors, and seconds of load."""
    return (2000, 6) if is_short else (10_000, 60)


def under_load(is_short, act, failures_max=0, rest=1, **options):
    """Repeats `act(stage)` for 60 s (short: 3.5 s) while visitors arrive, poll and enter: at most once per second, and
    with `rest` seconds after each. No request may fail, but `failures_max` of them with 503 from nginx."""
    visitors, seconds = size(is_short)
    with Stage(**options) as stage:
        witness = Witness(stage).start()
        load = Load(stage, visitors, seconds + (0 if is_short else 8), arrive=2 if is_short else 5)
        # The pace: part of the visitors have arrived when the first fault comes.
        time.sleep(1.5)
        rounds, due = 0, time.monotonic()
        ends = due + (3.5 if is_short else 59.9)
        while time.monotonic() < ends:
            act(stage)
            rounds += 1
            due = max(due + (0.4 if is_short else 1), time.monotonic() + (0.3 if is_short else rest))
            # The pace: a worker that dies soon after its start is started again with a delay.
            time.sleep(max(0, due - time.monotonic()))
        report = load.report()
        tolerated = tolerate(witness, report, failures_max)
        counts = f"{rounds} (503 for {tolerated} requests)" if tolerated else rounds
        return f"{counts} times; {summary(report, witness)}"


def tolerate(witness, report, failures_max):
    """Checks the results, with at most `failures_max` answers of 503. Returns how many there were."""
    witness.background.stop()
    refused_polls = [failure for failure in witness.failures if failure[0] == 503][:failures_max]
    for failure in refused_polls:
        witness.failures.remove(failure)
    witness.check()
    refused = sum(count for name, count in report["errors"].items() if "503 UNAVAILABLE" in name)
    is_within = refused + len(refused_polls) <= failures_max
    no_errors(report, lambda name: is_within and "503 UNAVAILABLE" in name)
    return refused + len(refused_polls)


def kill_worker(is_short):
    """Each worker in turn, kill -9."""
    def act(stage):
        for victim in stage.workers():
            kill(victim, signal.SIGKILL)
            stage.until_whole([victim])
            # The pace: a worker that dies soon after its start is started again with a delay.
            time.sleep(0.5)
    return under_load(is_short, act)


def kill_all(is_short):
    """All workers at once, kill -9. Requests wait in the backlogs. nginx tries the kept connections to dead workers
    that it has not noticed yet, at most one per server, and then gives up: in rare cases a visitor gets a 503."""
    def act(stage):
        victims = stage.workers()
        for victim in victims:
            kill(victim, signal.SIGKILL)
        stage.until_whole(victims)
        # The pace: a worker that dies soon after its start again and again is started with a growing delay.
        time.sleep(1 if is_short else 10)
    return under_load(is_short, act, failures_max=10)


def rolling_restart(is_short):
    """Every worker is replaced, one after the other."""
    def act(stage):
        before = stage.workers()
        kill(stage.supervisor, signal.SIGUSR1)
        stage.until_whole(before)
    return under_load(is_short, act)


def upgrade(is_short):
    """Another program takes the supervisor's place. A program that does not work is refused."""
    def act(stage):
        before, supervisor = stage.workers(), stage.supervisor
        running, refused = program_file(supervisor), stage.log_count("serve.log", "upgrade refused")
        good = shutil.copy(stage.program, stage.path("good"))
        os.replace(shutil.copy("/bin/false", stage.path("bad")), stage.program)
        kill(supervisor, signal.SIGUSR2)
        until(10, lambda: stage.log_count("serve.log", "upgrade refused") > refused, "the refusal")
        if stage.workers() != before:
            raise Failed("a refused program changed the workers")
        os.replace(good, stage.program)
        kill(supervisor, signal.SIGUSR2)
        stage.until_whole(before, seconds=20)
        if stage.supervisor != supervisor or program_file(supervisor) == running:
            raise Failed("the program was not replaced in place")
    return under_load(is_short, act)


def stuck_worker(is_short):
    """A worker whose loop stands still (SIGSTOP) is killed and replaced. nginx asks another worker meanwhile."""
    with Stage() as stage:
        witness = Witness(stage).start()
        load = Load(stage, 1000, 14, arrive=2)
        # The pace: half of the visitors have arrived.
        time.sleep(1)
        victim, began = stage.workers()[0], time.monotonic()
        kill(victim, signal.SIGSTOP)
        stage.until_whole([victim], seconds=10)
        replaced = time.monotonic() - began
        report = load.report()
        witness.check()
        no_errors(report)
        return f"replaced after {replaced:.1f} s; {summary(report, witness)}"


def crash_loop(is_short):
    """Workers that cannot start: no request hangs, the static page comes at once, and places are there afterwards."""
    with Stage() as stage:
        witness = Witness(stage, tickets=50)
        good = stage.read("vestibule.yaml")
        stage.write("vestibule.yaml", "rooms: [\n")
        kill_and_wait(*stage.workers())
        client, waits, began = Client(stage.http_port), [], time.monotonic()
        while time.monotonic() - began < (4 if is_short else 15):
            asked = time.monotonic()
            status, _ = client.status(witness.tickets[0])
            waits.append(time.monotonic() - asked)
            if status != 503:
                raise Failed(f"{status} without a worker")
        median = sorted(waits)[len(waits) // 2]
        if max(waits) > 3 or median > 0.1:
            raise Failed(f"requests hung: {max(waits):.1f} s, median {median:.3f} s")
        stage.write("vestibule.yaml", good)
        stage.until_whole(seconds=10)
        check_places(witness)
        return f"{len(waits)} answers of 503, slowest {max(waits):.2f} s; {len(witness.before)} places as before"


def supervisor_death(is_short):
    """kill -9 of the supervisor: its workers end and nothing is left. A new supervisor serves the same places."""
    with Stage() as stage:
        witness, workers = Witness(stage, tickets=50), stage.workers()
        stage.server.kill()
        stage.server.wait()
        until(10, lambda: not any(map(alive, workers)), "the end of its workers")
        began = time.monotonic()
        stage.serve()
        if pid_from(stage.path("vestibule.pid")) != stage.server.pid:
            raise Failed("the pid file names another process")
        stage.until_whole(workers)
        took = time.monotonic() - began
        check_places(witness)
        return f"serves again {took:.2f} s after its start; {len(witness.before)} places as before"


def check_places(witness):
    after = witness.places()
    if after != witness.before:
        raise Failed(f"places changed: {witness.before[:5]} {after[:5]}")


DRILLS = {
    "kill-worker": kill_worker,
    "kill-all": kill_all,
    "rolling-restart": rolling_restart,
    "upgrade": upgrade,
    "stuck-worker": stuck_worker,
    "crash-loop": crash_loop,
    "supervisor-death": supervisor_death,
}
