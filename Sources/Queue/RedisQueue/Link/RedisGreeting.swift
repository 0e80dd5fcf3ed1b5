// SPDX-License-Identifier: Apache-2.0
//
// What a new connection does before it is ready: it learns which server it has reached and in which role, tries the
// permissions that the scripts need, and loads the scripts, since a script cache is volatile.

public import QueueClient

/// Commands for every new connection; each reply must be free of errors.
public struct RedisGreeting: ExpressibleByArrayLiteral, Sendable {
    let commands: [[RedisArgument]]
    /// Whether a server that is not a master is refused.
    private let mustBeMaster: Bool

    public init(arrayLiteral commands: [RedisArgument]...) {
        self.commands = commands
        mustBeMaster = false
    }

    /// The greeting of a worker and of an operator: the scripts can tell one server from another only with it.
    /// - Parameter mustBeMaster: for addresses that Sentinel gives, where a demoted master may still listen.
    public init(scripts: ScriptCatalog, mustBeMaster: Bool = false) {
        let role: [[RedisArgument]] = mustBeMaster ? [["ROLE"]] : []
        commands =
            role + [["INFO", "server", "memory"], RedisPermissions.probe(keyPrefix: scripts.keyPrefix)]
            + QueueScript.allCases.map { ["SCRIPT", "LOAD", RedisArgument(scripts.source(of: $0))] }
        self.mustBeMaster = mustBeMaster
    }

    /// Why a reply keeps the connection from being ready; nil when it does not.
    func complaint(about reply: RedisReply) -> String? {
        if let policy = RedisGreeting.evictionPolicy(in: reply), policy.hasPrefix("allkeys-") {
            return "maxmemory-policy \(policy) would evict visitors' places: CONFIG SET maxmemory-policy noeviction"
        }
        if RedisPermissions.isAnswer(reply) { return RedisPermissions.complaint(about: reply) }
        guard mustBeMaster, let role = reply.arrayValue?.first?.bytesValue else { return nil }
        return role == Array("master".utf8) ? nil : "a \(String(decoding: role, as: UTF8.self)), not a master"
    }

    /// What an operator should know of a server that is taken all the same; nil when there is nothing.
    func warning(about reply: RedisReply) -> String? {
        guard let policy = RedisGreeting.evictionPolicy(in: reply), policy.hasPrefix("volatile-") else { return nil }
        return "maxmemory-policy \(policy) may evict what is known of visitors: CONFIG SET maxmemory-policy noeviction"
    }

    /// The run id in a reply to INFO: 40 characters, new with each start of a server.
    static func server(in reply: RedisReply) -> [UInt8]? { field("run_id", in: reply) }

    /// What Redis does when its memory is full. Some services do not say.
    private static func evictionPolicy(in reply: RedisReply) -> String? {
        field("maxmemory_policy", in: reply).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A field of a reply to INFO.
    private static func field(_ name: String, in reply: RedisReply) -> [UInt8]? {
        guard let text = reply.bytesValue else { return nil }
        let name = Array("\n\(name):".utf8)
        guard let at = text.indices.first(where: { text[$0...].starts(with: name) }) else { return nil }
        return Array(text[(at + name.count)...].prefix { $0 > 0x20 })
    }
}
