// SPDX-License-Identifier: Apache-2.0
//
// Cookie headers as browsers and others send them, and the attributes our own cookies carry.

import Passes
import Testing

@Suite struct CookieTests {
    private func value(_ header: String, _ name: String) -> String? {
        CookieReader(header.bytes).value(named: name).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func aCookieIsFoundAmongOthers() {
        #expect(value("a=1; b=2; c=3", "b") == "2")
        #expect(value("a=1;b=2;c=3", "c") == "3")
        #expect(value(" a = 1 ;\tb=2\t", "a") == "1")
        #expect(value("a=1; b=x=y==; c", "b") == "x=y==")
        #expect(value("a=; b=2", "a") == "")
    }

    @Test func onlyTheExactNameIsFoundAndTheFirstOfTwo() {
        #expect(value("ab=1; b=2", "b") == "2")
        #expect(value("xb=1; bx=2; B=3", "b") == nil)
        #expect(value("b=1; b=2", "b") == "1")
        #expect(value("c=b=1", "b") == nil)
        #expect(value("c=\"x; b=1\"", "b") == "1\"")
    }

    @Test func everyValueOfANameIsThereInItsOrder() {
        func values(_ header: String, _ names: String...) -> [String] {
            CookieReader(header.bytes).values(named: names).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(values("b=1; a=2; b=; B=3; b=4", "b") == ["1", "4"])
        #expect(values("c=1; b=2; c=3", "b", "c") == ["1", "2", "3"])
        #expect(values("a=1, b=2", "b") == [] && values("", "b") == [])
        let many = String(repeating: "b=x;", count: 40)
        #expect(values(many, "b").count == CookieReader.valuesMax)
    }

    @Test func cookiesOfADomainAndForOtherSitesSayWhereTheyGo() {
        let scope = CookieScope(domain: "example.com", isForOtherSites: true)
        let names = CookieNames(room: "demo", secure: true, scope: scope)
        #expect(
            names.setPass("a.b.c".bytes, maxAgeSeconds: 9) == "__Secure-vestibule-pass-demo=a.b.c; Path=/; "
                + "Domain=example.com; Max-Age=9; HttpOnly; Secure; SameSite=None; Partitioned"
        )
        #expect(CookieNames.passes(room: "demo", secure: true).contains(names.pass))
        let plain = CookieNames(room: "demo", secure: false, scope: scope)
        #expect(
            plain.setPass("a.b.c".bytes, maxAgeSeconds: 9)
                == "vestibule-pass-demo=a.b.c; Path=/; Domain=example.com; Max-Age=9; HttpOnly; SameSite=Lax"
        )
        let framed = CookieNames(room: "demo", secure: true, scope: CookieScope(isForOtherSites: true))
        #expect(framed.clearTicket().hasPrefix("__Host-vestibule-ticket-demo=; Path=/; Max-Age=0; HttpOnly; Secure; S"))
    }

    @Test(arguments: ["", ";", ";;;", "=", "b", "; b ;", "=1", "\0", "b;=1"])
    func brokenHeadersHoldNothing(header: String) {
        #expect(value(header, "b") == nil)
    }

    @Test func cookiesForTLSAreBoundToTheHost() {
        let names = CookieNames(room: "demo", secure: true)
        #expect(names.ticket == "__Host-vestibule-ticket-demo" && names.pass == "__Host-vestibule-pass-demo")
        #expect(
            names.setPass("a.b.c".bytes, maxAgeSeconds: 600)
                == "__Host-vestibule-pass-demo=a.b.c; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
        )
        #expect(
            names.clearTicket() == "__Host-vestibule-ticket-demo=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
        )
    }

    @Test func cookiesWithoutTLSAreNeitherPrefixedNorSecure() {
        let names = CookieNames(room: "demo", secure: false)
        #expect(
            names.setTicket("v1.x".bytes, maxAgeSeconds: 86_400)
                == "vestibule-ticket-demo=v1.x; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"
        )
        #expect(names.clearPass() == "vestibule-pass-demo=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
        #expect(!names.secure)
    }
}
