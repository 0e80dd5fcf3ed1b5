// SPDX-License-Identifier: Apache-2.0
//
// What a room protects, as values: hosts, paths and exceptions. GuardMaps.swift makes nginx's maps of them.

/// The part of a site that a room stands before.
public struct RoomProtection: Equatable, Sendable {
    /// A request that is let through unasked: all that is given must hold. At least one condition is given.
    public struct Exception: Equatable, Sendable {
        /// This path, or everything below it; below it only when it ends with a slash.
        public var path: String?
        /// Any of these methods; empty for every method.
        public var methods: [String] = []
        /// A header that is there, or that has exactly this value.
        public var header: (name: String, value: String?)? {
            get { headerName.map { ($0, headerValue) } }
            set { (headerName, headerValue) = (newValue?.name, newValue?.value) }
        }
        private var headerName: String?
        private var headerValue: String?
        /// Text that the User-Agent contains, in any case.
        public var userAgent: String?
        /// Any of these addresses or CIDR blocks; empty for every address.
        public var addresses: [String] = []

        public init(path: String? = nil) { self.path = path }

        /// Whether nothing but a path is asked for.
        var isPathOnly: Bool {
            methods.isEmpty && headerName == nil && userAgent == nil && addresses.isEmpty
        }
    }

    /// The exceptions that every room has unless it says otherwise.
    public enum BuiltIn: String, CaseIterable, Sendable {
        /// `/.well-known/acme-challenge/`: a certificate must not wait.
        case acme
        /// `/robots.txt`.
        case robots
        /// OPTIONS with Access-Control-Request-Method: browsers send no cookies with it.
        case preflight
    }

    /// Lower-case names without a port, or `*.` and a name; empty for every host. 64 at most.
    public var hosts: [String] = []
    /// Where the room stands, in exact case, decoded. 64 at most.
    public var paths: [String] = ["/"]
    /// Requests that need not wait. 64 rules at most.
    public var exceptions: [Exception] = []
    /// Which of the built-in exceptions hold.
    public var builtIns: [BuiltIn] = BuiltIn.allCases
    /// Paths of the site's own `internal` locations: the gate lets nobody in there. 64 at most.
    public var internalPaths: [String] = []

    public init() {}

    /// Entries of each list at most.
    public static let entriesMax = 64
    /// Bytes of a path, a host, or a text to compare at most.
    public static let textLengthMax = 256

    /// What is wrong with a path; nil when it is good.
    public static func complaint(path: String) -> String? {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/") else { return "a path begins with /" }
        guard bytes.count <= textLengthMax else { return "a path has at most \(textLengthMax) bytes" }
        if path.contains("*") { return "a path covers what is below it: /shop/ and not /shop/*" }
        if path.contains("?") || path.contains("#") { return "a path has no query string and no fragment" }
        if path.contains("%") { return "a path is written decoded, as nginx's $uri" }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return "a path has no spaces or control characters" }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if segments.last?.isEmpty == true { segments.removeLast() }
        guard segments.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            return "a path has no empty segments, no . and no .."
        }
        if segments.first == "_vestibule" { return "/_vestibule/ is Vestibule's own" }
        return nil
    }

    /// What is wrong with a host; nil when it is good.
    public static func complaint(host: String) -> String? {
        guard (1...textLengthMax).contains(host.utf8.count) else { return "a host has 1 to \(textLengthMax) bytes" }
        if host.hasPrefix("["), host.hasSuffix("]"), host.dropFirst().dropLast().allSatisfy({ isHex($0) || $0 == ":" })
        {
            return nil
        }
        if host.contains(":") { return "a host has no port and no scheme" }
        let name = host.hasPrefix("*.") ? host.dropFirst(2) : host[...]
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy {
                    isLowercaseOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
        return isName ? nil : "a host is a name such as www.example.com or *.example.com"
    }

    private static func isHex(_ character: Character) -> Bool {
        character.isASCII && character.isHexDigit
    }

    private static func isLowercaseOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// What is wrong with a method; nil when it is good.
    public static func complaint(method: String) -> String? {
        let isWord = method.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == 0x2D }
        return isWord && (1...32).contains(method.utf8.count) ? nil : "a method is a word in capitals, such as POST"
    }

    /// What is wrong with the name of a header; nil when it is good.
    public static func complaint(header: String) -> String? {
        let isWord = header.utf8.allSatisfy {
            isLowercaseOrDigit($0 | 0x20) && ($0 & 0x40 != 0 || $0 & 0xF0 == 0x30) || $0 == UInt8(ascii: "-")
        }
        guard isWord, (1...64).contains(header.utf8.count) else {
            return "a header is a name such as X-Probe, or a name, a colon and the value"
        }
        return header.lowercased().hasPrefix("x-vestibule-") ? "headers named X-Vestibule-… are Vestibule's own" : nil
    }

    /// What is wrong with a text to compare; nil when it is good.
    public static func complaint(text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        return isPlain && (1...textLengthMax).contains(text.utf8.count)
            ? nil : "a text to compare has 1 to \(textLengthMax) bytes and no control characters"
    }
}

/// A room and what it protects.
public struct ProtectedRoom: Equatable, Sendable {
    /// The room's name.
    public var id: String
    public var protection: RoomProtection

    public init(id: String, protection: RoomProtection) {
        self.id = id
        self.protection = protection
    }

    /// What two rooms both claim, said of the later one; nil when each request has one room.
    public static func conflict(in rooms: [ProtectedRoom]) -> (room: String, path: String, other: String)? {
        var owners: [String: String] = [:]
        for room in rooms {
            for host in room.protection.hosts.isEmpty ? [""] : room.protection.hosts {
                for path in room.protection.paths {
                    let place = "\(host) \(path)"
                    if let other = owners[place], other != room.id { return (room.id, path, other) }
                    owners[place] = room.id
                }
            }
        }
        return nil
    }
}
