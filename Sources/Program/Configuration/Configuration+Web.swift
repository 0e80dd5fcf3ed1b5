// SPDX-License-Identifier: Apache-2.0
//
// How a room speaks HTTP: `page_status`, `page`, `cors`, `returns`, `same_site`, `cookie_domain` and `api`.

internal import Admission
internal import NginxFiles
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
        case "returns": rules.returns = try returns(value, key, room: room)
        case "page": rules.pageFolder = try value.text(key)
        case "same_site":
            switch try value.text(key) {
            case "lax": rules.isForOtherSites = false
            case "none": rules.isForOtherSites = true
            default: throw key.error("same_site must be lax or none")
            }
        case "api":
            switch try value.text(key) {
            case "vestibule": (rules.speaksReference, rules.speaksCloudflare) = (false, false)
            case "reference": (rules.speaksReference, rules.speaksCloudflare) = (true, false)
            case "cloudflare": (rules.speaksReference, rules.speaksCloudflare) = (false, true)
            default: throw key.error("api must be vestibule, reference or cloudflare")
            }
        case "cookie_domain":
            let domain = try value.text(key)
            guard isDomain(domain) else {
                throw key.error("cookie_domain must be a domain that the hosts share, such as example.com")
            }
            rules.cookieDomain = domain
        default: return false
        }
        return true
    }

    /// Whether hosts can share it: two names at least, in small letters, and no address.
    private static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let arePlain = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") }
        }
        return labels.count >= 2 && arePlain && text.utf8.count <= 253 && labels.last?.allSatisfy(\.isNumber) == false
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func returns(_ node: Node, _ key: Node, room: String) throws(ConfigurationError) -> [String] {
        guard case .sequence(let items) = node else {
            throw key.error("returns must be a list of paths, such as [/payment/return]")
        }
        guard items.count <= WebRules.returnsMax else {
            throw key.error("returns has more than \(WebRules.returnsMax) paths")
        }
        var found: [String] = []
        for item in items {
            guard let text = item.scalar?.string else { throw item.error("returns of room \(room): not a path") }
            if text == "/" {
                throw item.error("returns of room \(room): / would let any site send any form in the visitor's name")
            }
            if let complaint = RoomProtection.complaint(path: text) {
                throw item.error("returns of room \(room): \(complaint)")
            }
            found.append(text)
        }
        return found
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

    /// Whether this is an origin in the one form that browsers send (RFC 6454 section 6.2). Views of apps have schemes
    /// of their own. `null` and `*` are none: everybody may send the first, and the second would let each site take
    /// places for its visitors.
    private static func isOrigin(_ text: String) -> Bool {
        guard text.utf8.count <= 255, let mark = text.firstRange(of: "://") else { return false }
        let (scheme, host) = (text[..<mark.lowerBound], text[mark.upperBound...])
        let isScheme =
            scheme.utf8.allSatisfy { isPlain($0) || "+-.".utf8.contains($0) } && scheme.first?.isLetter == true
        let isHost = host.utf8.allSatisfy { isPlain($0) || "-.:[]".utf8.contains($0) }
        let standardPort = ["https": ":443", "http": ":80"][scheme]
        return isScheme && isHost && !host.isEmpty && !host.hasPrefix(":") && !host.hasSuffix(":")
            && standardPort.map { host.hasSuffix($0) } != true
    }
}
