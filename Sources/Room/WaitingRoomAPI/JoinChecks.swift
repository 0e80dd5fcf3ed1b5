// SPDX-License-Identifier: Apache-2.0
//
// The checks of a join: the limit of its source, and the proof of work (JoinRules.proofOfWork), when it is asked for,
// what a good one is worth, and how a bad one is refused. A worker remembers only how many join: the challenge carries
// what it needs, and the store knows by the join key what was joined with it.

internal import Admission
internal import GatewayWire
internal import Passes
internal import StrictJSON
internal import Telemetry

/// What a join has brought as proof of work.
enum BroughtProof: Equatable {
    /// Nothing, or the room never asks.
    case nothing
    /// Not of the form `{"challenge": text, "nonce": digits}`.
    case unreadable
    /// Good for one place, which goes by this key.
    case good(joinKey: String)
    case bad
    case expired
}

/// What a room asks of a join, and what it knows of this one: a name (Joiner.swift), few enough joins of the source,
/// and work. Joins at the API and at the gate go through the same checks.
struct JoinChecks {
    let api: APIContext
    let room: Room

    /// Counts a join of a source. Returns 0, or milliseconds to wait when the source has made too many. An exempt
    /// client has no address here and is not counted.
    func sourceWait(_ network: UInt64?) -> Int {
        guard let limit = room.rules.joinsPerSource, let network else { return 0 }
        // The hash has a secret of the process: nobody can choose addresses that share a place.
        var hasher = Hasher()
        hasher.combine(room.id)
        hasher.combine(network)
        return api.sourceMeter.take(source: hasher.finalize(), limit: limit, nowMilliseconds: api.now)
    }

    /// A name of bounded length and plain characters for what a visitor sends, another one for each purpose.
    static func storeKey(of sent: some Sequence<UInt8>, purpose: String) -> String {
        let digest = MessageAuthentication.hmacSHA256(key: Array(purpose.utf8), message: Array(sent))
        return Base64URL.encodeString(digest.prefix(Challenge.joinKeyByteCount))
    }

    /// Judges the proof of a join, at a price of one HMAC and one SHA-256.
    ///
    /// One solution is one place. A challenge that was asked for by a named person, or with an Idempotency-Key, is
    /// good with that key alone; one without is its own key. So a solution that is sent again gets the ticket it
    /// got before. Where Redis has lost its memory within the two minutes a challenge lives, or the room was reset, it
    /// is good for one more.
    /// - Parameter joinKey: the person, or the Idempotency-Key, as the store keeps it; nil for none.
    func broughtProof(_ body: JSONValue, joinKey: String?) -> BroughtProof {
        guard room.rules.proofOfWork != nil, let sent = body["proof"], sent != .null else { return .nothing }
        guard let challenge = sent["challenge"]?.stringValue, let nonce = sent["nonce"]?.stringValue,
            let proof = Proof(challenge: challenge, nonce: nonce)
        else { return .unreadable }
        let verdict = api.keys.verify(proof, room: room.id, joinKey: joinKey, nowMilliseconds: challengeMilliseconds)
        switch verdict {
        case .valid:
            api.count(.proofsTaken)
            let own = JoinChecks.storeKey(of: proof.challenge, purpose: "vestibule proof key")
            return .good(joinKey: joinKey ?? own)
        case .expired: return .expired
        case .malformed, .forged, .foreign, .unsolved: return .bad
        }
    }

    /// Counts a join that brings no good proof, and says why it is refused for that; nil while no work is asked for.
    ///
    /// A visitor is counted once: when the challenge is asked for, or the number. A bad proof counts too: it is an
    /// attempt to join. So collecting challenges while they are cheap raises the price. A join with a good proof is not
    /// counted here, nor by its source: both were counted when the work was asked for, and nobody is turned away after
    /// the work is done. A join that is refused because of its source does not count: one address cannot make everybody
    /// else work.
    func proofProblem(_ brought: BroughtProof, joinKey: String?) -> Problem? {
        // Take the bits before counting this join. Otherwise a room with rate 1 would ask work of its only visitor per
        // second.
        let bits = proofBits
        countJoin()
        guard bits > 0 else { return nil }
        let challenge = Challenge(
            room: room.id,
            issuedMilliseconds: challengeMilliseconds,
            bits: bits,
            salt: salt(),
            joinKey: joinKey
        )
        var problem: Problem
        switch brought {
        case .bad: problem = .proofInvalid
        case .expired: problem = .proofExpired
        case .nothing, .unreadable, .good: problem = .proofRequired
        }
        api.count(brought == .nothing ? .proofsDemanded : .proofsRefused)
        problem.challenge = (challenge, api.keys.sign(challenge))
        return problem
    }

    /// Leading zero bits that a join at this worker must bring now; 0 while no work is asked for.
    var proofBits: Int {
        // A room that is switched off lets everybody in.
        guard let rule = room.rules.proofOfWork, room.policy.mode != .bypass else { return 0 }
        return room.joinLoad.bits(rule, ratePerSecond: room.policy.ratePerSecond, nowMilliseconds: api.now)
    }

    func countJoin() {
        guard room.rules.proofOfWork != nil else { return }
        room.joinLoad.record(nowMilliseconds: api.now)
    }

    /// Redis time, which all workers agree on.
    private var challengeMilliseconds: Int64 {
        Int64(max(1, room.redisMilliseconds(nowMilliseconds: api.now)))
    }

    /// Differs from every other of the same millisecond; whether it can be guessed does not matter.
    private func salt() -> [UInt8] {
        (0..<Challenge.saltByteCount).map { _ in UInt8(api.environment.random() * 256) }
    }
}
