// SPDX-License-Identifier: Apache-2.0
//
// Chooses and fills the files of one variant: who verifies passes, and which protocol the workers speak.
// Whatever the variant, a site includes the same names: vestibule-http.conf, vestibule-server.conf, and
// vestibule-guard.conf for a server or vestibule-protect.conf for a location.

/// One way to put Vestibule into an nginx.
public struct NginxConfiguration: Sendable {
    /// What checks the pass of a protected request.
    public enum Verifier: String, Sendable, CaseIterable {
        /// nginx itself, in JavaScript: Debian's libnginx-mod-http-js.
        case njs
        /// nginx itself, in Lua: Debian's libnginx-mod-http-lua and lua-cjson. About twice as fast as njs.
        case lua
        /// A worker, asked by a subrequest: no module, slowest.
        case authRequest = "auth-request"
    }

    /// What the workers speak.
    public enum Gateway: String, Sendable, CaseIterable {
        case fastcgi
        case scgi
    }

    /// Where nginx logs the requests to the queue's API. An API client may carry its ticket in the query string, which
    /// the standard format of a log holds.
    public enum APILog: Equatable, Sendable {
        /// Nowhere: the metrics count them.
        case off
        /// In the logs of the site, whose format must have no query string, as `vestibule` has none.
        case site
        /// In a file, in the format `vestibule`. Polls that went well are left out.
        case file(String)
    }

    /// Absolute path of the folder the files are written to; they include each other from there.
    public var directory: String
    /// Absolute path of the JWK Set.
    public var keysFile: String
    /// Absolute paths of the workers' sockets, at least one.
    public var workerSockets: [String]
    public var verifier: Verifier
    public var gateway: Gateway
    /// What one address may ask of the workers on average, as nginx writes a rate: `100r/s`, `30r/m`.
    public var apiRate: String
    /// How many requests an address may be ahead of that rate, 1...100,000.
    public var apiBurst: Int
    /// Addresses or CIDR blocks that are not limited.
    public var limitExempt: [String]
    /// Absolute path of the folder nginx keeps the boards in; nginx makes it. Best on tmpfs.
    public var cacheDirectory: String
    public var apiLog: APILog
    /// Where the queue's API is: a path without a slash at its end.
    public var apiPrefix: String
    /// Whether the addresses and passwords of the site's server hold at the gate, too: a visitor whom they refuse takes
    /// no place. Not for a server whose locations let in more than the server does.
    public var obeysServerAccess: Bool
    /// What the guard protects.
    public var protectedRooms: [ProtectedRoom]

    /// What one address may ask of the queue, and how far it may be ahead of that.
    public static let standardAPIRate = "100r/s"
    public static let standardAPIBurst = 50
    /// On tmpfs, and in a directory where only root makes files: nginx gives the folder to its own user.
    public static let standardCacheDirectory = "/run/vestibule-board"
    /// The API's standard place.
    public static let standardAPIPrefix = "/api/v1/queue"

    /// Describes a variant; nothing is checked before ``renderedFiles()``.
    public init(
        directory: String,
        keysFile: String,
        workerSockets: [String],
        verifier: Verifier = .njs,
        gateway: Gateway = .fastcgi,
        apiRate: String = NginxConfiguration.standardAPIRate,
        apiBurst: Int = NginxConfiguration.standardAPIBurst,
        limitExempt: [String] = [],
        cacheDirectory: String = NginxConfiguration.standardCacheDirectory,
        apiLog: APILog = .off,
        apiPrefix: String = NginxConfiguration.standardAPIPrefix,
        obeysServerAccess: Bool = true,
        protectedRooms: [ProtectedRoom] = []
    ) {
        self.directory = directory
        self.keysFile = keysFile
        self.workerSockets = workerSockets
        self.verifier = verifier
        self.gateway = gateway
        self.apiRate = apiRate
        self.apiBurst = apiBurst
        self.limitExempt = limitExempt
        self.cacheDirectory = cacheDirectory
        self.apiLog = apiLog
        self.apiPrefix = apiPrefix
        self.obeysServerAccess = obeysServerAccess
        self.protectedRooms = protectedRooms
    }

    /// All files of the variant under the names they must have in ``directory``.
    ///
    /// Throws ``NginxTemplateError/unsafeValue(name:value:)`` for a path or number that nginx would read as something
    /// else.
    public func renderedFiles() throws(NginxTemplateError) -> [(name: String, text: String)] {
        try checkValues()
        let values = placeholderValues
        var files: [(name: String, text: String)] = []
        for (name, source) in sources {
            var wanted: [String: String] = [:]
            for placeholder in try NginxTemplate.placeholders(of: source) { wanted[placeholder] = values[placeholder] }
            let text = try NginxTemplate.render(source, values: wanted)
            files.append((name, name == "vestibule-client.js" ? NginxConfiguration.bare(text) : text))
        }
        return files
    }

    /// A script as browsers get it: without indents, and without comments in lines of their own but the licence.
    private static func bare(_ script: String) -> String {
        script.split(separator: "\n").map { $0.drop { $0 == " " } }
            .filter { !$0.hasPrefix("// ") || $0.contains("SPDX") }.map { $0 + "\n" }.joined()
    }

    /// Name in the folder, and the embedded file it is made from.
    private var sources: [(name: String, source: String)] {
        let common = [
            "vestibule-http-common.conf", "vestibule-server.conf", "vestibule-guard.conf", "vestibule-headers.conf",
            "vestibule-spellings.conf", "vestibule-visitor-params.conf",
            "vestibule-isolate.conf", "vestibule-isolate-answers.conf", "vestibule-client.js", "vestibule-client.d.ts",
            "vestibule-\(gateway.rawValue)-params.conf",
        ].map { ($0, $0) }
        let own =
            switch verifier {
            case .njs:
                [
                    ("vestibule-http.conf", "vestibule-http.conf"),
                    ("vestibule-protect.conf", "vestibule-protect.conf"),
                    ("vestibule.js", "vestibule.js"),
                ]
            case .lua:
                [
                    ("vestibule-http.conf", "vestibule-http-lua.conf"),
                    ("vestibule-protect.conf", "vestibule-protect.conf"), ("vestibule.lua", "vestibule.lua"),
                ]
            case .authRequest:
                [
                    ("vestibule-http.conf", "vestibule-http-auth-request.conf"),
                    ("vestibule-protect.conf", "vestibule-protect-auth-request.conf"),
                    ("vestibule-server-auth-request.conf", "vestibule-server-auth-request.conf"),
                    ("vestibule-check.conf", "vestibule-check.conf"),
                ]
            }
        return own + common
    }

    /// The workers, and each again as a backup by another spelling of its path; vestibule-http-common.conf says why.
    private var serverLines: [String] {
        let spelledAgain = workerSockets.map { socket in
            let name = socket.split(separator: "/").last ?? ""
            return socket.dropLast(name.count) + "./" + name
        }
        return workerSockets.map { "server unix:\($0) max_fails=0;" }
            + spelledAgain.map { "server unix:\($0) max_fails=0 backup;" }
    }

    private var apiLogLine: String {
        switch apiLog {
        case .off: "access_log off;"
        case .site: ""
        case .file(let path): "access_log \(path) vestibule buffer=64k flush=1s if=$vestibule_logged;"
        }
    }

    private var placeholderValues: [String: String] {
        let verify =
            switch verifier {
            case .njs: "# $vestibule_verdict is js_set at http level and evaluated here."
            case .lua: #"set_by_lua_block $vestibule_verdict { return require("vestibule").verdict() }"#
            case .authRequest: ""
            }
        let verifyInclude =
            verifier == .authRequest ? "include \"\(directory)/vestibule-server-auth-request.conf\";" : ""
        // SCGI's own framing carries the length.
        let bodyLength = gateway == .fastcgi ? "fastcgi_param CONTENT_LENGTH $content_length if_not_empty;" : ""
        let own = [
            "DIRECTORY": directory,
            "KEYS_FILE": keysFile,
            "WORKER_SERVERS": serverLines.joined(separator: "\n    "),
            "CACHE_DIRECTORY": cacheDirectory,
            "API_LOG": apiLogLine,
            "API_RATE": apiRate,
            "API_BURST": "\(apiBurst)",
            "LIMIT_EXEMPT": limitExempt.map { "\($0) 1;" }.joined(separator: "\n    "),
            "GATEWAY": gateway.rawValue,
            "VERIFY": verify,
            "VERIFY_INCLUDE": verifyInclude,
            "BODY_LENGTH_PARAM": bodyLength,
            "API_PREFIX": apiPrefix,
            "API_PREFIX_PATTERN": GuardMaps.pattern(of: apiPrefix),
            "ACCEPT_BEFORE": AcceptPattern.before,
            "ACCEPT_WEIGHT": AcceptPattern.weight,
        ]
        return own.merging(guardValues) { $1 }
    }

    private var guardValues: [String: String] {
        let numbers = protectedRooms.indices.map { $0 + 1 }
        let verify =
            switch verifier {
            case .njs: "set $vsb_found $vsb_guard;"
            case .lua: #"set_by_lua_block $vsb_found { return require("vestibule").verdict() }"#
            case .authRequest: "set $vsb_found unasked;"
            }
        let choice = numbers.map { "    \(GuardMaps.key(protectedRooms[$0 - 1].id)) $vsb_v_\($0);\n" }
        // Each room has a variable of its own: njs keeps what it has found for the whole request.
        let verdicts =
            numbers.map { "js_set $vsb_v_\($0) vestibule.verdict;\n" }.joined()
            + "map $vestibule_room $vsb_guard {\n    volatile;\n\(choice.joined())    default malformed;\n}"
        let goBack = [
            "# The site's limits, passwords and addresses hold where the request goes, and are asked there only.",
            "include \"\(directory)/vestibule-isolate.conf\";",
            "error_page 599 /_vestibule/none;",
            "limit_req zone=vestibule_nobody;",
            "# Only the site's own 404 answers where the site lets itself in alone, with us and without.",
            "if ($vsb_shut) { rewrite ^ /_vestibule/absent last; }",
            "if ($vsb_back) { rewrite ^ $vsb_uri last; }",
            "root /dev/null;    # no file: the last word of try_files is an internal redirect that keeps the method",
            "try_files /none $vsb_uri$is_args$args;",
        ]
        let checks = protectedRooms.map { room in
            "location ^~ /_vestibule/check/server/\(room.id)/ { auth_request /_vestibule/verify/\(room.id); "
                + "include \"\(directory)/vestibule-check.conf\"; }"
        }
        return [
            "GUARD_CHECKS": checks.joined(separator: "\n"),
            "GUARD_MAPS": GuardMaps(rooms: protectedRooms).text,
            "GUARD_VERIFY": verify,
            "GUARD_ASKS": verifier == .authRequest ? "check" : "$vsb_way",
            "GATE_ISOLATION": obeysServerAccess ? "vestibule-isolate-answers.conf" : "vestibule-isolate.conf",
            "GUARD_VERDICTS": verdicts,
            "GO_BACK": goBack.joined(separator: "\n    "),
        ]
    }

    private func checkValues() throws(NginxTemplateError) {
        try check("directory", directory, isPath)
        try check("keysFile", keysFile, isPath)
        try check("cacheDirectory", cacheDirectory, isPath)
        if case .file(let path) = apiLog { try check("apiLog", path, isPath) }
        guard !workerSockets.isEmpty else { throw .unsafeValue(name: "workerSockets", value: "") }
        for socket in workerSockets { try check("workerSockets", socket, isPath) }
        try check("apiRate", apiRate, NginxConfiguration.isRate)
        try check("apiBurst", "\(apiBurst)") { _ in (1...100_000).contains(apiBurst) }
        for block in limitExempt { try check("limitExempt", block, isAddressBlock) }
        try check("apiPrefix", apiPrefix) { NginxConfiguration.complaint(apiPrefix: $0) == nil }
        for room in protectedRooms { try checkProtection(room) }
        if let conflict = ProtectedRoom.conflict(in: protectedRooms) {
            throw .unsafeValue(name: "paths of room \(conflict.room)", value: conflict.path)
        }
    }

    private func checkProtection(_ room: ProtectedRoom) throws(NginxTemplateError) {
        let protection = room.protection
        try check("room", room.id, isRoom)
        func checkAll(_ values: [String], _ name: String, _ complaint: (String) -> String?) throws(NginxTemplateError) {
            for value in values { try check("\(name) of room \(room.id)", value) { complaint($0) == nil } }
        }
        try checkAll(protection.hosts, "hosts", RoomProtection.complaint(host:))
        try checkAll(protection.paths, "paths", RoomProtection.complaint(path:))
        try checkAll(protection.internalPaths, "internal", RoomProtection.complaint(path:))
        for rule in protection.exceptions {
            try checkAll([rule.path].compactMap(\.self), "except", RoomProtection.complaint(path:))
            try checkAll(rule.methods, "except", RoomProtection.complaint(method:))
            try checkAll([rule.header?.name].compactMap(\.self), "except", RoomProtection.complaint(header:))
            let texts = [rule.header?.value, rule.userAgent].compactMap(\.self)
            try checkAll(texts, "except", RoomProtection.complaint(text:))
            for block in rule.addresses { try check("except of room \(room.id)", block, isAddressBlock) }
            guard !rule.isPathOnly || rule.path != nil else {
                throw .unsafeValue(name: "except of room \(room.id)", value: "")
            }
        }
    }

    /// Whether a text is a rate as nginx writes it: `<number>r/s` or `<number>r/m`, 1 to 1,000,000.
    public static func isRate(_ text: String) -> Bool {
        guard text.hasSuffix("r/s") || text.hasSuffix("r/m"), let rate = Int(text.dropLast(3)) else { return false }
        return (1...1_000_000).contains(rate)
    }

    /// What is wrong with a prefix of the API; nil when it is good.
    public static func complaint(apiPrefix: String) -> String? {
        let segments = apiPrefix.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let isPath = segments.allSatisfy { segment in
            !["", ".", ".."].contains(segment)
                && segment.utf8.allSatisfy { isAlphanumeric($0) || "._~-".utf8.contains($0) }
        }
        guard apiPrefix.hasPrefix("/"), isPath, apiPrefix.utf8.count <= 128, segments.first != "_vestibule" else {
            return "api_prefix is a path such as \(standardAPIPrefix), without a slash at its end, and not /_vestibule"
        }
        return nil
    }

    private func check(_ name: String, _ value: String, _ isGood: (String) -> Bool) throws(NginxTemplateError) {
        guard isGood(value) else { throw .unsafeValue(name: name, value: value) }
    }
}

/// An absolute path of bytes that mean nothing to nginx, neither in a string nor in a glob.
private func isPath(_ text: String) -> Bool {
    text.utf8.first == UInt8(ascii: "/") && text.utf8.allSatisfy { isAlphanumeric($0) || "/._-+@,".utf8.contains($0) }
}

/// The characters of an address with an optional prefix length; nginx -t says whether it is one.
private func isAddressBlock(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || ".:/".utf8.contains($0) }
}

/// The name of a room.
private func isRoom(_ text: String) -> Bool {
    text.utf8.first.map { isAlphanumeric($0) } == true && text.utf8.count <= 64
        && text.utf8.allSatisfy { isAlphanumeric($0) || "-_".utf8.contains($0) }
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}
