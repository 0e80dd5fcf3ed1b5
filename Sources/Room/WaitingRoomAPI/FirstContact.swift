// SPDX-License-Identifier: Apache-2.0
//
// A browser that opens several tabs at once, and has no cookie yet, is one visitor. Nothing in its requests says so;
// people behind one address look the same. So the first of such requests is let in at once, and those that look the
// same soon after it get the page. When its script asks, the browser has the ticket of the first; a visitor without one
// joins and is let in. Nobody gets the place of somebody else.

internal import Admission
internal import GatewayWire

/// What the first requests of one browser have in common.
struct FirstContact {
    /// How long requests that look the same may be one browser's, in milliseconds: a browser restores its tabs within a
    /// few seconds. Two that come around the end of such a span take two numbers.
    static let spanMilliseconds = 5_000

    private let marks: [UInt8]

    /// Nil for all but a browser's own GET of a page. Every browser that says what a request is for, and so is new
    /// enough for the page's script, begins its User-Agent with "Mozilla/"; programs have no tabs.
    init?(_ request: GatewayRequest, nowMilliseconds now: Int) {
        let isTab = request[.method].spells("GET") && !request[.fetchMode].isEmpty
        let isBrowser = request[.agent].starts(with: "Mozilla/".utf8)
        guard isTab, isBrowser, let network = SourceNetwork.bits(request[.client]) else { return nil }
        let texts = [request[.agent], request[.acceptLanguage], request[.acceptEncoding]]
        marks = Array("\(network) \(now / FirstContact.spanMilliseconds)".utf8) + texts.flatMap { [10] + $0 }
    }

    /// The key of the number that the first of them takes.
    var key: String { JoinChecks.storeKey(of: marks, purpose: "vestibule first contact") }
}
