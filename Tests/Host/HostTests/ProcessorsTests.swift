// SPDX-License-Identifier: Apache-2.0
//
// How many processors are counted: as many as affinity and control groups leave, not as many as the machine has.

import Foundation
import Reactor
import TestSupport
import Testing

struct ProcessorsTests {
    @Test func `A quota of any group around the process counts, the smallest one, rounded up`() throws {
        let root = try TemporaryDirectory()
        func put(_ folder: String, _ text: String) throws {
            let path = root.path + folder
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/cpu.max"))
        }
        #expect(Processors.quota(of: "/", under: root.path) == nil, "the root group has no cpu.max")
        try put("/system.slice", "max 100000\n")
        try put("/system.slice/a.service", "max 100000\n")
        #expect(Processors.quota(of: "/system.slice/a.service", under: root.path) == nil)
        try put("/system.slice/a.service", "250000 100000\n")
        #expect(Processors.quota(of: "/system.slice/a.service", under: root.path) == 3)
        try put("/system.slice", "50000 100000\n")
        #expect(Processors.quota(of: "/system.slice/a.service", under: root.path) == 1)
        #expect(Processors.quota(of: "/elsewhere", under: root.path) == nil)
        for wrong in ["", "x y\n", "0 0\n", "100000\n"] {
            try put("/wrong", wrong)
            #expect(Processors.quota(of: "/wrong", under: root.path) == nil, "\(wrong)")
        }
    }

    @Test func `The group is that of the unified hierarchy`() {
        #expect(Processors.unifiedGroup(in: "0::/user.slice\n") == "/user.slice")
        #expect(Processors.unifiedGroup(in: "4:cpu:/a\n1:name=systemd:/b\n0::/c d\n") == "/c d")
        #expect(Processors.unifiedGroup(in: "4:cpu:/a\n") == nil)
    }

    @Test func `Affinity counts`() throws {
        #expect(Processors.available >= 1 && Processors.available <= sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let directory = try TemporaryDirectory()
        let vestibule = try Product.vestibule()
        try directory.write("keys.json", "{}")
        try directory.write("vestibule.yaml", "rooms: {demo: {}}\nrun_dir: \(directory.path)\n")
        let words = ["nginx", "render", "--config", directory.file("vestibule.yaml")]
        let one = try TestProcess.output("taskset", ["-c", "0", vestibule] + words)
        #expect(one.status == 0 && !one.text.contains("worker-1.fcgi.sock"), "\(one.text)")
        #expect(one.text.contains("worker-0.fcgi.sock"))
        // Of a service that runs, its own sockets count.
        for index in 0..<3 { try directory.write("worker-\(index).fcgi.sock", "") }
        let three = try TestProcess.output("taskset", ["-c", "0", vestibule] + words)
        #expect(three.text.contains("worker-2.fcgi.sock") && !three.text.contains("worker-3.fcgi.sock"))
    }
}
