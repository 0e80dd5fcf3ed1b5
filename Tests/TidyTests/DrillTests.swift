// SPDX-License-Identifier: Apache-2.0
//
// Rules over the Python of drills and benchmarks: what changes while it is read (pid files, /proc, ports, processes) is
// touched by deploy/stage/processes.py only, and no sleep stands for an event. And the lists of suites in deploy/test
// are true.

import Foundation
import Testing

@Suite struct DrillTests {
    private static let scripts = Tree.files(["deploy/bench", "deploy/drills", "deploy/stage"], "").filter {
        $0.path.hasSuffix(".py") || $0.lines.first == "#!/usr/bin/env python3"
    }
    /// The functions that wait, and their own tests.
    private static let waiting = ["deploy/stage/processes.py", "deploy/stage/tests.py"]
    private static let users = scripts.filter { !waiting.contains($0.path) }

    /// Lines that are no comment and have one of some texts.
    private func places(_ texts: [String], except fine: [String] = []) -> [String] {
        Self.users.flatMap { file in
            file.lines.enumerated().filter { _, line in
                !line.drop { $0 == " " }.hasPrefix("#") && texts.contains { holds(line, $0) }
                    && !fine.contains { holds(line, $0) }
            }.map { "\(file.path):\($0 + 1): \($1)" }
        }
    }

    @Test func `the scripts are found`() {
        #expect(Set(Self.waiting).isSubset(of: Self.scripts.map(\.path)))
        for name in ["deploy/bench/compare", "deploy/bench/spike", "deploy/drills/run", "deploy/stage/nginx.py"] {
            #expect(Self.users.contains { $0.path == name }, "\(name)")
        }
    }

    @Test func `processes and ports are looked at by the functions that wait`() {
        let found = places(["/proc/", "os.kill(", "waitpid(", ".bind((", "randint(", "pgrep", "pkill"])
        #expect(found.isEmpty, "\(found)")
    }

    @Test func `a pid file is read by pid_from, which waits for a whole number and a living process`() {
        let found = places([".pid\"", ".pid'", ".oldbin"], except: ["pid_from(", "self.pid_path = "])
        #expect(found.isEmpty, "\(found)")
    }

    @Test func `a sleep sets a pace, and the comment before it says of what`() {
        for file in Self.users {
            for (index, line) in file.lines.enumerated() where holds(line, "sleep(") {
                #expect(holds(file.lines[index - 1], "# The pace: "), "\(file.path):\(index + 1)")
            }
        }
    }

    @Test func `a script has its licence and at most 400 lines of at most 120 characters`() {
        for file in Self.scripts {
            #expect(file.lines.prefix(2).contains("# SPDX-License-Identifier: Apache-2.0"), "\(file.path)")
            #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines")
            for (index, line) in file.lines.enumerated() {
                #expect(line.count <= 120 && !line.hasSuffix(" "), "\(file.path):\(index + 1)")
            }
        }
    }

    /// The names of suites in a variable of deploy/test, which may be set in several lines.
    private func suites(_ variable: String) throws -> [String] {
        let text = try String(contentsOfFile: "\(Tree.root)/deploy/test", encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("\(variable)=") }
        try #require(!lines.isEmpty)
        return lines.flatMap { $0.dropFirst(variable.count + 1).split { "'\"|".contains($0) } }.map(String.init)
            .filter { !$0.hasPrefix("$") }
    }

    @Test func `deploy test --fast leaves out suites that exist, and every suite that starts a server`() throws {
        let listed = try suites("heavy") + suites("servers") + suites("slow")
        #expect(listed.count > 5)
        let figures = try Set(suites("figures"))
        #expect(figures.isSuperset(of: ["MassRecoveryTests", "TotalLossTests"]), "both lines are read")
        for name in figures {
            let isHeavy = Tree.tests.contains { $0.path.hasSuffix("/\(name).swift") && listed.contains($0.target) }
            #expect(isHeavy || listed.contains(name), "deploy/test does not run \(name) by itself")
        }
        for name in listed {
            let isThere = Tree.tests.contains { $0.target == name || $0.path.hasSuffix("/\(name).swift") }
            #expect(isThere, "deploy/test names \(name), which is no suite")
        }
        let servers = ["RedisServer(", "DemoStack(", "redis-server\"", "sbin/nginx", "\"nginx\", ["]
        for file in Tree.tests where file.target.hasSuffix("Tests") && file.target != "TidyTests" {
            let isListed = listed.contains { file.target == $0 || file.path.hasSuffix("/\($0).swift") }
            let starts = file.lines.first { line in servers.contains { holds(line, $0) } }
            #expect(isListed || starts == nil, "\(file.path) starts a server, and deploy/test does not list it")
        }
    }
}
