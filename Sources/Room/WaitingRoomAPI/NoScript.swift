// SPDX-License-Identifier: Apache-2.0
//
// Waiting without JavaScript. The page loads the protected address again by itself; the gate then does what the script
// would: take a number, count the heartbeat, claim the call. A marker in the query says how far the visitor is. It
// is gone from the address, by a redirect, before the backend sees a request.

internal import GatewayWire

/// What a request at the gate says about a visitor without JavaScript.
struct NoScript {
    /// The query's value of `vestibule-noscript`.
    enum Step: String {
        /// The visitor's page asks for a number: only a browser that runs no script follows that refresh.
        case join
        /// A number has been given out. A visitor who comes with this marker and without a ticket keeps no cookies.
        case wait
    }

    private static let marker = "vestibule-noscript"

    private(set) var step: Step?
    let isMarked: Bool
    private let path: [UInt8]
    /// Without the marker.
    private let query: [UInt8]

    init(_ request: GatewayRequest) {
        let sent = request[.query]
        path = Array(request[.path])
        guard let value = QueryString.value("vestibule-noscript", in: sent) else {
            isMarked = false
            query = Array(sent)
            return
        }
        isMarked = true
        step = Step(rawValue: String(decoding: value, as: UTF8.self))
        let kept = sent.split(separator: UInt8(ascii: "&")).filter { !$0.starts(with: "\(NoScript.marker)=".utf8) }
        query = Array(kept.joined(separator: [UInt8(ascii: "&")]))
    }

    /// The number that was waited with is over.
    mutating func forgetWait() {
        if step == .wait { step = nil }
    }

    /// The address that was asked for, without the marker: one slash at its beginning, so that no other host is named.
    var cleanLocation: String {
        let rest = path.drop { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        let encodedPath = "/" + NoScript.percentEncoded(rest, alsoEncoding: "%?#")
        return query.isEmpty ? encodedPath : encodedPath + "?" + NoScript.percentEncoded(query[...], alsoEncoding: "")
    }

    /// A relative reference to the same address with the marker (RFC 3986 section 5.2: the path stays).
    func address(_ step: Step) -> String {
        let kept = query.isEmpty ? "" : NoScript.percentEncoded(query[...], alsoEncoding: "") + "&"
        return "?\(kept)\(NoScript.marker)=\(step.rawValue)"
    }

    /// Encodes what RFC 3986 allows nowhere, and what ends an attribute in HTML. An existing %XX stays.
    private static func percentEncoded(_ bytes: ArraySlice<UInt8>, alsoEncoding others: StaticString) -> String {
        let more = UnsafeBufferPointer(start: others.utf8Start, count: others.utf8CodeUnitCount)
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for byte in bytes {
            switch byte {
            case 0...0x20, 0x7f...0xff, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "\\"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "}"):
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            case _ where more.contains(byte):
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    // MARK: - In the page

    /// When and where the page loads itself again.
    struct Refresh {
        /// Nil: not by itself, since the browser keeps no cookies and would take number after number, or may not join.
        var seconds: Int?
        var address: String
        /// Whether it is for want of cookies that the page does not load itself.
        var asksForCookies = true
        /// Nobody gets a number without a script just now.
        var needsScript = false
        /// How the page deals with a form; nil where there is none, or it is lost.
        var form: FormKeeper.Manner?

        private var escapedAddress: String { HTML.escaped(address) }

        var metaElement: String {
            seconds.map { #"<meta http-equiv="refresh" content="\#($0); url=\#(escapedAddress)">"# } ?? ""
        }

        /// - Parameter position: nil for a visitor who has no place yet.
        func paragraph(_ words: any Sentences.Type, position: Int?) -> String {
            if let form {
                guard form == .kept else { return "" }
                return
                    "<p>\(words.formPlain)</p>\n<button form=\"sent\" class=\"first\" formaction=\"\(escapedAddress)\">"
                    + "\(words.formLook)</button>"
            }
            var sentences: [String] = []
            if let seconds {
                sentences.append(needsScript ? words.needsScript(seconds) : words.loadsAgain(seconds))
                if !needsScript, position != nil { sentences.append(words.keptMeanwhile) }
            } else if asksForCookies {
                sentences.append(words.allowCookies)
            }
            sentences.append(#"<a href="\#(escapedAddress)">\#(words.loadAgain)</a>"#)
            return "<p>\(sentences.joined(separator: " "))</p>"
        }
    }
}
