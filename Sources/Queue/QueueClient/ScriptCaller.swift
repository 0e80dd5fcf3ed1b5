// SPDX-License-Identifier: Apache-2.0
//
// Calls a script of a room: EVALSHA, EVAL on NOSCRIPT, and a restore on NOSTATE or ROLLBACK. Each remedy is tried
// once a call, so a call makes at most six round trips; the first that meets a Cluster's node, one more.

internal import Admission

final class ScriptCaller {
    typealias Completion = (Result<RedisReply, StoreFailure>) -> Void

    private let link: any RedisLink
    private let scripts: ScriptCatalog
    /// Calls that wait for the restore of a room that is under way. Its completion holds the room.
    private var restoring: [ObjectIdentifier: [(StoreFailure?) -> Void]] = [:]
    /// Takes one line for an operator when Redis begins to refuse calls for another reason.
    var complain: (String) -> Void = { _ in }
    /// The last refusal that an operator has to end, and what to do; nil since a tick was answered.
    private(set) var refusal: String?
    /// Whether the index of rooms is named beside a room's keys. A server that is a Cluster's node, though it is
    /// configured as the only one, refuses that once.
    private(set) var hasIndex: Bool

    init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        self.scripts = scripts
        hasIndex = link.isOneServer
    }

    /// Runs `script` with the room's keys and policy in front of `arguments`.
    func call(
        _ script: QueueScript,
        room: any RoomMemoryKeeper,
        _ arguments: @escaping () -> [RedisArgument],
        mayRestore: Bool = true,
        _ completion: @escaping Completion
    ) {
        let limits = room.defaults.scriptArguments + [room.revision]
        let full = limits.map { RedisArgument($0) } + arguments()
        run(script, room: room, full) { [weak self] result in
            guard let self else { return completion(ScriptCaller.judge(result)) }
            self.note(result, script)
            guard mayRestore, case .success(.error(let text)) = result, RedisError(text) == .needsRestore else {
                return completion(ScriptCaller.judge(result))
            }
            self.restore(room) { failure in
                if let failure { return completion(.failure(failure)) }
                self.call(script, room: room, arguments, mayRestore: false, completion)
            }
        }
    }

    /// Only a tick, which writes, shows that the refusals are over: calls that only read may be answered meanwhile.
    private func note(_ result: Result<RedisReply, RedisFailure>, _ script: QueueScript) {
        guard case .success(let reply) = result else { return }
        guard case .error(let text) = reply else {
            if script == .tick { refusal = nil }
            return
        }
        guard RedisError.advice(text) != nil else { return }
        let isTold = refusal.map { RedisError.kind($0) == RedisError.kind(text) } ?? false
        refusal = RedisReply.explained(error: text)
        if !isTold { complain("Redis refuses calls: \(RedisReply.explained(error: text))") }
    }

    private func run(
        _ script: QueueScript,
        room: any RoomMemoryKeeper,
        _ arguments: [RedisArgument],
        _ completion: @escaping RedisCompletion
    ) {
        let keys = KeySchema(room: room.id, prefix: scripts.keyPrefix)
        var named = keys.scriptKeys.map { RedisArgument($0) } + [RedisArgument(beforeServer: keys.here)]
        guard hasIndex else { return evaluate(script, room: room.id, keys: named, arguments, completion) }
        named.append(RedisArgument(keys.index))
        evaluate(script, room: room.id, keys: named, arguments) { [weak self] result in
            guard let self, self.isAcrossSlots(result) else { return completion(result) }
            // Nothing was executed.
            self.run(script, room: room, arguments, completion)
        }
    }

    /// Takes note that rooms and index may not stand in one command.
    private func isAcrossSlots(_ result: Result<RedisReply, RedisFailure>) -> Bool {
        guard case .success(.error(let text)) = result, RedisError.kind(text) == "CROSSSLOT" else { return false }
        if hasIndex { complain("Redis is a node of a Cluster: each room is looked at by itself") }
        hasIndex = false
        return true
    }

    /// Which rooms have changed since a mark; see news.lua. Only where `hasIndex`.
    func news(since mark: Int, _ completion: @escaping Completion) {
        let schema = KeySchema(room: "", prefix: scripts.keyPrefix)
        let keys = [RedisArgument(schema.index), RedisArgument(beforeServer: schema.indexHere)]
        let words = RedisArgument.words(NewsArgument.self) { argument in
            switch argument {
            case .since: mark
            }
        }
        evaluate(.news, room: "", keys: keys, words) { [weak self] result in
            _ = self?.isAcrossSlots(result)
            completion(ScriptCaller.judge(result))
        }
    }

    private func evaluate(
        _ script: QueueScript,
        room: String,
        keys: [RedisArgument],
        _ arguments: [RedisArgument],
        _ completion: @escaping RedisCompletion
    ) {
        let tail = [RedisArgument(keys.count)] + keys + arguments
        link.send(["EVALSHA", RedisArgument(scripts.digest(of: script))] + tail, room: room) { [link, scripts] result in
            guard case .success(.error(let text)) = result, RedisError(text) == .needsScript else {
                return completion(result)
            }
            // Nothing was executed, so sending it again is safe.
            link.send(["EVAL", RedisArgument(scripts.source(of: script))] + tail, room: room, completion)
        }
    }

    /// Makes the room, or mends it, from this worker's memory of it. Calls that need it while a restore is under way
    /// wait for that one: a worker sends one memory of a room at a time.
    private func restore(_ room: any RoomMemoryKeeper, _ completion: @escaping (StoreFailure?) -> Void) {
        guard room.next > 0 || room.mayBeMade() else {
            return completion(.unavailable("a worker that remembers the room comes first"))
        }
        let key = ObjectIdentifier(room)
        restoring[key, default: []].append(completion)
        if restoring[key]?.count == 1 {
            sendMemory(of: room) { [self] failure in
                for waiting in restoring.removeValue(forKey: key) ?? [] { waiting(failure) }
            }
        }
    }

    private func sendMemory(of room: any RoomMemoryKeeper, _ completion: @escaping (StoreFailure?) -> Void) {
        let memory = room.memory
        let overrides = zip(PolicyField.allCases, memory.overrides).flatMap { field, value in
            value.map { [RedisArgument(field.rawValue), RedisArgument($0)] } ?? []
        }
        let entryChunks = EntryChunk.chunks(of: memory.entries)
        var arguments = RedisArgument.words(RestoreArgument.self) { argument in
            switch argument {
            case .generation: max(1, memory.generation)
            case .knownNext: memory.next
            case .openedMs: memory.openedMilliseconds
            case .firstTokens: memory.firstTokens
            case .epochMs: memory.epochMilliseconds
            case .claimMs: memory.claimMilliseconds
            case .passMs: memory.passMilliseconds
            case .knownVersion: memory.version
            case .incarnation: memory.incarnation
            case .overrideWords: overrides.count
            case .entryChunks: entryChunks.count
            }
        }
        arguments += overrides
        arguments += entryChunks.flatMap(\.words)
        for (chunk, bitmap) in memory.chunks {
            arguments.append(RedisArgument(chunk))
            arguments.append(RedisArgument(bitmap))
        }
        run(.restore, room: room, arguments) { [weak self] result in
            self?.note(result, .restore)
            switch ScriptCaller.judge(result) {
            case .success(let reply):
                if let made = ScriptWords<RestoreReplyField>(reply) { room.noteRestored(made[.incarnation]) }
                completion(nil)
            case .failure(let failure): completion(failure)
            }
        }
    }

    /// A call that a restore has not helped may be repeated by the visitor, as after any passing error.
    private static func judge(_ result: Result<RedisReply, RedisFailure>) -> Result<RedisReply, StoreFailure> {
        switch result {
        case .success(.error(let text)):
            return .failure(RedisError(text) == .ours ? .refused(text) : .unavailable(text))
        case .success(let reply): return .success(reply)
        case .failure(.unavailable(let text)): return .failure(.unavailable(text))
        case .failure(.timedOut): return .failure(.unavailable("no reply in time"))
        case .failure(.busy): return .failure(.unavailable("too many commands in flight"))
        }
    }
}
