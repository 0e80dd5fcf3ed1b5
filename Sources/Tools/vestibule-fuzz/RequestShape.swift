// SPDX-License-Identifier: Apache-2.0
//
// Builds requests as a hostile or careless client makes them: near enough to real ones to reach the handlers. It uses
// GatewayWire and Passes.

import GatewayWire
import Passes

enum RequestShape {
    private static let methods = ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "get", ""]
    private static let routes = [
        "/api/v1/queue/status", "/api/v1/queue/join", "/api/v1/queue/enter", "/api/v1/queue/leave",
        "/api/v1/queue/board", "/healthz", "/readyz", "/metrics", "/", "/api/v1/queue/", "//evil.example/<zq",
    ]
    private static let rooms = ["demo", "other", "closed", "bypass", "named", "work", "nowhere", "<zq", ""]
    private static let languages = ["ko", "en;q=0.9", "*", "ko-KR;q=0.8", "en;q=1.0001", "q=", ";;;", "ko;q=.5"]
    private static let accepts = [
        "text/html", "text/html", "application/json", "*/*", "text/html,application/json", "text/html;q=0,*/*;q=1.000",
        #"a/b;x="text/html,\"";q=0.5 , text/html;q="#, "application/a+json;q=.5", ";q=1,,/;;=",
    ]
    /// What says how a browser came to send a request, with values that it may have.
    private static let origins: [(field: GatewayField, values: [String])] = [
        (.fetchMode, ["navigate", "cors", "no-cors", "websocket", "<zq"]),
        (.fetchDestination, ["document", "iframe", "empty", "image", ""]),
        (.fetchSite, ["same-origin", "same-site", "cross-site", "none", "<zq"]),
        (.origin, ["https://app.example", "https://evil.example", "null", "://", "<zq>"]),
        (.host, ["app.example", "evil.example:443", "", "<zq>"]), (.errand, ["prefetch", "partial", "socket", "<zq"]),
    ]
    /// Each is a mark that must never be seen in an answer as it is.
    private static let marks = ["<zq>", "\"zq", "'zq", "\r\nSet-Cookie: zq=1", "\u{0}zq", "</script><zq"].map {
        Array($0.utf8)
    }
    private static let words: [[UInt8]] =
        marks
        + [
            "%", "%00", "%zz", "&", "token=", "event_id=demo", "vestibule-noscript=join", "vestibule-noscript=wait",
            "+",
        ]
        .map { Array($0.utf8) } + [[0xFF, 0xFE], [0x80]]

    static func make(_ chance: inout Chance, tokens: [[UInt8]]) -> PlainRequest {
        var request = PlainRequest()
        func add(_ field: GatewayField, _ value: [UInt8], _ chance: inout Chance) {
            var value = value
            if chance.oneIn(12) { chance.mutate(&value, words: words, times: 1 + chance.below(2)) }
            // No protocol carries a NUL in a value.
            let sent = value.filter { $0 != 0 }
            request.parameters.append((field.parameterName.withUTF8Buffer { Array($0) }, sent))
        }
        let token = tokens.isEmpty || chance.oneIn(6) ? chance.bytes(20) : chance.pick(tokens)
        let room = Array(chance.pick(rooms).utf8)
        let isGate = chance.oneIn(3)
        let route = chance.pick(routes)
        let isPost = route.hasSuffix("join") || route.hasSuffix("enter") || route.hasSuffix("leave")
        add(.method, Array((chance.oneIn(6) ? chance.pick(methods) : isPost ? "POST" : "GET").utf8), &chance)
        add(.path, Array(route.utf8), &chance)
        add(.query, query(token, room, &chance), &chance)
        if isGate { add(.operation, Array(chance.pick(["gate", "gate", "gate", "verify", "x"]).utf8), &chance) }
        if isGate || chance.oneIn(10) {
            add(.room, chance.oneIn(4) ? room : Array("demo".utf8), &chance)
            let verdict = chance.pick([
                "missing", "missing", "missing", "expired", "foreign", "other-client", "ok:demo", "forged", "",
            ])
            add(.verdict, Array(verdict.utf8), &chance)
        }
        if chance.oneIn(2) { add(.cookie, cookies(token, &chance), &chance) }
        if chance.oneIn(6) { add(.authorization, Array("Bearer ".utf8) + token, &chance) }
        if chance.oneIn(3) { add(.idempotencyKey, chance.oneIn(2) ? token : Array("key-of-sixteen-c".utf8), &chance) }
        add(.accept, Array(chance.pick(accepts).utf8), &chance)
        if chance.oneIn(2) {
            let items = (0..<chance.below(5)).map { _ in chance.pick(languages) }
            add(.acceptLanguage, Array(items.joined(separator: ",").utf8), &chance)
        }
        if chance.oneIn(3) { add(.client, Array(chance.pick(["203.0.113.7", "2001:db8::1", "unix:"]).utf8), &chance) }
        if chance.oneIn(3) { add(.agent, chance.oneIn(2) ? Array("Mozilla/5.0".utf8) : chance.bytes(30), &chance) }
        for (field, values) in origins where chance.oneIn(4) { add(field, Array(chance.pick(values).utf8), &chance) }
        add(.scheme, Array((chance.oneIn(2) ? "https" : "http").utf8), &chance)
        // nginx makes it: 32 hexadecimal digits. It is shown, so it must be text even when it is not nginx's.
        let trace = chance.oneIn(20) ? "<zq>\"zq\\" : "6e0c6cb9ee8fb6d1cc2b4a1bb4bb3f0c"
        add(.requestID, Array(trace.utf8), &chance)
        if isPost || chance.oneIn(10) { request.body = body(token, room, &chance) }
        return request
    }

    private static func query(_ token: [UInt8], _ room: [UInt8], _ chance: inout Chance) -> [UInt8] {
        var parts: [[UInt8]] = []
        if chance.oneIn(2) { parts.append(Array("token=".utf8) + encoded(token, &chance)) }
        if chance.oneIn(2) { parts.append(Array("event_id=".utf8) + encoded(room, &chance)) }
        if chance.oneIn(4) {
            parts.append(Array("vestibule-noscript=".utf8) + Array(chance.pick(["join", "wait", "x"]).utf8))
        }
        if chance.oneIn(4) { parts.append(chance.pick(words)) }
        return Array(parts.joined(separator: [UInt8(ascii: "&")]))
    }

    /// Some bytes percent-encoded that need not be, and those that must.
    static func encoded(_ bytes: [UInt8], _ chance: inout Chance) -> [UInt8] {
        let digits = Array("0123456789abcdefABCDEF".utf8)
        return bytes.flatMap { byte -> [UInt8] in
            guard chance.oneIn(16) else { return [byte] }
            let low = Int(byte & 15)
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[low > 9 && chance.oneIn(2) ? low + 6 : low]]
        }
    }

    private static func cookies(_ token: [UInt8], _ chance: inout Chance) -> [UInt8] {
        let names = [
            "vestibule-ticket-demo", "__Host-vestibule-ticket-demo", "vestibule-pass-demo",
            "__Host-vestibule-pass-demo",
            "vestibule-ticket-other", "vestibule-enqueue-named", "x",
        ]
        let pairs = (0..<(1 + chance.below(3))).map { _ in Array("\(chance.pick(names))=".utf8) + token }
        return Array(pairs.joined(separator: Array("; ".utf8)))
    }

    private static func body(_ token: [UInt8], _ room: [UInt8], _ chance: inout Chance) -> [UInt8] {
        let text = String(decoding: token, as: UTF8.self).filter { $0 != "\"" && $0 != "\\" && $0 >= " " }
        var body = Array(
            chance.pick([
                #"{"event_id":"\#(room.text)"}"#, #"{"event_id":"demo","user_id":"<zq>"}"#,
                #"{"waiting_token":"\#(text)"}"#, #"{"event_id":"named","enqueue_token":"\#(text)"}"#,
                #"{"event_id":"work"}"#,
                #"{"event_id":"work","proof":{"challenge":"\#(text)","nonce":"\#(chance.below(999))"}}"#,
                #"{"event_id":5}"#, "{}", "", #"{"event_id":"demo","user_id":null,"more":[1,2,{"a":"b"}]}"#,
            ]).utf8
        )
        if chance.oneIn(6) { chance.mutate(&body, words: words, times: 1 + chance.below(3)) }
        return body
    }
}
