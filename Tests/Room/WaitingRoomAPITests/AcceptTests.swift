// SPDX-License-Identifier: Apache-2.0
//
// Accept is read alike wherever the gate chooses between a page and JSON. nginx's own reader is held to the same table
// in NginxTests.

import Foundation
import GatewayWire
import TestSupport
import Testing
import WaitingRoomAPI

struct AcceptTests {
    static func table() throws -> [(isPage: Bool, accept: String)] {
        let path = "\(Repository.root)/Tests/Program/NginxTests/accept.txt"
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { ($0.hasPrefix("page "), String($0.dropFirst(5))) }
    }

    @Test("The errand of a request and the page for too many of them follow the table")
    func readersAgree() throws {
        let bench = try WaitingRoomBench()
        try bench.fill()
        let rows = try AcceptTests.table()
        #expect(rows.count > 40)
        for (isPage, accept) in rows {
            // A client without Fetch Metadata is a person's browser by this header alone.
            let held = try bench.gate([(.accept, accept)])
            #expect((held["Content-Type"] == "text/html; charset=utf-8") == isPage, "\(accept)")
            let fields: [(GatewayField, String)] = [(.accept, accept), (.address, "192.0.2.1")]
            var limited = try bench.gate(fields)
            for _ in 0..<60 where limited["X-Accel-Redirect"] == nil { limited = try bench.gate(fields) }
            let place = isPage ? "@vestibule_limited_html" : "@vestibule_limited"
            #expect(limited["X-Accel-Redirect"] == place, "\(accept)")
        }
    }
}
