# SPDX-License-Identifier: Apache-2.0
#
# Drills with what is around the workers: nginx, keys, disk, clock, processor. No request may fail.
import calendar
import glob
import json
import os
import re
import signal
import sys
import time

from stage.processes import Failed, alive, kill, kill_and_wait, log_lines, processor_seconds

from .worker_drills import under_load

RELOADED = "configuration read again"


def nginx_reload(is_short):
    """nginx reads its configuration again, once per second."""
    def act(stage):
        stage.nginx.reload()
        # The pace: the first visitors meet the new nginx workers.
        time.sleep(0.7 if is_short else 0)
    return under_load(is_short, act, rest=0)


def nginx_upgrade(is_short):
    """nginx's program is replaced: USR2, WINCH, QUIT."""
    def act(stage):
        stage.nginx.upgrade()
        # The pace: the first visitors meet the new nginx.
        time.sleep(0.5)
    return under_load(is_short, act, nginx_daemon=True)


def key_rotation(is_short):
    """Keys are added and rotated, with a reload of workers and nginx after each step."""
    def step(stage, *words):
        stage.command("keys", *words, "--keys", stage.path("keys.json"))
        # Every worker must know a key before one of them signs with it.
        stage.signal_all_logs(lambda: kill(stage.supervisor, signal.SIGHUP), RELOADED)
        stage.nginx.reload()
        # The pace: some tickets and passes are made with each key.
        time.sleep(0.3)

    def act(stage):
        act.keys += 1
        # A file holds eight keys; from then on they take turns. None is retired: tickets of each are still held.
        if act.keys <= 8:
            step(stage, "add")
            step(stage, "rotate")
        else:
            step(stage, "rotate", "--kid", f"k{act.keys % 8 + 1}")
    act.keys = 1
    return under_load(is_short, act)


def full_disk(is_short):
    """Every log is on a full disk (/dev/full answers each write with ENOSPC)."""
    def act(stage):
        # These would be logged: a death, and what its successor says.
        victim = stage.workers()[0]
        kill_and_wait(victim)
        stage.until_whole([victim])
        # The pace: a worker that dies soon after its start is started again with a delay.
        time.sleep(0.7)
    return under_load(is_short, act, log_to="/dev/full")


def clock_step(is_short):
    """The workers' and the supervisor's wall clock jumps forward and back by 30 s (libfaketime)."""
    def act(stage):
        for offset in ("+30", "-30", "+0"):
            stage.step_clock(offset)
            stage.signal_all_logs(lambda: kill(stage.supervisor, signal.SIGHUP), RELOADED)
            line = [line for line in log_lines(stage.path("worker-0.log")) if RELOADED in line][-1]
            logged = calendar.timegm(time.strptime(json.loads(line)["time"][:19], "%Y-%m-%dT%H:%M:%S"))
            # A reload takes less than 10 s.
            if abs(logged - time.time() - int(offset)) > 15:
                raise Failed(f"the clock did not step by {offset} s: {line}")
            # The pace: two ticks with this clock.
            time.sleep(0.4)
    shared = set(glob.glob("/dev/shm/*faketime*"))
    try:
        return under_load(is_short, act, has_clock=True)
    finally:
        for left in set(glob.glob("/dev/shm/*faketime*")) - shared:
            # Named after its process. Another process's may be in use.
            pid = re.search(r"(\d+)$", left)
            if pid and not alive(int(pid.group(1))):
                os.unlink(left)


def starvation(is_short):
    """Busy loops on every core, two per core, at the priority of the workers."""
    hogs, before = [], []

    def act(stage):
        if not hogs:
            before.extend(stage.workers())
            for core in sorted(os.sched_getaffinity(0)) * 2:
                hogs.append(stage.start("hog", [sys.executable, "-c", "while True: pass"]))
                os.sched_setaffinity(hogs[-1].pid, {core})
        act.spent = sum(processor_seconds(hog.pid) for hog in hogs)
        if stage.workers() != before:
            raise Failed("a worker that had to wait for a core was taken for a stuck one")
        # The pace: the loops compute.
        time.sleep(1)
    figures = under_load(is_short, act)
    if act.spent < 1:
        raise Failed("the busy loops did not compute: the drill has shown nothing")
    return f"{figures}; {len(hogs)} busy loops took {act.spent:.1f} s of the cores"


DRILLS = {
    "nginx-reload": nginx_reload,
    "nginx-upgrade": nginx_upgrade,
    "key-rotation": key_rotation,
    "full-disk": full_disk,
    "clock-step": clock_step,
    "starvation": starvation,
}
