// SPDX-License-Identifier: Apache-2.0
//
// `vestibule nginx check` on real configurations, as `nginx -T` prints them: silent where the guard stands, exit 1 with
// file and line where a location is open.

import Foundation
import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct CheckTests {
    private func check(_ configuration: String, _ more: [String] = []) throws -> (status: Int32, text: String) {
        let words = ["nginx", "check", "-c", configuration]
        return try TestProcess.output(try Product.vestibule(), words + more)
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func aGuardedSiteIsClosed(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site.guarded(verifier)
        chmod(site.directory.file("keys.json"), 0o640)
        let answer = try check(site.directory.file("nginx.conf"))
        #expect(answer.status == 0, "\(answer.text)")
        #expect(!answer.text.contains(": open: "), "\(answer.text)")
    }

    @Test func anOpenLocationIsNamedWithFileAndLine() throws {
        let site = try Site.guarded(.lua)
        chmod(site.directory.file("keys.json"), 0o640)
        let path = site.directory.file("nginx.conf")
        let lines = site.directory.read("nginx.conf").split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        let withoutGuard = lines.filter { !$0.contains("vestibule-guard.conf") }
        try site.directory.write("open.conf", withoutGuard.joined(separator: "\n"))
        let answer = try check(site.directory.file("open.conf"))
        #expect(answer.status == 1)
        let php = try #require(withoutGuard.firstIndex { $0.contains("location ~ [.]php$") }) + 1
        #expect(answer.text.contains("\(site.directory.file("open.conf")):\(php): open: "), "\(answer.text)")
        let gif = try #require(withoutGuard.firstIndex { $0.contains("location ~ [.]gif$") }) + 1
        #expect(answer.text.contains("open.conf:\(gif): open: "), "\(answer.text)")

        let early = lines.flatMap { $0.contains("vestibule-guard.conf") ? ["if ($arg_a) { break; }", $0] : [$0] }
        try site.directory.write("early.conf", early.joined(separator: "\n"))
        let machine = try check(site.directory.file("early.conf"), ["--json"])
        let line = try #require(early.firstIndex { $0 == "if ($arg_a) { break; }" }) + 1
        #expect(machine.status == 1)
        #expect(
            machine.text.contains(
                "\"severity\":\"open\",\"file\":\"\(site.directory.file("early.conf"))\",\"line\":\(line)"
            )
        )
        #expect(try check(path).status == 0)
    }

    @Test func whatNginxRefusesIsSaid() throws {
        let directory = try TemporaryDirectory()
        try directory.write("nginx.conf", "events {}\nhttp { nonsense; }\n")
        let answer = try check(directory.file("nginx.conf"))
        #expect(answer.status != 0)
        #expect(answer.text.contains("NGINX_REFUSES") && answer.text.contains("nonsense"), "\(answer.text)")
        let none = try check(directory.file("none.conf"))
        #expect(none.status != 0 && none.text.contains("NGINX_REFUSES"), "\(none.text)")
    }
}
