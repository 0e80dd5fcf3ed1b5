// SPDX-License-Identifier: Apache-2.0
//
// How a room speaks HTTP: `page_status` and `cors`.

internal import Admission
internal import Yams

extension Configuration {
    /// Reads a key of a room that is about HTTP. False when it is another one.
    static func readWeb(
        _ rules: inout WebRules,
        _ key: Node,
        _ value: Node,
        room: String
    ) throws(ConfigurationError) -> Bool {
        switch key.text {
        case "page_status":
            guard let status = Int(try value.text(key)), WebRules.pageStatuses.contains(status) else {
                throw key.error("page_status must be 200, 202, 429 or 503")
            }
            rules.pageStatus = status
        case "cors": rules.origins = try origins(value, key, room: room)
        default: return false
        }
        return true
    }

    private static func origins(_ node: Node, _ key: Node, room: String) throws(ConfigurationError) -> [String] {
        guard case .sequence(let items) = node else {
            throw key.error("cors must be a list of origins, such as [https://app.example.com]")
        }
        guard items.count <= WebRules.originsMax else {
            throw key.error("cors has more than \(WebRules.originsMax) origins")
        }
        var found: [String] = []
        for item in items {
            guard let text = item.scalar?.string, isOrigin(text) else {
                throw item.error(
                    "cors of room \(room): \(item.text) is no origin as browsers write it, such as "
                        + "https://app.example.com: small letters, no path, no standard port, no pattern"
                )
            }
            if found.contains(text) { throw item.error("cors of room \(room): \(text) is given twice") }
            found.append(text)
        }
        return found
    }

    /// Whether this is an origin in the one form that browsers send (RFC 6454 section 6.2). `null` and `*` are none:
    /// everybody may send the first, and the second would let each site take places for its visitors.
    private static func isOrigin(_ text: String) -> Bool {
        let schemes = [("https://", ":443"), ("http://", ":80")]
        guard let (scheme, port) = schemes.first(where: { text.hasPrefix($0.0) }), text.utf8.count <= 255 else {
            return false
        }
        let host = text.dropFirst(scheme.count)
        let isPlain = host.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || "-.:[]".utf8.contains($0)
        }
        return isPlain && !host.isEmpty && !host.hasPrefix(":") && !host.hasSuffix(":") && !host.hasSuffix(port)
    }
}
