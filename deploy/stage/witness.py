# SPDX-License-Identifier: Apache-2.0
#
# Load and visitors beside a drill, and what must hold for them afterwards: nobody loses a place, nobody is overtaken,
# no request fails but those that a drill allows.
import json
import time

from .command import LOAD
from .http_client import BROKEN, Client
from .processes import Background, Failed, until

WAITING = ("waiting", "paused")


class Load:
    """vestibule-load beside the drill. Its report has every request that failed."""

    def __init__(self, stage, visitors, seconds, arrive=5, room=None):
        """Returns when the first of the visitors have joined; they arrive within `arrive` seconds."""
        self.seconds, self.report_path = seconds, stage.path("load.json")
        extra = ["--room", room] if room else ["--rate", str(stage.rate), "--burst", str(stage.burst)]
        if stage.redis_socket:
            extra += ["--redis-socket", stage.redis_socket]

        def joined():
            return max(count or 0 for count in stage.gauges("vestibule_room_joined", room or "demo"))
        before = joined()
        self.process = stage.start("load", [
            LOAD, "--port", str(stage.http_port), "--visitors", str(visitors), "--arrivals", f"spike:{arrive}",
            "--duration", str(seconds), "--connections", "128", "--json", self.report_path, *extra])
        stage.until_serves(self.process, 15, lambda: joined() > before, "the load")

    def report(self):
        self.process.wait(self.seconds + 60)
        with open(self.report_path) as file:
            return json.load(file)


class Witness:
    """Visitors of room hold, who are not called during a drill. They poll all the time and keep what is answered."""

    def __init__(self, stage, tickets=300, threads=2):
        self.stage, self.tickets, self.passes = stage, [], []
        self.failures, self.polls, self.degraded, self.slowest = [], 0, 0, 0.0
        client = Client(stage.http_port)
        while len(self.tickets) < tickets:
            status, body = client.join("hold")
            if status not in (200, 202):
                raise Failed(f"join: {status} {body[:200]}")
            answer = json.loads(body)
            if status == 202:
                self.tickets.append(answer["waiting_token"])
            else:
                self.passes.append(answer["pass"])
        # What a mirror does not have yet, its worker cannot restore.
        stage.until_mirrored(tickets)
        self.before = self.places()
        self.check_order(self.before)
        # Each thread has its own connection and its share of the tickets.
        self.background = Background(
            stage, *(lambda client=Client(stage.http_port), first=first: self.poll(client, self.tickets[first::threads])
                     for first in range(threads)))

    def start(self):
        self.background.start()
        return self

    def places(self):
        client, places = Client(self.stage.http_port), []
        for ticket in self.tickets:
            status, body = client.status(ticket)
            answer = json.loads(body) if status == 200 else {}
            if answer.get("status") not in WAITING:
                raise Failed(f"a place is gone: {status} {body[:200]}")
            places.append(answer["position"])
        return places

    def places_or_none(self):
        """The places, or None while somebody has none."""
        try:
            return self.places()
        except Failed:
            return None

    def until_settled(self, seconds=2):
        """Until everybody has the place from before; returns how long it took."""
        began = time.monotonic()
        until(seconds, lambda: self.places_or_none() == self.before, "the old places")
        return time.monotonic() - began

    def poll(self, client, tickets):
        for ticket in tickets:
            if self.background.stopping.is_set():
                return
            began = time.monotonic()
            try:
                status, body = client.status(ticket)
                answer = json.loads(body) if status == 200 else {}
            except (*BROKEN, ValueError) as error:
                status, answer = repr(error), {}
            self.note(status, answer, time.monotonic() - began)
            # The pace: 500 polls per second and thread at most.
            time.sleep(0.002)

    def note(self, status, answer, seconds):
        with self.background.lock:
            self.slowest = max(self.slowest, seconds)
            self.polls += 1
            self.degraded += answer.get("degraded") is True
            if answer.get("status") not in WAITING:
                self.failures.append((status, answer.get("status")))

    def check_order(self, places):
        if places != sorted(places) or len(set(places)) != len(places):
            raise Failed(f"the places are out of order: {places[:10]}")

    def check(self):
        """Ends the polls. Nobody may have lost the place or been overtaken, and no poll may have failed."""
        self.background.stop()
        self.check_order(self.places())
        if self.failures:
            raise Failed(f"{len(self.failures)} of {self.polls} polls failed: {self.failures[:5]}")


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


def summary(report, witness):
    latency = report["latency_us"]["all"]
    return (f"{report['requests']} requests, {report['error_count']} failed, {report['resent']} sent again; "
            f"p99 {latency['p99'] / 1000:.0f} ms, max {latency['max'] / 1000:.0f} ms; "
            f"{witness.polls} polls of {len(witness.tickets)} witnesses, {len(witness.failures)} failed, "
            f"slowest {witness.slowest:.2f} s")
