# SPDX-License-Identifier: Apache-2.0
#
# The application of the sites behind gunicorn and uWSGI. It writes a line for each request that arrives: the row of
# the table, and everything that it was sent. What it answers depends on the path, and says that it is of-the-site.
import hashlib
import json
import os
import threading

LOG = "@DIR@/arrivals.log"
# What differs from one run of a request to the next, or between servers.
UNLOGGED = {"HTTP_X_ROW", "REMOTE_PORT", "SERVER_SOFTWARE", "CONTENT_LENGTH"}
gates = {}
lock = threading.Lock()


def arrive(environ, body):
    row = environ.get("HTTP_X_ROW", "none-0")
    seen = {
        key: value for key, value in environ.items()
        if isinstance(value, str) and (key.isupper() or key.startswith("HTTP_")) and key not in UNLOGGED
    }
    seen["BODY"] = hashlib.sha256(body).hexdigest()[:12] if len(body) > 100 else body.decode("latin-1")
    with open(LOG, "a") as log:
        log.write("%s %s\n" % (row, json.dumps(seen, sort_keys=True)))


def gate(name):
    with lock:
        return gates.setdefault(name, threading.Event())


def events(name):
    """A stream that goes on when somebody asks for /release/NAME: so it shows whether it comes as it is written."""
    yield b"data: first, of-the-site\n\n"
    gate(name).wait(8)
    yield b"data: second\n\n"


def application(environ, start_response):
    body = environ["wsgi.input"].read() if environ.get("HTTP_TRANSFER_ENCODING") else \
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    arrive(environ, body)
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    host = environ.get("HTTP_HOST", "")
    headers = [("Content-Type", "text/html; charset=utf-8"), ("X-App", "of-the-site")]
    status, content = "200 OK", None
    words = path.strip("/").split("/")
    last = words[-1]
    if "redirect" in words:
        status = "302 Found"
        headers.append(("Location", "http://%s/after?from=%s" % (host, last)))
    elif "status" in words:
        status = {"204": "204 No Content", "401": "401 Unauthorized", "404": "404 Not Found", "403": "403 Forbidden",
                  "500": "500 Internal Server Error", "503": "503 Service Unavailable"}[last]
        if last == "401":
            headers.append(("WWW-Authenticate", 'Basic realm="of-the-site"'))
    elif last == "events":
        headers[0] = ("Content-Type", "text/event-stream")
        headers.append(("X-Accel-Buffering", "no"))
        start_response(status, headers)
        return events(environ["QUERY_STRING"])
    elif last == "release":
        gate(environ["QUERY_STRING"]).set()
    elif "accel" in words:
        headers.append(("X-Accel-Redirect", "/protected/" + last))
    elif "cookie" in words:
        headers += [("Set-Cookie", "session=1; Path=/; HttpOnly"), ("Set-Cookie", "theme=dark; Path=/")]
    elif "cacheable" in words:
        headers += [("Cache-Control", "public, max-age=600"), ("ETag", '"of-the-site"')]
        if environ.get("HTTP_IF_NONE_MATCH") == '"of-the-site"':
            status, content = "304 Not Modified", b""
    elif "private" in words:
        headers += [("Cache-Control", "private, no-store"), ("Vary", "Cookie")]
    elif "json" in words:
        headers[0] = ("Content-Type", "application/json")
        content = json.dumps({"of-the-site": path, "method": method}).encode()
    elif "big" in words:
        content = b"of-the-site " * 20000
    elif "echo" in words:
        content = b"of-the-site " + body
    elif "ssi" in words:
        content = b'<p>of-the-site</p><!--# include virtual="/part/one?x=1" --><!--# include virtual="/part/two" -->'
    if content is None:
        content = ("<!doctype html><title>of-the-site</title><p>%s %s?%s</p>\n"
                   % (method, path.encode("latin-1").decode("utf-8", "replace"), environ["QUERY_STRING"])).encode()
    if status[:3] in ("204", "304"):
        content = b""
    else:
        headers.append(("Content-Length", str(len(content))))
    start_response(status, headers)
    return [] if method == "HEAD" else [content]
