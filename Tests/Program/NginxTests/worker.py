#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Plays a Vestibule worker for the nginx tests: answers gate and verify as nginx/README.md describes, over FastCGI or
# SCGI, and echoes everything else. Its pass check is written from the description, apart from Swift, njs and Lua.
# usage: worker.py fastcgi|scgi SOCKET KEYS_FILE
import base64, hashlib, hmac, ipaddress, json, os, re, socket, struct, sys, threading, time

GATEWAY, SOCKET, KEYS_FILE = sys.argv[1:4]
KEYS = json.load(open(KEYS_FILE))["keys"]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def binding(letters, params):
    """The claim bnd of a pass for this client: Sources/Rules/Passes/PassBinding.swift tells what is hashed."""
    text = ("vestibule binding v1 %s " % letters).encode()
    if "n" in letters:
        try:
            address = ipaddress.ip_address(params["VESTIBULE_CLIENT"])
            address = getattr(address, "ipv4_mapped", None) or address
            network = address.packed[:3 if address.version == 4 else 6]
        except ValueError:
            network = b""
        text += bytes([len(network)]) + network
    if "a" in letters:
        text += params.get("HTTP_USER_AGENT", "").encode()
    return letters + ":" + encode(hashlib.sha256(text).digest())[:12]


def verdict(token, room, now, params):
    """Returns (verdict, number) of a pass."""
    if not token:
        return "missing", ""
    parts = token.split(".")
    if len(token) > 1024 or len(parts) != 3 or not parts[0] or not parts[1] or len(parts[2]) != 43:
        return "malformed", ""
    for key in KEYS:
        if encode(b'{"alg":"HS256","kid":"%s","typ":"JWT"}' % key["kid"].encode()) == parts[0]:
            break
    else:
        return "forged", ""
    code = hmac.new(decode(key["k"]), (parts[0] + "." + parts[1]).encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(encode(code), parts[2]):
        return "forged", ""
    try:
        claims = json.loads(decode(parts[1]))
        good = (encode(decode(parts[1])) == parts[1] and set(claims) - {"bnd"} == {"iss", "aud", "sub", "jti", "iat", "exp"}
                and re.fullmatch(r"(n|a|na):[A-Za-z0-9_-]{12}", claims.get("bnd", "n:AAAAAAAAAAAA"))
                and claims["iss"] == "vestibule" and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", claims["aud"])
                and re.fullmatch(r"[1-9][0-9]{0,15}", claims["sub"]) and int(claims["sub"]) < 2**53
                and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", claims["jti"])
                and all(type(claims[name]) is int and 0 <= claims[name] < 2**53 for name in ("iat", "exp")))
    except (ValueError, TypeError, KeyError):
        good = False
    if not good:
        return "malformed", ""
    if claims["aud"] != room:
        return "foreign", ""
    if now >= claims["exp"] + 5:
        return "expired", ""
    if "bnd" in claims and claims["bnd"] != binding(claims["bnd"].split(":")[0], params):
        return "other-client", ""
    lived, life = now - claims["iat"], claims["exp"] - claims["iat"]
    may_be = re.fullmatch(r"[A-Za-z0-9_-]{22}-r[0-9]{1,16}", claims["jti"]) and "VESTIBULE_ERRAND" not in params
    if may_be and now < claims["exp"] and lived * 3 >= life * 2:
        return "due", ""
    return "ok:" + room, claims["sub"]


def passes(params, room):
    """The values of the cookies that may hold a pass, without empty ones; at most 16."""
    prefixes = ("__Host-", "__Secure-") if params["REQUEST_SCHEME"] == "https" else ("",)
    pairs = [[half.strip(" \t") for half in pair.split("=", 1)] for pair in params.get("HTTP_COOKIE", "").split(";")]
    names = [prefix + "vestibule-pass-" + room for prefix in prefixes]
    return [pair[1] for pair in pairs if len(pair) == 2 and pair[0] in names and pair[1]][:16]


def answer(params, body):
    """Returns a CGI response."""
    operation, room = params.get("VESTIBULE_OPERATION", "api"), params.get("VESTIBULE_ROOM", "")
    prefix = "__Host-" if params["REQUEST_SCHEME"] == "https" else ""
    if operation == "verify":
        judged = [verdict(token, room, time.time(), params) + (token,) for token in passes(params, room)]
        good = [each for each in judged if each[1]] or [each for each in judged if each[0] == "due"]
        result, number, token = (good or judged or [("missing", "", "")])[0]
        status = "204 No Content" if number else "401 Unauthorized"
        extra = "X-Vestibule-Number: %s\r\nX-Vestibule-Pass: %s\r\n" % (number, token) if number else ""
        return "Status: %s\r\nX-Vestibule-Verdict: %s\r\n%s\r\n" % (status, result, extra)
    if operation == "ask":
        # Ahead of the body, by a cookie (a subrequest of auth_request has no query string): "go" lets the request on,
        # "else" does so for another room, "visit" if it may be a person's navigation, and "refuse" refuses it.
        asked = (re.search(r"ask=([a-z]+)", params.get("HTTP_COOKIE", "")) or ["", ""])[1]
        if asked == "limit":
            return "Status: 401 Unauthorized\r\n\r\n"
        if asked == "refuse":
            problem = json.dumps({"status": 503, "error": {"code": "PASS_MISSING", "message": "\u2026 " + room}})
            origin = "Access-Control-Allow-Origin: %s\r\n" % params["HTTP_ORIGIN"] if "HTTP_ORIGIN" in params else ""
            return ("Status: 403 Forbidden\r\nX-Vestibule-Verdict: refused:%s\r\nX-Vestibule-Problem: %s\r\n"
                    "X-Vestibule-Code: PASS_MISSING\r\nRetry-After: 7\r\n%s\r\n" % (room, problem, origin))
        named = {"go": room, "else": room + "x", "visit": "" if "VESTIBULE_ERRAND" in params else room}.get(asked)
        words = "X-Vestibule-Verdict: ok:%s\r\nX-Vestibule-Number: 78\r\n" % named if named else ""
        return "Status: 204 No Content\r\n%s\r\n" % words
    if operation == "gate" and "admit" in params["QUERY_STRING"]:
        cookies = "".join("Set-Cookie: %svestibule-%s-%s=%s; Path=/\r\n" % (prefix, kind, room, value)
                          for kind, value in (("ticket", "T"), ("pass", "P")))
        return ("X-Accel-Redirect: @vestibule_continue\r\nX-Vestibule-Room: " + room + "\r\nX-Vestibule-Pass: issued-pass\r\nX-Vestibule-Number: 77\r\n"
                "Cache-Control: no-store\r\n" + cookies + "\r\n")
    if operation == "gate" and "limited" in params["QUERY_STRING"]:
        page = "_html" if "text/html" in params.get("HTTP_ACCEPT", "") else ""
        return "X-Accel-Redirect: @vestibule_limited%s\r\n\r\n" % page
    refused = re.search(r"refuse=(\d+)", params["QUERY_STRING"])
    if refused:
        return ("Status: %s Refused\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
                "Set-Cookie: ticket=T\r\nX-Pid: 1\r\nContent-Length: 4\r\n\r\nhold" % refused.group(1))
    seen = json.dumps({"pid": os.getpid(), "params": params, "body": body.decode()}, sort_keys=True)
    return "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(seen), seen)


def pairs(data):
    params, at = [], 0
    while at < len(data):
        lengths = []
        for _ in range(2):
            size = 4 if data[at] >> 7 else 1
            lengths.append(int.from_bytes(data[at:at + size], "big") & 0x7FFFFFFF)
            at += size
        params.append((data[at:at + lengths[0]].decode(), data[at + lengths[0]:at + sum(lengths)].decode()))
        at += sum(lengths)
    return params


def fastcgi(stream):
    streams = {4: b"", 5: b""}  # PARAMS, STDIN
    while header := stream.read(8):
        _, kind, request, length, padding = struct.unpack("!BBHHBx", header)
        content = stream.read(length + padding)[:length]
        if kind in streams:
            streams[kind] += content
        if kind == 5 and length == 0:
            params = pairs(streams[4])
            assert len(params) == len(dict(params)), "a parameter came twice"
            reply = answer(dict(params), streams[5]).encode()
            for kind, data in ((6, reply), (6, b""), (3, bytes(8))):
                stream.write(struct.pack("!BBHHBx", 1, kind, request, len(data), 0) + data)
            stream.flush()
            streams = {4: b"", 5: b""}


def scgi(stream):
    size = b""
    while (byte := stream.read(1)) not in (b":", b""):
        size += byte
    fields = stream.read(int(size) + 1)[:-2].decode().split("\0")
    assert fields[0] == "CONTENT_LENGTH" and len(fields) == 2 * len(set(fields[::2])), "not SCGI"
    params = dict(zip(fields[::2], fields[1::2]))
    assert params["SCGI"] == "1"
    # nginx tells the body's length even where scgi_pass_request_body is off, and then sends none. It is on where the
    # type is sent.
    length = 0 if "VESTIBULE_OPERATION" in params and "CONTENT_TYPE" not in params else int(params["CONTENT_LENGTH"])
    stream.write(answer(params, stream.read(length)).encode())
    stream.flush()


def serve(connection):
    try:
        with connection, connection.makefile("rwb") as stream:
            (fastcgi if GATEWAY == "fastcgi" else scgi)(stream)
    except OSError:
        pass  # nginx hung up


listener = socket.socket(socket.AF_UNIX)
listener.bind(SOCKET)
os.chmod(SOCKET, 0o666)
listener.listen(512)
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
