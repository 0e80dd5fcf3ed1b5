// SPDX-License-Identifier: Apache-2.0
//
// Goal: a room that an operator makes at run time takes visitors on every worker within seconds, without a reload; it
// survives a loss of Redis, new workers and changes, and is gone when it is deleted.

import Foundation
import StrictJSON
import TestSupport
import Testing

extension Integration {
    @Suite struct RuntimeRoomTests {
        @Test func `a room is made, joined, changed, kept through a loss, and deleted, at run time`() throws {
            let stack = try DemoStack(rooms: "  demo: {rate: 1, burst: 1}")
            let client = stack.client()
            #expect(try client.join("flash").status == 404)
            let made = try stack.room("create", "flash", "rate=0", "burst=2")
            #expect(made.status == 0 && made.text.contains("burst: 2"), "\(made.text)")
            // nginx asks the workers in turn.
            var inARow = 0
            let isServed = try Wait.until(seconds: 10) {
                inARow =
                    try client.postJSON("/api/v1/queue/join", "{\"event_id\":\"flash\"}").status == 404 ? 0 : inARow + 1
                return inARow == 6
            }
            #expect(isServed)
            let waiting = try client.join("flash")
            #expect(waiting.status == 202)
            #expect(try stack.room("list").text.contains("flash mode=open"))
            #expect(try stack.room("create", "flash").status != 0, "it is there already")
            #expect(try stack.room("create", "demo").text.contains("ROOM_EXISTS"))
            #expect(try stack.room("create", "fast", "rate=20000").text.contains("at most 15000"))
            #expect(try stack.room("create", "Flash").text.contains("ROOM_INVALID"))
            #expect(try stack.room("set", "flash", "burst=7").text.contains("burst: 7  (set by an operator)"))

            try stack.redis("FLUSHALL")
            let isBack = try Wait.until(seconds: 10) { try stack.room("list").text.contains("flash mode=open") }
            #expect(isBack)
            #expect(try client.status(waiting.ticket).word == "waiting")

            #expect(try stack.room("delete", "demo", "--yes").text.contains("ROOM_IN_FILE"))
            #expect(try stack.room("delete", "flash").text.contains("NOT_CONFIRMED"))
            let deleted = try stack.room("delete", "flash", "--yes")
            #expect(deleted.status == 0, "\(deleted.text)")
            inARow = 0
            let isGone = try Wait.until(seconds: 10) {
                inARow = try client.join("flash").status == 404 ? inARow + 1 : 0
                return inARow == 6
            }
            #expect(isGone)
            #expect(try client.status(waiting.ticket).status == 404)
            #expect(try !stack.room("list").text.contains("flash"))
        }

        @Test func `check-config connects to Redis and names a permission that is missing`() throws {
            let redis = try RedisServer()
            let directory = try TemporaryDirectory()
            // As an editor on Windows writes it.
            try directory.write("password", "secret\r\n")
            try directory.write(
                "vestibule.yaml",
                """
                rooms: {demo: {}}
                redis: {socket: \(redis.socketPath), username: worker, password_file: \(directory.file("password"))}

                """
            )
            func check() throws -> (status: Int32, text: String) {
                let words = ["check-config", directory.file("vestibule.yaml"), "--skip-keys", "--redis"]
                return try TestProcess.output(try Product.vestibule(), words)
            }
            try redis.command("ACL", "SETUSER", "worker", "on", ">secret", "~vq:*", "+@all", "-bitop")
            let refused = try check()
            #expect(refused.status != 0 && refused.text.contains("lacks +bitop"), "\(refused.text)")
            try redis.command("ACL", "SETUSER", "worker", "+bitop")
            let taken = try check()
            #expect(taken.status == 0, "\(taken.text)")
        }
    }
}
