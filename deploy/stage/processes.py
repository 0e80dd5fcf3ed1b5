# SPDX-License-Identifier: Apache-2.0
#
# Programs that a drill or benchmark starts, the files and /proc entries that they change meanwhile, and their end.
# Invariants: a pid is returned only of a process that lives; a line of a log only when it is complete; a port stays
# reserved until the end; nothing that was started, or was started by it, outlives end().
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

END_SECONDS = 20  # the supervisor gives its workers 8 s, Redis may write its file; a loaded machine takes longer


class Failed(Exception):
    """A drill has found something wrong."""


def until(seconds, condition, what):
    """Waits until `condition()` is true and returns its value. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def read_text(path):
    """The file as it is at this moment, "" when it is not there."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def log_lines(path):
    """The complete lines of a log: the last one may still be being written."""
    return read_text(path).split("\n")[:-1]


def replace_file(path, text):
    """Writes a file so that a reader sees either the old or the new content."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def pid_from(path, seconds=10, other_than=None):
    """The living process that a pid file names. Waits while the file is missing, empty or half written, still names
    the process `other_than`, or names a process that has ended."""
    def named():
        text = read_text(path)
        if not text.endswith("\n"):
            return None
        pid = int(text)
        return pid if pid != other_than and alive(pid) else None
    return until(seconds, named, f"a living process in {path}")


def process_fields(pid):
    """The fields of /proc/PID/stat from the state on, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    fields = process_fields(pid)
    return fields is not None and fields[0] not in "ZX"


def processor_seconds(pid):
    """The processor time that a process has used, in seconds; 0 when it is gone."""
    fields = process_fields(pid)
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0


def program_file(pid):
    """Identifies the file of the program that a process runs."""
    return os.stat(f"/proc/{pid}/exe").st_ino


def children(pid):
    """The child processes, oldest first. While one ends, the kernel may leave another one out of its list, and a
    thread may end while its list is read: two readings must agree."""
    readings = [None]
    while len(readings) < 100:
        try:
            readings.append(children_now(pid))
        except (FileNotFoundError, ProcessLookupError):
            if not alive(pid):
                return []
        else:
            if readings[-1] == readings[-2]:
                return readings[-1]
    raise Failed(f"the children of {pid} change all the time")


def children_now(pid):
    found = []
    for thread in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            found += map(int, file.read().split())
    return found


def command_line(pid):
    """The words of a process's command line; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill(pid, number):
    """Signals a process that must still be there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        raise Failed(f"process {pid} ended by itself before the drill sent it signal {number}") from None


def kill_and_wait(*pids):
    """kill -9, and the end of all of them."""
    for pid in pids:
        kill(pid, signal.SIGKILL)
    until(10, lambda: not any(map(alive, pids)), f"the end of {pids}")


def connects(path):
    """Whether a unix socket takes connections."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(path)
            return True
    except OSError:
        return False


class Processes:
    """Programs in a temporary directory. Used as a context manager: at its end all of them are ended, their own
    children as well, and the directory is removed."""

    def __init__(self, prefix):
        # Orphans of what we start become our children (PR_SET_CHILD_SUBREAPER), so that end() finds them too.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        self.started, self.reserved, self.beside = [], [], []
        self.strangers = set(children(os.getpid()))
        # Short, because the path of a unix socket has at most 107 bytes.
        self.dir = tempfile.mkdtemp(prefix=prefix, dir="/tmp")

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        return read_text(self.path(name))

    def write(self, name, text):
        replace_file(self.path(name), text)
        return self.path(name)

    def log_count(self, name, words):
        """How many complete lines of a log have these words."""
        return sum(words in line for line in log_lines(self.path(name)))

    def port(self):
        """A TCP port of 127.0.0.1 that nobody else is given until the end. It stays bound here without listening: with
        SO_REUSEADDR on both sides (nginx, Redis and vestibule set it) one other socket can listen on it."""
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        self.reserved.append(holder)
        return holder.getsockname()[1]

    def start(self, name, command, log=None):
        """Starts a program whose output goes to NAME.log, or to the file `log`."""
        with open(log or self.path(f"{name}.log"), "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir)
        process.log = out.name
        self.started.append(process)
        return process

    def until_serves(self, process, seconds, condition, what):
        """Waits until `condition()`; fails at once when the process has ended, with the end of its log."""
        def serves():
            if process.poll() is not None:
                raise Failed(f"{what}: ended with {process.returncode}: {log_lines(process.log)[-5:]}")
            return condition()
        return until(seconds, serves, what)

    def start_redis(self, name, address, *options):
        """Starts a Redis that answers. `address` is how redis-cli is led to it: ("-s", socket) or ("-p", port)."""
        kind, place = address
        listen = ["--port", "0", "--unixsocket", place] if kind == "-s" else ["--port", place, "--bind", "127.0.0.1"]
        process = self.start(name, ["redis-server", *listen, "--dir", self.dir, "--save", "", *options])
        self.until_serves(process, 10, lambda: redis_cli(address, "PING") == "PONG", name)
        return process

    def left(self):
        """Our child processes that have not ended; those that have are reaped."""
        own = {process.pid: process for process in self.started}

        def runs(pid):
            return own[pid].poll() is None if pid in own else os.waitpid(pid, os.WNOHANG)[0] == 0
        return {pid for pid in children(os.getpid()) if pid not in self.strangers and runs(pid)}

    def end(self):
        """Ends everything. Returns what was wrong with that, or None."""
        for background in self.beside:
            background.stopping.set()
        asked, deadline, wrong = set(), time.monotonic() + END_SECONDS, None
        while left := self.left():
            if time.monotonic() > deadline and not wrong:
                wrong = f"had to be killed: {[' '.join(command_line(pid)) for pid in left]}"
            for pid in left if wrong else left - asked:
                # None of them is reaped but by us: the pid cannot be another process's. A stopped one goes on to end.
                os.kill(pid, signal.SIGKILL if wrong else signal.SIGTERM)
                os.kill(pid, signal.SIGCONT)
            asked |= left
            time.sleep(0.01)
        for holder in self.reserved:
            holder.close()
        shutil.rmtree(self.dir)
        return wrong

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        wrong = self.end()
        # An error that ended the drill says more.
        if wrong and kind is None:
            raise Failed(wrong)


def redis_cli(address, *words):
    result = subprocess.run(["redis-cli", *address, *words], capture_output=True, text=True, timeout=60)
    return result.stdout.strip()


class Background:
    """Threads beside a drill, each of which calls its function again and again. They end with the processes, and
    stop() raises the error of a thread that ended early, so that a drill cannot pass without its witnesses."""

    def __init__(self, processes, *functions):
        self.stopping, self.errors, self.lock = threading.Event(), [], threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(function,), daemon=True) for function in functions]
        processes.beside.append(self)

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def run(self, function):
        try:
            while not self.stopping.is_set():
                function()
        except Exception as error:
            self.errors.append(error)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            # A request may take its timeout of 10 s, twice.
            thread.join(30)
            if thread.is_alive():
                raise Failed("a thread did not end")
        if self.errors:
            raise self.errors[0]
