// SPDX-License-Identifier: Apache-2.0
//
// The `protect` of a room: the hosts and paths it stands before, and who need not wait there.

internal import Glibc
internal import NginxFiles
internal import Yams

extension Configuration {
    static func protection(_ node: Node, room: String) throws(ConfigurationError) -> RoomProtection {
        let place = "rooms.\(room).protect"
        var protection = RoomProtection()
        for (key, value) in try members(of: node, in: place) {
            let own = "\(place).\(key.text)"
            switch key.text {
            case "hosts":
                protection.hosts = try texts(value, at: own, RoomProtection.complaint(host:)) { $0.lowercased() }
            case "paths":
                protection.paths = try texts(value, at: own, RoomProtection.complaint(path:))
                guard !protection.paths.isEmpty else { throw key.error("\(own): at least one path is needed") }
            case "internal": protection.internalPaths = try texts(value, at: own, RoomProtection.complaint(path:))
            case "except":
                guard case .sequence(let rules) = value, rules.count <= RoomProtection.entriesMax else {
                    throw key.error("\(own) must be a list of at most \(RoomProtection.entriesMax) rules")
                }
                for (index, rule) in rules.enumerated() {
                    protection.exceptions.append(try exception(rule, at: "\(own)[\(index)]"))
                }
            case "built_in":
                if value.scalar?.string == "off" {
                    protection.builtIns = []
                    continue
                }
                let words = RoomProtection.BuiltIn.allCases.map(\.rawValue).joined(separator: ", ")
                let names = try texts(value, at: own) {
                    RoomProtection.BuiltIn(rawValue: $0) == nil ? "must be off, or a list of \(words)" : nil
                }
                protection.builtIns = names.compactMap { RoomProtection.BuiltIn(rawValue: $0) }
            default: throw key.unknown(in: place)
            }
        }
        return protection
    }

    /// A path by itself, or a mapping whose conditions must all hold.
    private static func exception(
        _ node: Node,
        at place: String
    ) throws(ConfigurationError) -> RoomProtection.Exception {
        var rule = RoomProtection.Exception()
        if case .scalar(let scalar) = node {
            if let complaint = RoomProtection.complaint(path: scalar.string) {
                throw node.error("\(place): \(scalar.string): \(complaint)")
            }
            rule.path = scalar.string
            return rule
        }
        for (key, value) in try members(of: node, in: place) {
            let own = "\(place).\(key.text)"
            switch key.text {
            case "path": rule.path = try text(value, key, at: own, RoomProtection.complaint(path:))
            case "method": rule.methods = try texts(value, at: own, RoomProtection.complaint(method:))
            case "header":
                let parts = try value.text(key).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let content = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : nil
                let complaint =
                    RoomProtection.complaint(header: String(parts[0]))
                    ?? content.flatMap { RoomProtection.complaint(text: $0) }
                if let complaint { throw key.error("\(own): \(complaint)") }
                rule.header = (String(parts[0]), content)
            case "user_agent": rule.userAgent = try text(value, key, at: own, RoomProtection.complaint(text:))
            case "address": rule.addresses = try texts(value, at: own, complaint(addressBlock:))
            default: throw key.unknown(in: place)
            }
        }
        guard rule != RoomProtection.Exception() else {
            throw node.error("\(place) needs a path, method, header, user_agent or address")
        }
        return rule
    }

    private static func text(
        _ node: Node,
        _ key: Node,
        at place: String,
        _ complaint: (String) -> String?
    ) throws(ConfigurationError) -> String {
        let text = try node.text(key)
        if let complaint = complaint(text) { throw key.error("\(place): \(text): \(complaint)") }
        return text
    }

    /// A list, or one value by itself.
    private static func texts(
        _ node: Node,
        at place: String,
        _ complaint: (String) -> String?,
        _ form: (String) -> String = { $0 }
    ) throws(ConfigurationError) -> [String] {
        var items = [node]
        if case .sequence(let list) = node { items = Array(list) }
        guard items.count <= RoomProtection.entriesMax else {
            throw node.error("\(place) has more than \(RoomProtection.entriesMax) entries")
        }
        var found: [String] = []
        for item in items {
            guard let sent = item.scalar?.string else { throw item.error("\(place) must be a list of texts") }
            let text = form(sent)
            if let complaint = complaint(text) { throw item.error("\(place): \(text): \(complaint)") }
            if found.contains(text) { throw item.error("\(place): \(text) is given twice") }
            found.append(text)
        }
        return found
    }

    /// What is wrong with an address or a CIDR block; nil when it is good.
    static func complaint(addressBlock text: String) -> String? {
        let form = "must be an address or a block such as 10.0.0.0/8 or 2001:db8::/32"
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        var bytes = [UInt8](repeating: 0, count: 16)
        let isIPv6 = text.contains(":")
        guard (1...2).contains(parts.count),
            inet_pton(isIPv6 ? AF_INET6 : AF_INET, String(parts[0]), &bytes) == 1
        else { return form }
        let bits = isIPv6 ? 128 : 32
        guard parts.count == 2 else { return nil }
        guard let length = Int(parts[1]), (0...bits).contains(length), "\(length)" == parts[1] else { return form }
        let hasMore = (length..<bits).contains { bytes[$0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 }
        return hasMore ? "has bits after the first \(length), which the block does not look at" : nil
    }
}
