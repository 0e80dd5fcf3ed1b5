// SPDX-License-Identifier: Apache-2.0
//
// How a room speaks HTTP, as the file says it.

import Admission
import Configuration
import Testing

struct WebRulesTests {
    private func rules(_ text: String) throws -> WebRules {
        try #require(try Configuration(yaml: "rooms:\n  demo:\n    rate: 1\n    \(text)\n").rooms.first).web
    }

    @Test("Unless the file says otherwise the page is 503, for its own host and site")
    func standard() throws {
        #expect(try rules("burst: 1") == .standard)
        #expect(WebRules.standard == WebRules(pageStatus: 503, origins: [], cookieDomain: nil, isForOtherSites: false))
    }

    @Test("Every value is read")
    func values() throws {
        for status in [200, 202, 429, 503] {
            #expect(try rules("page_status: \(status)") == WebRules(pageStatus: status))
        }
        #expect(try rules("cors: []") == .standard)
        let origins = [
            "https://app.example.com", "http://localhost:3000", "https://[::1]:8443", "capacitor://localhost",
        ]
        #expect(try rules("cors: [\"\(origins.joined(separator: "\", \""))\"]") == WebRules(origins: origins))
        #expect(try rules("same_site: lax") == .standard && rules("same_site: none").isForOtherSites)
        #expect(try rules("api: vestibule") == .standard && rules("api: reference").speaksReference)
        #expect(try rules("api: cloudflare").speaksCloudflare)
        #expect(try rules("returns: [/payment/return, /saml/acs]").returns == ["/payment/return", "/saml/acs"])
        #expect(try rules("cookie_domain: example.com").cookieDomain == "example.com")
    }

    @Test("A room has at most 64 paths to which other sites lead back")
    func returnsMax() throws {
        func list(_ count: Int) -> String { "returns: [\((0..<count).map { "/r\($0)" }.joined(separator: ", "))]" }
        #expect(try rules(list(64)).returns.count == 64)
        #expect(throws: ConfigurationError.self) { try rules(list(65)) }
    }

    @Test("A room has at most 64 origins")
    func originsMax() throws {
        func list(_ count: Int) -> String {
            "cors: [\((0..<count).map { "https://a\($0).example" }.joined(separator: ", "))]"
        }
        #expect(try rules(list(64)).origins.count == 64)
        #expect(throws: ConfigurationError.self) { try rules(list(65)) }
    }

    @Test(
        "A bad value is refused with its line",
        arguments: [
            ("page_status: 500", "page_status must be 200, 202, 429 or 503"), ("page_status: ok", "page_status must"),
            ("page_status: 204", "page_status must"), ("page_status:", "page_status needs a value"),
            ("cors: https://a.example", "cors must be a list"), ("cors: [\"*\"]", "* is no origin"),
            ("cors: [\"null\"]", "null is no origin"), ("cors: [https://A.example]", "is no origin"),
            ("cors: [https://a.example/]", "is no origin"), ("cors: [a.example]", "is no origin"),
            ("cors: [\"https://a.example:443\"]", "is no origin"), ("cors: [\"http://a.example:80\"]", "is no origin"),
            ("cors: [\"://a.example\"]", "is no origin"), ("cors: [\"https://*.example\"]", "is no origin"),
            ("cors: [\"https://\"]", "is no origin"),
            ("cors: [https://a.example, https://a.example]", "https://a.example is given twice"),
            ("cors: [{}]", "is no origin"), ("same_site: strict", "same_site must be lax or none"),
            ("returns: /pay", "returns must be a list"), ("returns: [pay]", "a path begins with /"),
            ("returns: [/]", "would let any site send any form"),
            ("returns: [/a/../b]", "a path has no empty segments"),
            ("returns: [{}]", "not a path"),
            ("api: v2", "api must be vestibule, reference or cloudflare"),
            ("cookie_domain: localhost", "cookie_domain must be a domain"),
            ("cookie_domain: .example.com", "must be a"),
            ("cookie_domain: 10.0.0.1", "must be a domain"), ("cookie_domain: Example.com", "must be a domain"),
            ("cookie_domain: \"example.com; Secure\"", "must be a domain"),
            ("cookie_domain: -a.com", "must be a domain"),
        ]
    )
    func errors(_ text: String, _ message: String) throws {
        do {
            _ = try rules(text)
            Issue.record("\(text) was read")
        } catch let error as ConfigurationError {
            #expect(error.line == 4 && error.message.contains(message), "\(error)")
        }
    }
}
