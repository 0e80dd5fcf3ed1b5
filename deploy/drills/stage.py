# SPDX-License-Identifier: Apache-2.0
#
# What every drill needs: the whole product as an operator runs it (Redis, `vestibule serve`, nginx, a backend) in a
# temporary directory on loopback, load, and a witness who holds tickets and looks whether anybody loses a place.
# Everything that is started is ended again.
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.environ.get("VESTIBULE_PROGRAMS") or os.path.join(ROOT, ".build/release")


class Failed(Exception):
    """What a drill found wrong."""


def until(seconds, condition, what):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def alive(pid):
    if pid <= 0:
        return False
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Client:
    """One kept HTTP/1.1 connection. What a server closes before it answers is sent once more, as browsers do."""

    def __init__(self, port, timeout=10):
        self.port, self.timeout, self.file, self.sock = port, timeout, None, None

    def close(self):
        if self.sock:
            self.file.close()
            self.sock.close()
        self.sock = None

    def send(self, method, path, body=None, headers=()):
        data = body.encode() if body is not None else b""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(data)}")
        raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + data
        was_kept = self.sock is not None
        try:
            return self.exchange(raw)
        except (ConnectionError, EOFError):
            self.close()
            if not was_kept:
                raise
            return self.exchange(raw)
        except OSError:
            self.close()
            raise

    def exchange(self, raw):
        if not self.sock:
            self.sock = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = self.sock.makefile("rb")
        self.sock.sendall(raw)
        first = self.file.readline()
        if not first:
            raise EOFError
        status, length, closes = int(first.split()[1]), 0, False
        while True:
            line = self.file.readline()
            if line in (b"\r\n", b""):
                break
            name, _, value = line.partition(b":")
            name = name.lower()
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                closes = b"close" in value.lower()
        body = self.file.read(length)
        if closes:
            self.close()
        return status, body

    def join(self, room="demo"):
        return self.send("POST", "/api/v1/queue/join", json.dumps({"event_id": room}))

    def status(self, ticket):
        return self.send("GET", f"/api/v1/queue/status?token={ticket}")


NGINX = """daemon {daemon};
{user}
worker_processes 2;
pid {dir}/nginx.pid;
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {dir}/tmp-body; proxy_temp_path {dir}/tmp-proxy; fastcgi_temp_path {dir}/tmp-fastcgi;
    scgi_temp_path {dir}/tmp-scgi; uwsgi_temp_path {dir}/tmp-uwsgi;
    keepalive_requests 1000000;
    include {dir}/include/vestibule-http.conf;
    access_log {access_log} vestibule if=$vestibule_logged;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        include {dir}/include/vestibule-server.conf;
        location /held {{
            set $vestibule_room hold;
            include {dir}/include/vestibule-protect.conf;
            proxy_pass http://unix:{dir}/backend.sock;
        }}
        location / {{
            set $vestibule_room demo;
            include {dir}/include/vestibule-protect.conf;
            proxy_set_header Connection "";
            proxy_http_version 1.1;
            proxy_pass http://unix:{dir}/backend.sock;
        }}
    }}
    server {{
        listen unix:{dir}/backend.sock;
        access_log off;
        location / {{ return 200 "backend"; }}
    }}
}}
"""


class Stage:
    """The running product."""

    def __init__(self, rate=50, burst=100, workers=2, room="", redis=(), log_to=None, prefix=(), pass_ttl="10m",
                 nginx_daemon=False):
        self.dir = tempfile.mkdtemp(prefix="vst-drill-", dir="/tmp")
        self.port, self.rate, self.burst = free_port(), rate, burst
        self.workers_wanted, self.redis_options, self.started = workers, redis, []
        self.program = os.path.join(self.dir, "vestibule")
        # A copy of its own, so that a drill may replace it.
        subprocess.run(["cp", os.path.join(PROGRAMS, "vestibule"), self.program], check=True)
        self.write("vestibule.yaml", f"""rooms:
  demo: {{rate: {rate}, burst: {burst}, pass_ttl: {pass_ttl}{room}}}
  hold: {{rate: 0.001, burst: 1, abandon_after: 60s}}
redis: {{socket: {self.path("redis.sock")}}}
keys: {self.path("keys.json")}
workers: {workers}
run_dir: {self.dir}
""")
        self.command("keys", "add", "--keys", self.path("keys.json"))
        self.command("nginx", "render", "--config", self.path("vestibule.yaml"), "--output", self.path("include"),
                     "--cache-directory", self.path("board-cache"))
        # The drills come from one address.
        common = self.read("include/vestibule-http-common.conf")
        self.write("include/vestibule-http-common.conf", common.replace("default 0;", "default 0; 127.0.0.0/8 1;", 1))
        user = "user root;" if os.geteuid() == 0 else ""
        self.write("nginx.conf", NGINX.format(dir=self.dir, user=user, daemon="on" if nginx_daemon else "off",
                                              port=self.port,
                                              access_log=log_to or self.path("access.log")))
        if log_to:
            for index in range(workers):
                os.symlink(log_to, self.path(f"worker-{index}.log"))
        self.prefix, self.log_to = list(prefix), log_to
        try:
            self.start_redis()
            self.serve = self.start("serve", [*self.prefix, self.program, "serve", "--config",
                                              self.path("vestibule.yaml")], log_to)
            until(15, lambda: all(os.path.exists(self.socket(i)) for i in range(workers)), "the workers' sockets")
            self.nginx = self.start("nginx", self.nginx_command(), log_to)
            until(10, lambda: self.answers(), "nginx")
        except BaseException:
            self.end()
            raise

    @property
    def nginx_pid(self):
        return int(self.read("nginx.pid"))

    # Parts

    def path(self, name):
        return os.path.join(self.dir, name)

    def socket(self, index):
        return self.path(f"worker-{index}.fcgi.sock")

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def read(self, name):
        try:
            with open(self.path(name), errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def nginx_command(self):
        return ["/usr/sbin/nginx", "-e", self.log_to or self.path("nginx-error.log"), "-c", self.path("nginx.conf")]

    def start(self, name, command, log=None):
        with open(log or self.path(f"{name}.log"), "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir)
        self.started.append(process)
        return process

    def start_redis(self):
        self.redis = self.start("redis", ["redis-server", "--port", "0", "--unixsocket", self.path("redis.sock"),
                                          "--dir", self.dir, "--save", "", *self.redis_options])
        until(10, lambda: self.redis_cli("PING") == "PONG", "redis")

    def command(self, *words):
        result = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=30)
        if result.returncode != 0:
            raise Failed(f"vestibule {' '.join(words)}: {result.stderr}")
        return result.stdout

    def redis_cli(self, *words):
        return subprocess.run(["redis-cli", "-s", self.path("redis.sock"), *words], capture_output=True, text=True,
                              timeout=60).stdout.strip()

    def answers(self):
        try:
            return Client(self.port, 2).send("GET", "/readyz")[0] == 200
        except (OSError, EOFError):
            return False

    def workers(self):
        """Pids of the worker processes, oldest first."""
        found = []
        for pid in children(self.supervisor):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if b"\0worker\0" in f.read():
                        found.append(pid)
            except OSError:
                pass
        return found

    @property
    def supervisor(self):
        # faketime may stand in between.
        return int(self.read("vestibule.pid") or 0)

    def until_whole(self, without=(), seconds=15):
        """Until the pool is complete again, with none of these processes, and every socket is answered."""
        def whole():
            pids = self.workers()
            return len(pids) == self.workers_wanted and not set(pids) & set(without) and all(
                connects(self.socket(i)) for i in range(self.workers_wanted))
        until(seconds, whole, "a whole pool")

    def end(self):
        if self.prefix and alive(self.supervisor):
            # faketime stands in between, and would end alone.
            pid = self.supervisor
            kill(pid, signal.SIGTERM)
            until(12, lambda: not alive(pid), "the end of the supervisor")
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        # nginx after an upgrade is no child of ours.
        left = [int(self.read(name)) for name in ("nginx.pid", "nginx.pid.oldbin") if self.read(name).strip()]
        for pid in left:
            kill(pid, signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(12)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in left:
            until(10, lambda: not alive(pid), "the end of nginx")
        subprocess.run(["rm", "-rf", "--", self.dir])


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def processor_seconds(pid):
    """What a process has computed so far."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connects(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(1)
            s.connect(path)
            return True
    except OSError:
        return False


class Load:
    """vestibule-load beside the drill. Its report has every request that failed."""

    def __init__(self, stage, visitors, seconds, arrive=5, room=None):
        self.stage, self.report_path = stage, stage.path("load.json")
        extra = ["--room", room] if room else ["--rate", str(stage.rate), "--burst", str(stage.burst)]
        if os.path.exists(stage.path("redis.sock")):
            extra += ["--redis-socket", stage.path("redis.sock")]
        self.process = stage.start("load", [
            os.path.join(PROGRAMS, "vestibule-load"), "--port", str(stage.port), "--visitors", str(visitors),
            "--arrivals", f"spike:{arrive}", "--duration", str(seconds), "--connections", "128",
            "--json", self.report_path, *extra])
        self.seconds = seconds

    def report(self):
        self.process.wait(self.seconds + 60)
        with open(self.report_path) as f:
            return json.load(f)


class Witness:
    """Holds tickets of room hold, whose turn does not come during a drill, asks for their places all the time, and keeps what it is told."""

    def __init__(self, stage, tickets=300, threads=2, allowed=()):
        self.stage, self.failures, self.polls, self.degraded = stage, [], 0, 0
        self.allowed = set(allowed)
        client = Client(stage.port)
        self.tickets, self.numbers, self.passes = [], [], []
        while len(self.tickets) < tickets:
            status, body = client.join("hold")
            if status not in (200, 202):
                raise Failed(f"join: {status} {body[:200]}")
            answer = json.loads(body)
            if status == 202:
                self.tickets.append(answer["waiting_token"])
            else:
                self.passes.append(answer["pass"])
        self.slowest = 0.0
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.watch, args=(i, threads), daemon=True) for i in range(threads)]

    def start(self):
        # The places as they are before anything happens, when every mirror has them.
        time.sleep(0.7)
        self.before = self.places()
        if self.before != sorted(self.before) or len(set(self.before)) != len(self.before):
            raise Failed(f"the places are out of order before the fault: {self.before[:5]}")
        for thread in self.threads:
            thread.start()
        return self

    def places(self):
        client, places = Client(self.stage.port), []
        for ticket in self.tickets:
            status, body = client.status(ticket)
            answer = json.loads(body)
            if status != 200 or answer.get("status") not in ("waiting", "paused"):
                raise Failed(f"a place is gone: {status} {body[:200]}")
            places.append(answer["position"])
        return places

    def watch(self, first, step):
        client = Client(self.stage.port)
        while not self.stopping.is_set():
            for ticket in self.tickets[first::step]:
                if self.stopping.is_set():
                    return
                began = time.monotonic()
                try:
                    status, body = client.status(ticket)
                    answer = json.loads(body) if status == 200 else {}
                except (OSError, EOFError, ValueError) as error:
                    status, answer = repr(error), {}
                with self.lock:
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.polls += 1
                    self.degraded += answer.get("degraded") is True
                    if answer.get("status") not in ("waiting", "paused") and status not in self.allowed:
                        self.failures.append((status, answer.get("status")))
                time.sleep(0.002)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(15)

    def check(self):
        """Ends the watch. Nobody may have lost the place or been overtaken, and no poll may have failed."""
        self.stop()
        after = self.places()
        if after != sorted(after) or len(set(after)) != len(after):
            raise Failed(f"the order changed: {after[:10]}")
        if self.failures:
            raise Failed(f"{len(self.failures)} of {self.polls} polls failed: {self.failures[:5]}")
        return after


def no_errors(report, allowed=lambda name: False):
    bad = {name: count for name, count in report["errors"].items() if not allowed(name)}
    if bad:
        raise Failed(f"failed requests: {bad} of {report['requests']}")
    if report["order"]["violations"]:
        raise Failed(f"order violations: {report['order']}")
    if report["visitors_by_outcome"]["lost"]:
        raise Failed(f"lost places: {report['visitors_by_outcome']}")
    if report["visitors_by_outcome"]["pass_mismatches"]:
        raise Failed("a pass for another ticket")
    if report["bound"] and not report["bound"]["kept"]:
        raise Failed(f"more entries than allowed: {report['bound']}")
