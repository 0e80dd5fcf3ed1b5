# SPDX-License-Identifier: Apache-2.0
#
# The WebSocket server of the live site, on Debian's python3-websockets: it says back what it hears.
import asyncio
import json

import websockets

UNLOGGED = {"x-row", "sec-websocket-key"}


async def talk(socket):
    seen = {name.lower(): value for name, value in socket.request_headers.raw_items() if name.lower() not in UNLOGGED}
    with open("@DIR@/arrivals.log", "a") as log:
        row = socket.request_headers.get("X-Row", "none-0")
        log.write("%s %s\n" % (row, json.dumps(dict(seen, path=socket.path), sort_keys=True)))
    async for message in socket:
        await socket.send("of-the-site heard " + message)
        await socket.close()


async def main():
    async with websockets.unix_serve(talk, "@DIR@/live.sock", compression=None):
        await asyncio.Future()


asyncio.run(main())
