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

    /// - Parameter caps: for tests: in place of the product's.
    public init(clock: ScriptClock = .redis, caps: QueueCaps = QueueCaps()) {
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
        let prelude = PackageResources.prelude_lua
        let standing = PackageResources.standing_lua
        let parts: [[UInt8]] =
            switch script {
            case .join: [index, prelude, standing, PackageResources.join_lua]
            case .visit: [index, prelude, standing, PackageResources.visit_lua]
            case .tick: [index, prelude, PackageResources.tick_lua]
            case .restore: [PackageResources.index_lua, PackageResources.restore_lua]
            case .news: [PackageResources.news_lua]
            case .configure: [index, prelude, PackageResources.configure_lua]
            case .reset: [index, prelude, PackageResources.reset_lua]
            }
        let all = [PackageResources.protocol_lua, PackageResources.constants_lua] + parts
        var text = Array(all.joined(separator: [UInt8(ascii: "\n")]))
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
