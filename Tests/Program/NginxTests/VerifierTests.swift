// SPDX-License-Identifier: Apache-2.0
//
// Holds the njs, the Lua and the auth_request verifier, and Swift's, to one table. The backend's log is the judge: no
// line for any bad pass, one for each good one.

import Foundation
import NginxFiles
import Passes
import TestSupport
import Testing

@Suite(.serialized) struct VerifierTests {
    @Test(arguments: NginxConfiguration.Verifier.allCases, [false, true])
    func onlyAGoodPassReachesTheBackend(verifier: NginxConfiguration.Verifier, https: Bool) throws {
        let site = try Site(verifier: verifier)
        let name = CookieNames(room: Site.room, secure: https).pass
        let rows = try PassTable(ring: site.ring, cookieName: name).rows()
        #expect(rows.count > 100)
        for (index, row) in rows.enumerated() {
            let path = "/row-\(index)-of-table"
            let headers = row.cookies.map { "Cookie: \($0)" } + row.client.headers
            let response = try site.request(path, https: https, headers: headers)
            let lines = try site.backendLines(containing: path)
            if row.verdict == "ok" {
                #expect(response.status == 200 && response.body == "backend GET \(path)", "\(row.name)")
                #expect(lines.count == 1, "\(row.name)")
                #expect(lines.first?.contains("room=demo ticket=42 pass=eyJ") == true, "\(row.name)")
            } else {
                #expect(response.gateVerdict == row.verdict, "\(row.name)")
                #expect(lines.isEmpty, "\(row.name)")
            }
        }
    }

    @Test func swiftSaysTheSameOfTheTable() throws {
        let ring = try KeyRing(keys: [
            SigningKey(kid: "k1", secret: Array(0..<32)), SigningKey(kid: "k2", secret: Array(0x40..<0x80)),
        ])
        let table = PassTable(ring: ring, cookieName: "cookie")
        for row in try table.rows() {
            let cookies = CookieReader(Array(row.cookies.joined(separator: "; ").utf8)).values(named: ["cookie"])
            let (room, now, client) = (Site.room, table.nowSeconds, row.client.asSeen)
            let verdict: String
            switch ring.verifyPass(amongst: cookies, room: room, nowSeconds: now, client: client)?.verdict {
            case nil: verdict = "missing"
            case .valid(let pass): verdict = pass.isDue(nowSeconds: now) ? "due" : "ok"
            case .malformed: verdict = "malformed"
            case .forged: verdict = "forged"
            case .foreign: verdict = "foreign"
            case .expired: verdict = "expired"
            case .otherClient: verdict = "other-client"
            }
            #expect(verdict == row.verdict, "\(row.name)")
        }
    }

    /// nginx hands variables to JavaScript as text, where these bytes are none.
    @Test(arguments: [NginxConfiguration.Verifier.njs, .lua])
    func aBrowserWhoseNameIsNoTextIsToldFromOthers(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        let agents: [[UInt8]] = [[0x41, 0xFF], [0x41, 0xFE], [0x41, 0xEF, 0xBF, 0xBD]]
        let binding = PassBinding(to: PassClient(network: [], agent: agents[0]), network: false, agent: true)
        let table = PassTable(ring: site.ring, cookieName: "vestibule-pass-demo")
        let pass = Pass(
            room: "demo",
            number: 42,
            jti: "abc",
            issuedAtSeconds: table.nowSeconds,
            expiresAtSeconds: table.nowSeconds + 600,
            binding: binding
        )
        for agent in agents {
            try Data("User-Agent: ".utf8 + agent).write(to: URL(fileURLWithPath: site.directory.file("agent")))
            let headers = ["@\(site.directory.file("agent"))", "Cookie: vestibule-pass-demo=\(table.token(pass))"]
            let isLetIn = try site.request("/bytes", headers: headers).body == "backend GET /bytes"
            #expect(isLetIn == (agent == agents[0]), "\(agent)")
        }
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func aPassLivesThreeSecondsPastItsExpiryButIsNotForTheOtherScheme(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        for https in [false, true] {
            let (names, others) = (CookieNames(room: "demo", secure: https), CookieNames(room: "demo", secure: !https))
            // Made here, not in the table, so that no time passes in between: five seconds are allowed.
            let late = PassTable(ring: site.ring, cookieName: names.pass)
            let token = late.token(late.pass(expiresIn: -3))
            #expect(
                try site.request("/late", https: https, headers: ["Cookie: \(names.pass)=\(token)"]).body
                    == "backend GET /late"
            )
            let good = late.token(late.pass())
            let other = try site.request("/scheme", https: https, headers: ["Cookie: \(others.pass)=\(good)"])
            #expect(other.gateVerdict == "missing")
        }
        #expect(try site.backendLines(containing: "/scheme").isEmpty)
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func whatAClientSendsAsOursNeverReachesTheBackend(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        let table = PassTable(ring: site.ring, cookieName: "vestibule-pass-demo")
        let token = table.token(table.pass())
        let forged = ["X-Vestibule-Pass: evil", "X-Vestibule-Ticket: evil", "X-Vestibule-Room: evil"]
        let cookie = "Cookie: vestibule-pass-demo=\(token)"
        #expect(try site.request("/with-pass", headers: forged + [cookie]).status == 200)
        #expect(try site.request("/admitted?admit", headers: forged).status == 200)
        #expect(
            try site.log("backend.log") == """
                GET /with-pass length= room=demo ticket=42 pass=\(token) body=
                GET /admitted?admit length= room=demo ticket=77 pass=issued-pass body=

                """
        )
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func aVerdictForOneRoomOpensNoOther(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        let cookie = [site.goodPass()]
        // try_files goes on to a location of another room within the same request, with the verdict already made.
        let hopped = try site.request("/hop/x", headers: cookie)
        #expect(hopped.gateVerdict != nil)
        #expect(hopped.body.contains(#""VESTIBULE_ROOM": "other""#))
        // Admitted to demo by the gate: still not to other.
        #expect(try site.request("/hop/x?only=demo", headers: cookie).body.contains("other"))
        #expect(try site.backendLines(containing: "hop").isEmpty)
        // Within its own room a request may move.
        #expect(try site.request("/hop-same/x", headers: cookie).body == "backend GET /hop-same/x")
        #expect(try site.request("/hop-same/y?admit").body == "backend GET /hop-same/y?admit")
        #expect(
            try site.backendLines(containing: "hop-same").map { $0.contains("ticket=") && !$0.contains("ticket= ") }
                == [true, true]
        )
    }

    @Test(arguments: NginxConfiguration.Verifier.allCases)
    func aLocationWithoutARoomOpensToNobody(verifier: NginxConfiguration.Verifier) throws {
        let site = try Site(verifier: verifier)
        let table = PassTable(ring: site.ring, cookieName: "vestibule-pass-")
        for path in ["/no-room/", "/bad-room/"] {
            for cookie in ["vestibule-pass-", "vestibule-pass-demo", "vestibule-pass-a.b"] {
                let response = try site.request(path, headers: ["Cookie: \(cookie)=\(table.token(table.pass()))"])
                #expect(response.gateVerdict != nil)
            }
        }
        #expect(try site.log("backend.log").isEmpty)
    }
}
