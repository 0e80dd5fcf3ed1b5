// SPDX-License-Identifier: Apache-2.0
//
// The Lua scripts, joined with what they share and known by their SHA-1. A script cache is volatile (restart,
// failover, SCRIPT FLUSH): each connection loads all of them first, and NOSCRIPT is answered by EVAL.

public import Admission
internal import Crypto

/// The scripts of the queue.
public enum QueueScript: String, CaseIterable, Sendable {
    case join
    case visit
    case tick
    case restore
    case configure
    case reset
    case news
    case draw
}

/// Which clock the scripts read.
public enum ScriptClock: Sendable {
    /// Redis TIME.
    case redis
    /// For tests: a list of seconds and microseconds under this key, in place of TIME.
    case list(key: String)
}

/// Source text by script.
public struct ScriptCatalog: Sendable {
    private let sources: [QueueScript: [UInt8]]
    private let digests: [QueueScript: [UInt8]]
    /// What the keys of this installation begin with; empty for none.
    public let keyPrefix: String

    /// - Parameters:
    ///   - caps: for tests: in place of the product's.
    ///   - keyPrefix: keeps this installation's keys apart from those of another one on the same Redis.
    public init(clock: ScriptClock = .redis, caps: QueueCaps = QueueCaps(), keyPrefix: String = "") {
        self.keyPrefix = keyPrefix
        var sources: [QueueScript: [UInt8]] = [:]
        for script in QueueScript.allCases {
            sources[script] = ScriptCatalog.source(of: script, clock: clock, caps: caps)
        }
        self.sources = sources
        digests = sources.mapValues(ScriptCatalog.digest)
    }

    public func source(of script: QueueScript) -> [UInt8] { sources[script] ?? [] }

    /// The name Redis gives a script: the SHA-1 of its text, in hexadecimal.
    public func digest(of script: QueueScript) -> [UInt8] { digests[script] ?? [] }

    /// The script that a call names by its digest; nil when it is none of these.
    public func script(ofDigest digest: [UInt8]) -> QueueScript? { digests.first { $0.value == digest }?.key }

    /// The script of this text; nil when it is none of these.
    public func script(ofSource source: [UInt8]) -> QueueScript? { sources.first { $0.value == source }?.key }

    private static func digest(_ source: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return Insecure.SHA1.hash(data: source).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    private static func source(of script: QueueScript, clock: ScriptClock, caps: QueueCaps) -> [UInt8] {
        let index = PackageResources.index_lua
        let brought = PackageResources.brought_lua
        let prelude = PackageResources.prelude_lua
        let standing = PackageResources.standing_lua
        let parts: [[UInt8]] =
            switch script {
            case .join: [index, brought, prelude, standing, PackageResources.join_lua]
            case .visit: [index, brought, prelude, standing, PackageResources.visit_lua]
            case .tick: [index, brought, prelude, PackageResources.tick_lua]
            case .restore: [index, brought, PackageResources.restore_lua]
            case .news: [PackageResources.news_lua]
            case .configure: [index, brought, prelude, PackageResources.configure_lua]
            case .draw: [index, brought, prelude, PackageResources.draw_lua]
            case .reset: [index, brought, prelude, PackageResources.reset_lua]
            }
        let own = Array(([PackageResources.constants_lua] + parts).joined(separator: [UInt8(ascii: "\n")]))
        var text = ScriptCatalog.needed(of: PackageResources.protocol_lua, by: own) + [UInt8(ascii: "\n")] + own
        let product = QueueCaps()
        for (name, cap) in ScriptCatalog.caps where caps != product {
            let (before, after) = (
                "local \(name) = \(product[keyPath: cap]) ", "local \(name) = \(caps[keyPath: cap]) "
            )
            text = ScriptCatalog.replacing(Array(before.utf8), with: Array(after.utf8), in: text)
        }
        guard case .list(let key) = clock else { return text }
        let (before, after) = ("redis.call('TIME')", "redis.call('LRANGE', '\(key)', 0, 1)")
        return ScriptCatalog.replacing(Array(before.utf8), with: Array(after.utf8), in: text)
    }

    /// The protocol without the names that a script does not use: Lua allows 200 local names in one function, and there
    /// are nearly as many names in the protocol.
    private static func needed(of protocolText: [UInt8], by script: [UInt8]) -> [UInt8] {
        var statements: [[UInt8]] = []
        for line in protocolText.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            // What is indented goes on from the line before it.
            if line.first == UInt8(ascii: " "), let last = statements.indices.last {
                statements[last] += [UInt8(ascii: "\n")] + line
            } else {
                statements.append(Array(line))
            }
        }
        let names = statements.map { declaredName($0) }
        // A function of the protocol may use its constants.
        var used = Set(words(of: script))
        for (statement, name) in zip(statements, names) where name == nil { used.formUnion(words(of: statement)) }
        let kept = zip(statements, names).filter { $0.1 == nil || used.contains($0.1 ?? []) }.map(\.0)
        return Array(kept.joined(separator: [UInt8(ascii: "\n")]))
    }

    /// The constant that a statement declares: a local name without small letters.
    private static func declaredName(_ statement: [UInt8]) -> [UInt8]? {
        let prefix = Array("local ".utf8)
        guard statement.starts(with: prefix) else { return nil }
        let name = Array(statement.dropFirst(prefix.count).prefix { isPartOfWord($0) })
        let isConstant = !name.isEmpty && !name.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        return isConstant ? name : nil
    }

    private static func words(of text: [UInt8]) -> [[UInt8]] { text.split { !isPartOfWord($0) }.map { Array($0) } }

    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The caps by their names in protocol.lua.
    private static var caps: [(name: String, cap: KeyPath<QueueCaps, Int>)] {
        [
            ("LAPSES_MAX", \.lapsesPerTick), ("CALLS_MAX", \.callsPerTick), ("PASSES_MAX", \.passesPerTick),
            ("CALLED_MAX", \.calledPerRestore),
        ]
    }

    private static func replacing(_ old: [UInt8], with new: [UInt8], in text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var i = 0
        while i < text.count {
            if text[i...].starts(with: old) {
                out += new
                i += old.count
            } else {
                out.append(text[i])
                i += 1
            }
        }
        return out
    }
}
