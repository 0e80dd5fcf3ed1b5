#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Tests of what drills and benchmarks share: that nothing is read too early, and that nothing is left.
# Run by deploy/test: python3 -B deploy/stage/tests.py
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from stage import processes as subject  # noqa: E402
from stage.http_client import Client  # noqa: E402


class StageTests(unittest.TestCase):
    def setUp(self):
        self.processes = subject.Processes("vst-stage-")

    def tearDown(self):
        if os.path.exists(self.processes.dir):
            self.assertIsNone(self.processes.end())

    def sleeper(self):
        return self.processes.start("sleep", ["sleep", "60"])

    def dead_pid(self):
        process = subprocess.Popen(["true"])
        process.wait()
        return process.pid

    def test_a_pid_file_is_read_when_it_is_whole_and_its_process_lives(self):
        path, pid = self.processes.path("pid"), self.sleeper().pid
        # What a reader can meet, in turn: no file, an empty one, half of the number, a dead process, the new one.
        states = ["", str(pid)[:-1], str(pid), f"{self.dead_pid()}\n", f"{pid}\n"]

        def write():
            for text in states:
                # The pace: the reader looks every 10 ms, so it meets each state.
                time.sleep(0.05)
                with open(path, "w") as file:
                    file.write(text)
        writer = threading.Thread(target=write)
        writer.start()
        self.assertEqual(subject.pid_from(path), pid)
        writer.join()

    def test_a_pid_file_of_another_process_is_waited_for(self):
        old, new = self.sleeper().pid, self.sleeper().pid
        path = self.processes.write("pid", f"{old}\n")
        threading.Timer(0.05, self.processes.write, ("pid", f"{new}\n")).start()
        self.assertEqual(subject.pid_from(path, other_than=old), new)

    def test_a_pid_file_that_names_nobody_fails(self):
        for text in ("", f"{self.dead_pid()}\n"):
            with self.assertRaises(subject.Failed):
                subject.pid_from(self.processes.write("pid", text), seconds=0.1)

    def test_what_is_gone_reads_as_empty(self):
        gone = self.dead_pid()
        self.assertFalse(subject.alive(gone))
        self.assertEqual((subject.children(gone), subject.command_line(gone)), ([], []))
        self.assertEqual(subject.processor_seconds(gone), 0)
        with self.assertRaises(subject.Failed):
            subject.kill(gone, signal.SIGTERM)

    def test_the_children_of_every_thread_are_found(self):
        pids, may_end = [], threading.Event()

        def start():
            pids.append(self.sleeper().pid)
            may_end.wait(10)
        thread = threading.Thread(target=start)
        thread.start()
        subject.until(5, lambda: pids and pids[0] in subject.children(os.getpid()), "the child of a thread")
        may_end.set()
        thread.join()

    def test_a_zombie_is_not_alive(self):
        process = self.processes.start("true", ["true"])
        subject.until(5, lambda: not subject.alive(process.pid), "the end")

    def test_a_line_of_a_log_counts_when_it_is_complete(self):
        path = self.processes.write("log", "reloaded\nreloa")
        self.assertEqual(subject.log_lines(path), ["reloaded"])
        self.processes.write("log", "reloaded\nreloaded")
        self.assertEqual(self.processes.log_count("log", "reloaded"), 1)
        self.processes.write("log", "reloaded\nreloaded\n")
        self.assertEqual(self.processes.log_count("log", "reloaded"), 2)

    def test_a_port_is_given_once_and_can_be_listened_on_again_and_again(self):
        port = self.processes.port()
        self.assertNotIn(port, {self.processes.port() for _ in range(200)})
        for _ in range(2):
            with socket.create_server(("127.0.0.1", port)) as server:
                with socket.create_connection(("127.0.0.1", port)):
                    server.accept()[0].close()

    def test_the_end_reaches_orphans_and_stopped_processes(self):
        self.sleeper().send_signal(signal.SIGSTOP)
        # setsid: as a daemon does; the shell ends at once.
        shell = self.processes.start("shell", ["sh", "-c", "setsid sleep 60 & echo $! > orphan"])
        shell.wait()
        orphan = subject.pid_from(self.processes.path("orphan"))
        self.assertIsNone(self.processes.end())
        self.assertFalse(subject.alive(orphan))
        self.assertFalse(os.path.exists(self.processes.dir))

    def test_a_program_that_ends_is_not_waited_for(self):
        process, began = self.processes.start("false", ["false"]), time.monotonic()
        with self.assertRaises(subject.Failed):
            self.processes.until_serves(process, 30, lambda: False, "nothing")
        self.assertLess(time.monotonic() - began, 10)

    def test_an_error_in_a_thread_is_not_lost(self):
        def fault():
            raise KeyError("a fault")
        background = subject.Background(self.processes, fault).start()
        with self.assertRaises(KeyError):
            background.stop()


class ClientTests(unittest.TestCase):
    def serve(self, *answers):
        """A server that gives one answer per connection and closes it. Returns its client and what it received."""
        server, received = socket.create_server(("127.0.0.1", 0)), []
        self.addCleanup(server.close)

        def run():
            for answer in answers:
                connection, _ = server.accept()
                for part in answer:
                    received.append(connection.recv(65_536))
                    connection.sendall(part)
                connection.close()
        threading.Thread(target=run, daemon=True).start()
        client = Client(server.getsockname()[1], timeout=5)
        self.addCleanup(client.connection.close)
        return client, received

    WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def test_a_kept_connection_that_was_closed_is_made_again(self):
        client, received = self.serve([self.WHOLE], [self.WHOLE])
        self.assertEqual(client.send("GET", "/1"), (200, b"ok"))
        self.assertEqual(client.send("GET", "/2"), (200, b"ok"))
        self.assertEqual(len(received), 2)

    def test_an_answer_that_is_cut_off_is_an_error_and_not_asked_for_again(self):
        client, received = self.serve([self.WHOLE, self.WHOLE[:-1]], [self.WHOLE])
        self.assertEqual(client.send("GET", "/1"), (200, b"ok"))
        with self.assertRaises(Exception):
            client.send("GET", "/2")
        self.assertEqual(len(received), 2)

    def test_a_new_connection_that_is_closed_is_an_error(self):
        client, _ = self.serve([b""], [self.WHOLE])
        with self.assertRaises(ConnectionError):
            client.send("GET", "/")


if __name__ == "__main__":
    unittest.main()
