// SPDX-License-Identifier: Apache-2.0
//
// Calls a script of a room: EVALSHA, EVAL on NOSCRIPT, and a restore on NOSTATE or ROLLBACK. Each remedy is tried
// once a call, so a call makes at most four round trips.

internal import Admission
internal import Crypto
internal import WaitingRoomAPI

final class ScriptCaller {
    typealias Completion = (Result<RedisReply, StoreFailure>) -> Void

    private let link: any RedisLink
    private let scripts: ScriptCatalog
    private let digests: [QueueScript: String]

    init(link: any RedisLink, scripts: ScriptCatalog) {
        self.link = link
        self.scripts = scripts
        var digests: [QueueScript: String] = [:]
        for script in QueueScript.allCases { digests[script] = ScriptCaller.digest(scripts.source(of: script)) }
        self.digests = digests
    }

    /// The name Redis gives a script: the SHA-1 of its text, in hexadecimal.
    private static func digest(_ source: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = Insecure.SHA1.hash(data: source).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: hex, as: UTF8.self)
    }

    /// Runs `script` with the room's keys and policy in front of `arguments`.
    func call(
        _ script: QueueScript,
        room: Room,
        _ arguments: @escaping () -> [RedisArgument],
        mayRestore: Bool = true,
        _ completion: @escaping Completion
    ) {
        let full = room.defaults.scriptArguments.map { RedisArgument($0) } + arguments()
        run(script, room: room, full) { [weak self] result in
            guard let self, mayRestore, case .success(.error(let text)) = result,
                text.contains("NOSTATE") || text.contains("ROLLBACK")
            else {
                return completion(ScriptCaller.judge(result))
            }
            self.restore(room) { failure in
                if let failure { return completion(.failure(failure)) }
                self.call(script, room: room, arguments, mayRestore: false, completion)
            }
        }
    }

    private func run(
        _ script: QueueScript,
        room: Room,
        _ arguments: [RedisArgument],
        _ completion: @escaping RedisConnection.Completion
    ) {
        let keys = KeySchema(room: room.id)
        let named = keys.scriptKeys.map { RedisArgument($0) } + [RedisArgument(beforeServer: keys.here)]
        let tail = [RedisArgument(named.count)] + named + arguments
        let room = room.id
        link.send(["EVALSHA", RedisArgument(digests[script] ?? "")] + tail, room: room) { [link, scripts] result in
            guard case .success(.error(let text)) = result, text.hasPrefix("NOSCRIPT") else {
                return completion(result)
            }
            // Nothing was executed, so sending it again is safe.
            link.send(["EVAL", RedisArgument(scripts.source(of: script))] + tail, room: room, completion)
        }
    }

    /// Makes the room, or mends it, from this worker's memory of it.
    private func restore(_ room: Room, _ completion: @escaping (StoreFailure?) -> Void) {
        guard room.next > 0 || room.mayBeMade() else {
            return completion(.unavailable("a worker that remembers the room comes first"))
        }
        let memory = room.memory
        let overrides = zip(RoomOperator.fields, memory.overrides).flatMap { field, value in
            value.map { [RedisArgument(field), RedisArgument($0)] } ?? []
        }
        var arguments = [
            max(1, memory.generation), memory.next, memory.openedMilliseconds, memory.firstTokens,
            memory.epochMilliseconds, memory.incarnation, overrides.count, memory.entries.count,
        ].map { RedisArgument($0) }
        arguments += overrides
        for entry in memory.entries {
            arguments += [RedisArgument(entry.number), RedisArgument(entry.passExpiresMilliseconds)]
        }
        for (chunk, bitmap) in memory.chunks {
            arguments.append(RedisArgument(chunk))
            arguments.append(RedisArgument(bitmap))
        }
        run(.restore, room: room, arguments) { result in
            switch ScriptCaller.judge(result) {
            case .success(let reply):
                if let incarnation = reply.arrayValue?.last?.integerValue { room.noteRestored(incarnation) }
                completion(nil)
            case .failure(let failure): completion(failure)
            }
        }
    }

    /// Sorts errors into those that pass (Redis loading, a replica, out of memory) and those that are ours.
    private static func judge(_ result: Result<RedisReply, RedisFailure>) -> Result<RedisReply, StoreFailure> {
        switch result {
        case .success(.error(let text)):
            let passing = [
                "LOADING", "READONLY", "MASTERDOWN", "BUSY", "OOM", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN", "MOVED",
                "ASK ", "NOSTATE",
            ]
            if passing.contains(where: { text.contains($0) }) { return .failure(.unavailable(text)) }
            return .failure(.refused(text))
        case .success(let reply): return .success(reply)
        case .failure(.unavailable(let text)): return .failure(.unavailable(text))
        case .failure(.timedOut): return .failure(.unavailable("no reply in time"))
        case .failure(.busy): return .failure(.unavailable("too many commands in flight"))
        }
    }
}
