#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Prints the directives that nginx's own modules know, read from the tables in a running nginx: a line each, its module,
# its name, and of http, server and location those levels where it may stand. Only for x86-64 and the like: 64 bits.
# usage: directives.py PID
import re
import struct
import sys

pid = sys.argv[1]
LEVELS = (("http", 0x02000000), ("server", 0x04000000), ("location", 0x08000000))
program = open(f"/proc/{pid}/exe", "rb").read()
base = int(re.search(r"^([0-9a-f]+)-", open(f"/proc/{pid}/maps").read()).group(1), 16)
memory = open(f"/proc/{pid}/mem", "rb")


def symbols():
    """The exported symbols and their addresses in the file."""
    offset, = struct.unpack_from("<Q", program, 0x28)
    size, count = struct.unpack_from("<HH", program, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", program, offset + index * size) for index in range(count)]
    _, _, _, _, start, length, link, _, _, entry = next(section for section in sections if section[1] == 11)
    names = sections[link][4]
    for at in range(start, start + length, entry):
        name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", program, at)
        yield program[names + name:program.index(b"\0", names + name)].decode(), value


def words(address, count):
    memory.seek(address)
    return struct.unpack(f"<{count}Q", memory.read(8 * count))


def text(address, length=None):
    memory.seek(address)
    bytes = memory.read(64 if length is None else length)
    return bytes.split(b"\0")[0].decode()


addresses = dict(symbols())
modules, names = addresses["ngx_modules"] + base, addresses["ngx_module_names"] + base
while True:
    (module,), (name,) = words(modules, 1), words(names, 1)
    if not module:
        break
    # ctx_index, index, name, spare0, spare1, version, signature, ctx, commands
    command = words(module, 9)[8]
    while command:
        length, place, kind = words(command, 3)
        if not length:
            break
        levels = [level for level, bit in LEVELS if kind & bit]
        if levels:
            print(text(name), text(place, length), *levels)
        command += 56    # name (2), type, set, conf, offset, post
    modules, names = modules + 8, names + 8
