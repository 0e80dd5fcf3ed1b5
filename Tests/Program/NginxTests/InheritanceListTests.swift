// SPDX-License-Identifier: Apache-2.0
//
// nginx's own list of directives, read from a running nginx, against what our locations set: each that they would
// inherit from the site is set, or harmless.txt says why it may be inherited.

import Foundation
import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct InheritanceListTests {
    private static let folder = "\(Repository.root)/Tests/Program/NginxTests"

    /// The names that lines of our files for locations set, for a gateway.
    private func set(in site: Site, _ gateway: NginxConfiguration.Gateway) -> Set<Substring> {
        let files = ["vestibule-isolate.conf", "vestibule-isolate-answers.conf", "vestibule-\(gateway)-params.conf"]
        let lines = files.flatMap { site.directory.read($0).split(separator: "\n") }
        return Set(lines.compactMap { $0.firstMatch(of: /^ *([a-z_]+)/)?.1 })
    }

    /// Names, or beginnings of names, that may be inherited.
    private func harmless() throws -> (names: Set<Substring>, beginnings: [Substring]) {
        let text = try String(contentsOfFile: "\(Self.folder)/harmless.txt", encoding: .utf8)
        var (names, beginnings) = (Set<Substring>(), [Substring]())
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: ":", maxSplits: 1)
            try #require(parts.count == 2 && parts[1].count > 8, "a reason: \(line)")
            for name in parts[0].split(separator: " ") {
                if name.hasSuffix("*") { beginnings.append(name.dropLast()) } else { names.insert(name) }
            }
        }
        return (names, beginnings)
    }

    @Test(arguments: NginxConfiguration.Gateway.allCases)
    func everythingThatOurLocationsWouldInheritIsSetOrHarmless(gateway: NginxConfiguration.Gateway) throws {
        let site = try Site(verifier: .authRequest, gateway: gateway)
        let pid = site.directory.read("nginx.pid").split(separator: "\n").first ?? ""
        let said = try TestProcess.output("python3", ["\(Self.folder)/directives.py", "\(pid)"])
        let lines = said.text.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(said.status == 0 && lines.count > 450, "\(said.text.suffix(500))")
        let inherited = lines.filter { $0.contains("location") && ($0.contains("server") || $0.contains("http")) }
        let (set, (names, beginnings)) = (set(in: site, gateway), try harmless())
        #expect(inherited.contains { $0[1] == "add_header" } && set.contains("add_header"))
        let other = gateway == .fastcgi ? "scgi_" : "fastcgi_"
        for line in inherited where !set.contains(line[1]) && !line[1].hasPrefix(other) {
            let isHarmless = names.contains(line[1]) || beginnings.contains { line[1].hasPrefix($0) }
            #expect(isHarmless, "\(line[1]) of \(line[0]) reaches our answers")
        }
    }
}
