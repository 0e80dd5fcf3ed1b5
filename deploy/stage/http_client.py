# SPDX-License-Identifier: Apache-2.0
#
# One kept HTTP/1.1 connection to 127.0.0.1, with the calls of the queue API that drills and benchmarks make.
import http.client
import json
import re

# Every way in which a request can end without a complete answer.
BROKEN = (OSError, http.client.HTTPException)


class Client:
    """A request on a kept connection that the server has closed meanwhile is sent once more on a new connection, as
    browsers do. An answer that is cut off is an error."""

    def __init__(self, port, timeout=10):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def send(self, method, path, body=None, headers=None):
        """Returns the status and the body. Raises one of BROKEN."""
        was_kept = self.connection.sock is not None
        try:
            try:
                response = self.exchange(method, path, body, headers or {})
            except ConnectionError:
                if not was_kept:
                    raise
                self.connection.close()
                response = self.exchange(method, path, body, headers or {})
            return response.status, response.read()
        except BROKEN:
            self.connection.close()
            raise

    def exchange(self, method, path, body, headers):
        self.connection.request(method, path, body, headers)
        return self.connection.getresponse()

    def join(self, room="demo"):
        return self.send("POST", "/api/v1/queue/join", json.dumps({"event_id": room}))

    def status(self, ticket):
        return self.send("GET", f"/api/v1/queue/status?token={ticket}")

    def enter(self, ticket):
        return self.send("POST", "/api/v1/queue/enter", json.dumps({"waiting_token": ticket}))

    def gauge(self, name, room, path="/_vestibule/metrics"):
        """A gauge of a room as the answering worker has it, or None when there is no answer with it."""
        try:
            status, body = self.send("GET", path)
        except BROKEN:
            return None
        found = re.search(rf'^{name}{{room="{room}"}} (\S+)$', body.decode(), re.MULTILINE) if status == 200 else None
        return float(found.group(1)) if found else None


def answers(port, path="/"):
    """Whether a server answers 200."""
    client = Client(port, timeout=2)
    try:
        return client.send("GET", path)[0] == 200
    except BROKEN:
        return False
    finally:
        client.connection.close()
