# SPDX-License-Identifier: Apache-2.0
#
# Drills with what is around the workers: nginx, keys, disk, clock, processor.
import glob
import os
import re
import signal
import subprocess
import sys
import time

from stage import Failed, alive, children, kill, processor_seconds, until
from worker_drills import under_load


def nginx_reload(short):
    """nginx reads its configuration again, once a second."""
    def act(stage):
        before = set(children(stage.nginx_pid))
        kill(stage.nginx_pid, signal.SIGHUP)
        until(5, lambda: set(children(stage.nginx_pid)) - before, "new nginx workers")
        time.sleep(0.7 if short else 0)
    return under_load(short, act, rest=0)


def nginx_upgrade(short):
    """nginx's binary is replaced: USR2, WINCH, QUIT."""
    def act(stage):
        old = int(stage.read("nginx.pid"))
        kill(old, signal.SIGUSR2)
        until(5, lambda: stage.read("nginx.pid").strip() not in ("", str(old)), "a new nginx")
        new = int(stage.read("nginx.pid"))
        until(5, lambda: len(children(new)) >= 2, "its workers")
        kill(old, signal.SIGWINCH)
        time.sleep(0.5)
        kill(old, signal.SIGQUIT)
        until(15, lambda: not alive(old) or not children(old), "the end of the old nginx")
        until(15, lambda: not alive(old), "the end of the old master")
        time.sleep(0.5)
    # In the foreground nginx ignores USR2: it takes it for the new binary's, whose parent is still there.
    return under_load(short, act, nginx_daemon=True)


def key_rotation(short):
    """Keys are added and rotated, with a reload of workers and nginx after each step."""
    def step(stage, *words):
        stage.command("keys", *words, "--keys", stage.path("keys.json"))
        before = len(re.findall("configuration read again", stage.read("worker-0.log")))
        kill(stage.supervisor, signal.SIGHUP)
        until(5, lambda: len(re.findall("configuration read again", stage.read("worker-0.log"))) > before, "a reload")
        old = set(children(stage.nginx_pid))
        kill(stage.nginx_pid, signal.SIGHUP)
        until(5, lambda: set(children(stage.nginx_pid)) - old, "new nginx workers")
        time.sleep(0.3)

    def act(stage):
        act.keys += 1
        # A file holds eight; from then on the keys take turns. None is retired: tickets of each are still held.
        if act.keys <= 8:
            step(stage, "add")
            step(stage, "rotate")
        else:
            step(stage, "rotate", "--kid", f"k{act.keys % 8 + 1}")
    act.keys = 1
    return under_load(short, act)


def full_disk(short):
    """Every log is on a full disk (/dev/full answers each write with ENOSPC)."""
    def act(stage):
        # What is written now cannot be: a death, its log lines, and those of the successor.
        victim = stage.workers()[0]
        kill(victim, signal.SIGKILL)
        stage.until_whole([victim])
        time.sleep(0.7)
    return under_load(short, act, log_to="/dev/full")


def clock_step(short):
    """The workers' and the supervisor's wall clock jumps forward and back by 30 s (libfaketime)."""
    step_file = f"/tmp/vst-drill-clock-{os.getpid()}"

    def act(stage):
        for offset in ("+30", "-30", "+0"):
            with open(step_file, "w") as f:
                f.write(offset)
            before = time.time()
            log = stage.read("worker-0.log").count("configuration read again")
            kill(stage.supervisor, signal.SIGHUP)
            until(5, lambda: stage.read("worker-0.log").count("configuration read again") > log, "a log line")
            line = stage.read("worker-0.log").splitlines()[-1]
            act.seen.add(line.split('"time":"')[1][14:19] != time.strftime("%M:%S", time.gmtime(before)))
            time.sleep(0.4)
    act.seen = set()
    with open(step_file, "w") as f:
        f.write("+0")
    # The wrapper, not LD_PRELOAD by hand: then the library sets no variable of its own, which would move the
    # environment and hide the arguments from the Swift runtime. The file, since a variable cannot change.
    prefix = ["faketime", "--exclude-monotonic", "-f", "+0", "env", "-u", "FAKETIME",
              f"FAKETIME_TIMESTAMP_FILE={step_file}", "FAKETIME_NO_CACHE=1"]
    shared = set(glob.glob("/dev/shm/*faketime*"))
    try:
        figures = under_load(short, act, prefix=prefix)
        if True not in act.seen:
            raise Failed("the clock did not step: the drill has shown nothing")
        return figures
    finally:
        os.unlink(step_file)
        for left in set(glob.glob("/dev/shm/*faketime*")) - shared:
            # Named after its process; another's may be in use.
            pid = re.search(r"(\d+)$", left)
            if pid and not alive(int(pid.group(1))):
                os.unlink(left)


def starvation(short):
    """Busy loops on every core, two a core, at the priority of the workers."""
    hogs = []

    def act(stage):
        if not hogs:
            for core in sorted(os.sched_getaffinity(0)):
                for _ in range(2):
                    hogs.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
                    os.sched_setaffinity(hogs[-1].pid, {core})
        act.spent = sum(processor_seconds(hog.pid) for hog in hogs)
        if stage.workers() != act.before.setdefault(stage.dir, stage.workers()):
            raise Failed("a worker that had to wait for a core was taken for a stuck one")
        time.sleep(1)
    act.before, act.spent = {}, 0
    try:
        figures = under_load(short, act)
        if act.spent < 1:
            raise Failed("the busy loops did not compute: the drill has shown nothing")
        return f"{figures}; {len(hogs)} busy loops took {act.spent:.1f} s of the cores"
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


DRILLS = {
    "nginx-reload": nginx_reload,
    "nginx-upgrade": nginx_upgrade,
    "key-rotation": key_rotation,
    "full-disk": full_disk,
    "clock-step": clock_step,
    "starvation": starvation,
}
