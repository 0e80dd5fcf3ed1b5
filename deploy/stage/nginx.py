# SPDX-License-Identifier: Apache-2.0
#
# The one nginx.conf of drills and benchmarks, and a running nginx. Invariant: reload() and upgrade() return when the
# new worker processes serve and the old ones take no connections any more.
import os
import signal

from .processes import alive, children, command_line, kill, pid_from, until

WORKERS = 2
SKELETON = """daemon {daemon};
{user}
worker_processes {workers};
pid {dir}/{name}.pid;
{modules}
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {dir}/{name}-body; proxy_temp_path {dir}/{name}-proxy;
    fastcgi_temp_path {dir}/{name}-fastcgi; scgi_temp_path {dir}/{name}-scgi; uwsgi_temp_path {dir}/{name}-uwsgi;
    keepalive_requests 1000000;
{body}
}}
"""


class Nginx:
    """An nginx that `processes` has started; `body` is what stands inside http {}."""

    def __init__(self, processes, body, name="nginx", modules=(), daemon=False, log=None):
        loads = " ".join(f"load_module /usr/lib/nginx/modules/{module}.so;" for module in modules)
        user = "user root;" if os.geteuid() == 0 else ""
        configuration = processes.write(f"{name}.conf", SKELETON.format(
            daemon="on" if daemon else "off", user=user, workers=WORKERS, dir=processes.dir, name=name, modules=loads,
            body=body))
        self.pid_path = processes.path(f"{name}.pid")
        self.process = processes.start(
            name, ["/usr/sbin/nginx", "-e", log or processes.path(f"{name}-error.log"), "-c", configuration], log)

    @property
    def pid(self):
        """The master process."""
        return pid_from(self.pid_path)

    def workers(self, master):
        """The worker processes that take connections: nginx changes the title of those that are to end."""
        return {pid for pid in children(master) if command_line(pid) == ["nginx: worker process"]}

    def until_workers(self, master, without=frozenset()):
        """Until the master has all its workers, with none of these among them."""
        def are_new():
            serving = self.workers(master)
            return len(serving) == WORKERS and not serving & without
        until(15, are_new, "new nginx workers")

    def reload(self):
        """nginx reads its configuration again."""
        master = self.pid
        self.until_workers(master)
        before = self.workers(master)
        kill(master, signal.SIGHUP)
        self.until_workers(master, before)

    def upgrade(self):
        """A new nginx takes the place of this one, which must run as a daemon: in the foreground nginx takes USR2 for
        a signal to the new program, because its parent is still the one that started it."""
        old = self.pid
        kill(old, signal.SIGUSR2)
        new = pid_from(self.pid_path, other_than=old)
        self.until_workers(new)
        kill(old, signal.SIGWINCH)
        until(15, lambda: not self.workers(old), "the old workers stop taking connections")
        kill(old, signal.SIGQUIT)
        until(30, lambda: not alive(old), "the end of the old nginx")
