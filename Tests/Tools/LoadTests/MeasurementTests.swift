// SPDX-License-Identifier: Apache-2.0
//
// What is read from /proc, INFO and pids.json, and the text that reports are made of.

import Glibc
import Load
import StrictJSON
import TestSupport
import Testing

@Suite struct MeasurementTests {
    @Test func `processor time is found behind any process name`() {
        let stat = "77 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 1234 66 0 0 20 0 1 0 5 6 7"
        #expect(ProcessUsage.processorTicks(ofStat: stat) == 1300)
        #expect(ProcessUsage.processorTicks(ofStat: "77 (short) R 1") == nil)
        #expect(ProcessUsage.processorTicks(ofStat: "") == nil)
    }

    @Test func `a process that has worked is seen to have worked`() {
        let group = ProcessGroup(name: "self", pids: [getpid()])
        let before = ProcessUsage.read(group)
        var random = SeededRandom(seed: 1)
        var sum: UInt64 = 0
        for _ in 0..<200_000_000 { sum &+= random.next() }
        let after = ProcessUsage.read(group)
        #expect(after.processorMicroseconds > before.processorMicroseconds, "\(sum)")
        #expect(after.residentBytes > 1_000_000)
        #expect(ProcessUsage.read(ProcessGroup(name: "gone", pids: [Int32.max])).processorMicroseconds == 0)
    }

    @Test func `the groups of a demo are read from its pids file`() {
        let json =
            #"{"supervisor": 9, "redis": 11, "nginx": 12, "backend": null, "workers": [13, 14], "fastcgi_sockets": []}"#
        #expect(
            ProcessGroup.groups(ofDemo: Array(json.utf8)) == [
                ProcessGroup(name: "nginx", pids: [12]), ProcessGroup(name: "workers", pids: [13, 14]),
                ProcessGroup(name: "redis", pids: [11]),
            ]
        )
        #expect(ProcessGroup.groups(ofDemo: Array("[]".utf8)) == nil)
        #expect(ProcessGroup.groups(ofDemo: Array("pid 5".utf8)) == nil)
    }

    @Test func `commands, scripts and memory are read from INFO`() {
        let info = """
            # Memory\r\nused_memory:1601000\r\nused_memory_human:1.53M\r\n# Stats\r\n\
            total_commands_processed:2218\r\ncmdstat_evalsha:calls=209,usec=7,usec_per_call=0.1\r\n
            """
        #expect(RedisUsage(info: info)?.commands == 2218)
        #expect(RedisUsage(info: info)?.scripts == 209)
        #expect(RedisUsage(info: info)?.memoryBytes == 1_601_000)
        #expect(RedisUsage(info: "# Memory\r\n") == nil)
    }

    @Test func `reports are JSON, whatever is in them`() {
        let value = JSONValue.members([
            ("a\"\n", .string("\u{1}\\ü")), ("n", .measure(.nan)), ("x", .measure(1.23456)), ("i", .integer(-4)),
            ("l", .array([.bool(true), .null])), ("m", .members([])),
        ])
        #expect(value.text == #"{"a\"\u000a":"\u0001\\ü","n":null,"x":1.235,"i":-4,"l":[true,null],"m":{}}"#)
    }
}
