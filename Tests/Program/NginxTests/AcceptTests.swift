// SPDX-License-Identifier: Apache-2.0
//
// nginx's own page for a waiting room that does not answer is a page or JSON as the workers would choose.

import Foundation
import NginxFiles
import TestSupport
import Testing

@Suite(.serialized) struct AcceptTests {
    @Test func nginxReadsAcceptAsTheWorkersDo() throws {
        let site = try Site.guarded(.njs)
        site.endWorkers()
        let table = "\(Repository.root)/Tests/Program/NginxTests/accept.txt"
        let lines = try String(contentsOfFile: table, encoding: .utf8)
            .split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count > 40)
        let cut = "json a/b;x=\(String(repeating: "y", count: 1020)),text/html"
        for line in lines + [cut[...]] {
            let answer = try site.request("/x", headers: ["Accept: \(line.dropFirst(5))"])
            let type = line.hasPrefix("page ") ? "text/html; charset=utf-8" : "application/problem+json"
            #expect(answer.status == 503 && answer.values(of: "Content-Type") == [type], "\(line)")
        }
    }
}
