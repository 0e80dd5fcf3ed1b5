# SPDX-License-Identifier: Apache-2.0
#
# The product on loopback: as an operator runs it (Redis, `vestibule serve`, nginx, a backend), for drills, and as
# `vestibule demo` runs it, for benchmarks.
import json
import os
import shutil
import subprocess

from .command import VESTIBULE
from .http_client import Client, answers
from .nginx import Nginx
from .processes import Failed, Processes, children, command_line, connects, log_lines, pid_from, redis_cli, until

WORKERS = 2
CONFIGURATION = """rooms:
  demo: {{rate: {rate}, burst: {burst}}}
  hold: {{rate: 0.001, burst: 1, abandon_after: 60s}}
redis: {redis}
keys: {dir}/keys.json
workers: {workers}
run_dir: {dir}
# All visitors of a drill come from one address: the limit for each address must not count them.
nginx: {{limit_exempt: ["127.0.0.0/8"], api_log: site}}
"""
SITE = """
    include {dir}/include/vestibule-http.conf;
    access_log {access_log} vestibule if=$vestibule_logged;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        include {dir}/include/vestibule-server.conf;
        {metrics}
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
"""
# One worker's own gauges: its mirror of each room.
METRICS = """location = /worker-{index} {{
            access_log off;
            include {dir}/include/vestibule-fastcgi-params.conf;
            fastcgi_param DOCUMENT_URI /metrics;
            fastcgi_pass unix:{dir}/worker-{index}.fcgi.sock;
        }}"""


class Stage(Processes):
    """The running product. Room demo admits `rate` visitors per second; in room hold one visitor enters and nobody
    else is called during a drill.

    - redis: options of redis-server.
    - log_to: the file that every log goes to, in place of one file each.
    - has_clock: the wall clock of supervisor and workers can be moved with step_clock().
    - nginx_daemon: nginx runs as a daemon.
    """

    def __init__(self, rate=50, burst=100, redis=(), log_to=None, has_clock=False, nginx_daemon=False):
        super().__init__("vst-drill-")
        self.rate, self.burst, self.redis_options, self.log_to = rate, burst, redis, log_to
        # How many visitors every worker's mirror of room hold has at least.
        self.held = 0
        self.has_clock = has_clock
        try:
            self.program = shutil.copy(VESTIBULE, self.path("vestibule"))  # a drill may replace its own copy
            self.http_port = self.port()
            self.write("vestibule.yaml", CONFIGURATION.format(
                rate=rate, burst=burst, redis=self.start_store(), dir=self.dir, workers=WORKERS))
            self.render()
            if log_to:
                for index in range(WORKERS):
                    os.symlink(log_to, self.path(f"worker-{index}.log"))
            self.serve()
            self.nginx = Nginx(self, self.site(), modules=["ngx_http_js_module"], daemon=nginx_daemon, log=log_to)
            until(10, lambda: answers(self.http_port, "/_vestibule/readyz"), "nginx")
            self.until_whole()
        except BaseException:
            self.end()
            raise

    # Parts

    def start_store(self):
        """Starts Redis and returns how the configuration names it."""
        self.start_own_redis()
        return f"{{socket: {self.redis_socket}}}"

    def start_own_redis(self):
        self.redis = self.start_redis("redis", ("-s", self.redis_socket), *self.redis_options)

    @property
    def redis_socket(self):
        """Where the one Redis is, for programs that look at it; None when there are several."""
        return self.path("redis.sock")

    def render(self):
        self.command("keys", "add", "--keys", self.path("keys.json"))
        self.command("nginx", "render", "--config", self.path("vestibule.yaml"), "--output", self.path("include"),
                     "--cache-directory", self.path("board-cache"))

    def site(self):
        metrics = "\n        ".join(METRICS.format(dir=self.dir, index=index) for index in range(WORKERS))
        return SITE.format(dir=self.dir, port=self.http_port, metrics=metrics,
                           access_log=self.log_to or self.path("access.log"))

    def serve(self):
        """Starts the supervisor, and with it the workers."""
        prefix = []
        if self.has_clock:
            self.step_clock("+0")
            # The wrapper, not LD_PRELOAD by hand: then the library sets no variable of its own, which would move the
            # environment and hide the arguments from the Swift runtime. The file, since a variable cannot change.
            prefix = ["faketime", "--exclude-monotonic", "-f", "+0", "env", "-u", "FAKETIME",
                      f"FAKETIME_TIMESTAMP_FILE={self.path('clock')}", "FAKETIME_NO_CACHE=1"]
        self.server = self.start("serve", [*prefix, self.program, "serve", "--config", self.path("vestibule.yaml")],
                                 self.log_to)
        self.until_serves(self.server, 15, lambda: all(connects(self.socket(i)) for i in range(WORKERS)),
                          "the workers' sockets")

    def step_clock(self, offset):
        self.write("clock", offset)

    def socket(self, index):
        return self.path(f"worker-{index}.fcgi.sock")

    def command(self, *words):
        result = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=30)
        if result.returncode != 0:
            raise Failed(f"vestibule {' '.join(words)}: {result.stderr}")

    def redis_cli(self, *words):
        return redis_cli(("-s", self.redis_socket), *words)

    # What is seen of them

    @property
    def supervisor(self):
        """The supervisor itself: faketime may stand between it and us."""
        return pid_from(self.path("vestibule.pid"))

    def workers(self):
        """Pids of the worker processes, oldest first."""
        return [pid for pid in children(self.supervisor) if "worker" in command_line(pid)[1:]]

    def gauges(self, name, room):
        """A gauge of a room as each worker has it; None for a worker that does not answer."""
        client = Client(self.http_port)
        found = [client.gauge(name, room, f"/worker-{index}") for index in range(WORKERS)]
        client.connection.close()
        return found

    def until_mirrored(self, held):
        """Until the mirror of every worker has so many visitors of room hold."""
        def has_all():
            counts = self.gauges("vestibule_room_waiting", "hold")
            return None not in counts and min(counts) >= held
        until(15, has_all, f"the mirrors have {held} visitors")
        self.held = held

    def until_whole(self, without=(), seconds=15):
        """Until the pool is complete, with none of these processes, and each worker has its mirror."""
        def is_whole():
            pids = self.workers()
            return len(pids) == WORKERS and not set(pids) & set(without) and all(
                connects(self.socket(index)) for index in range(WORKERS))
        until(seconds, is_whole, "a complete pool")
        self.until_mirrored(self.held)

    def signal_all_logs(self, send, words):
        """Calls `send()` and waits until every worker has logged these words once more."""
        logs = [f"worker-{index}.log" for index in range(WORKERS)]
        before = [self.log_count(log, words) for log in logs]
        send()
        until(10, lambda: all(self.log_count(log, words) > count for log, count in zip(logs, before)), words)


class Demo:
    """`vestibule demo` in its own directory, ready to serve."""

    def __init__(self, processes, room, options):
        self.port, self.tls_port = processes.port(), processes.port()
        name = f"demo-{self.port}"
        self.dir = processes.path(name)
        os.mkdir(self.dir)
        configuration = processes.write(f"{name}.yaml", f"rooms:\n  demo: {{{room}}}\n")
        process = processes.start(name, [
            VESTIBULE, "demo", "--port", str(self.port), "--tls-port", str(self.tls_port), "--dir", self.dir,
            "--config", configuration, *options])
        processes.until_serves(
            process, 15, lambda: any(line.startswith("ready ") for line in log_lines(process.log)), "the demo")

    def pids(self):
        """The process ids of its parts. The demo replaces the file as a whole."""
        with open(f"{self.dir}/pids.json") as file:
            return json.load(file)
