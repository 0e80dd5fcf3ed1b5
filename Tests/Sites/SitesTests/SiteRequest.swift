// SPDX-License-Identifier: Apache-2.0
//
// The requests of a site, as its requests.txt lists them: one line each, `METHOD TARGET | Header: value | @word value`.

import Foundation
import TestSupport

/// One line of a table.
struct SiteRequest: Sendable {
    /// From 1, in the order of the table.
    var row = 0
    var method: String
    /// As it is sent, with every byte.
    var target: String
    var headers: [(name: String, value: String)] = []
    var body: String?
    /// `@chunked`: the body is sent in chunks.
    var isChunked = false
    /// `@open`: also without a pass the site answers: a built-in exception, an exception of the room, a redirect.
    var isOpen = false
    /// `@nginx`: nginx answers it by itself, before the first line of the server.
    var isAnsweredByNginx = false
    /// `@ours`: an address below /_vestibule/, which Vestibule answers with 404 from then on.
    var isOurs = false
    /// `@port n`: which of the ports in the site's configuration.
    var port = 0
    /// `@from`: the address it comes from.
    var source: String?
    /// `@room`: the room of the pass that opens it.
    var room = "demo"
    /// `@plaincookie`: another nginx ends TLS, and ours sees plain HTTP.
    var hasPlainCookie = false
    /// `@tls`, `@h2`, `@v6`: by curl, which speaks these.
    var isTLS = false
    var isHTTP2 = false
    var isIPv6 = false
    var isHTTP10 = false
    /// `@say`: after `101 Switching Protocols`, a WebSocket message of this text.
    var message: String?
    /// `@release`: when the first event of a stream has come, this address is asked, and the stream goes on.
    var release: String?
    var title: String { "\(row): \(method) \(target.prefix(120))" }

    /// A person's navigation: the gate lets it in, when there is room.
    var isNavigation: Bool {
        method == "GET" && headers.contains { $0.name == "Sec-Fetch-Mode" && $0.value == "navigate" }
    }

    /// nginx decodes an address and encodes it again when a request goes back from the gate.
    var isSpelledAnew: Bool {
        let path = target.prefix { $0 != "?" }
        return ["%", "//", "/.", "\"", "http:", " "].contains { path.contains($0) }
    }
}

/// Reading a table.
enum SiteTable {
    static func read(_ text: String) throws -> [SiteRequest] {
        var requests: [SiteRequest] = []
        for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
            let parts = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let words = parts[0].split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { throw TestFailure("not a request: \(line)") }
            var request = SiteRequest(method: words[0], target: words[1])
            var times = 1
            for part in parts.dropFirst() {
                if part.hasPrefix("@") {
                    let word = part.prefix { $0 != " " }
                    let value = part.dropFirst(word.count).trimmingCharacters(in: .whitespaces)
                    if word == "@times" { times = Int(value) ?? 0 } else { try set(&request, String(word), value) }
                } else {
                    let pair = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                    guard pair.count == 2 else { throw TestFailure("not a header: \(part) in \(line)") }
                    request.headers.append((String(pair[0]), pair[1].trimmingCharacters(in: .whitespaces)))
                }
            }
            for _ in 0..<times { requests.append(finished(request, row: requests.count + 1)) }
        }
        return requests
    }

    private static func set(_ request: inout SiteRequest, _ word: String, _ value: String) throws {
        switch word {
        case "@body": request.body = value
        case "@bytes": request.body = String(repeating: "of-the-client ", count: (Int(value) ?? 0) / 14)
        case "@chunked": (request.body, request.isChunked) = (value, true)
        case "@long": request.target += String(repeating: "a", count: Int(value) ?? 0)
        case "@open": request.isOpen = true
        case "@nginx": request.isAnsweredByNginx = true
        case "@ours": request.isOurs = true
        case "@port": request.port = Int(value) ?? 0
        case "@from": request.source = value
        case "@room": request.room = value
        case "@plaincookie": request.hasPlainCookie = true
        case "@tls": request.isTLS = true
        case "@h2": (request.isTLS, request.isHTTP2) = (true, true)
        case "@v6": request.isIPv6 = true
        case "@http10": request.isHTTP10 = true
        case "@say": request.message = value
        case "@release": request.release = value
        default: throw TestFailure("unknown word \(word)")
        }
    }

    /// What a browser sends with each navigation, unless the line says otherwise.
    private static func finished(_ request: SiteRequest, row: Int) -> SiteRequest {
        var request = request
        request.row = row
        let names = Set(request.headers.map { $0.name.lowercased() })
        if !names.contains("host") && !request.isHTTP10 { request.headers.insert(("Host", "site.test"), at: 0) }
        if !names.contains("accept") {
            request.headers += [
                ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("Sec-Fetch-Mode", "navigate"),
                ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "same-origin"),
            ]
        }
        return request
    }
}
