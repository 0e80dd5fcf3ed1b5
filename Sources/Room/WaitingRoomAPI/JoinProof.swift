// SPDX-License-Identifier: Apache-2.0
//
// Proof of work at a join (JoinRules.proofOfWork): when it is asked for, what a good one is worth, and how a bad one is
// refused. Nothing is remembered but how many join: the challenge carries what it needs, and what was joined with it
// the store knows by the join key.

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

extension WaitingRoomAPI {
    /// Judges the proof of a join, at a price of one HMAC and one SHA-256.
    ///
    /// One solution is one place. A challenge that was asked for by a named person, or with an Idempotency-Key, is
    /// good with that key alone; one without is its own key. So whoever sends a solution again gets the ticket it has
    /// got already. Where Redis has lost its memory within the two minutes a challenge lives, or the room was reset, it
    /// is good for one more.
    /// - Parameter joinKey: the person, or the Idempotency-Key, as the store keeps it; nil for none.
    func broughtProof(_ body: JSONValue, joinKey: String?, _ room: Room) -> BroughtProof {
        guard room.rules.proofOfWork != nil, let sent = body["proof"], sent != .null else { return .nothing }
        guard let challenge = sent["challenge"]?.stringValue, let nonce = sent["nonce"]?.stringValue,
            let proof = Proof(challenge: challenge, nonce: nonce)
        else { return .unreadable }
        let verdict = keys.verify(proof, room: room.id, joinKey: joinKey, nowMilliseconds: challengeMilliseconds(room))
        switch verdict {
        case .valid:
            count(.proofsTaken)
            let own = WaitingRoomAPI.storeKey(of: proof.challenge, purpose: "vestibule proof key")
            return .good(joinKey: joinKey ?? own)
        case .expired: return .expired
        case .malformed, .forged, .foreign, .unsolved: return .bad
        }
    }

    /// Counts a join that brings no good proof, and says why it is refused for that; nil while no work is asked for.
    ///
    /// A visitor is counted once: when the challenge is asked for, or the number. Bad proofs count as well, each of
    /// them: they are somebody who wants in, and whoever collects challenges while they are cheap makes them dear by
    /// doing it. A join with a good proof is not counted here, nor by its source: both were when the work was asked
    /// for, and nobody is turned away after the work is done. Who is refused for the source's sake does not count: one
    /// address cannot make everybody else work.
    func proofProblem(_ brought: BroughtProof, joinKey: String?, _ room: Room) -> Problem? {
        // By those who came before: one visitor a second is not more than one a second.
        let bits = proofBits(room)
        countJoin(room)
        guard bits > 0 else { return nil }
        let challenge = Challenge(
            room: room.id,
            issuedMilliseconds: challengeMilliseconds(room),
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
        count(brought == .nothing ? .proofsDemanded : .proofsRefused)
        problem.challenge = (challenge, keys.sign(challenge))
        return problem
    }

    /// Leading zero bits that a join at this worker must bring now; 0 while no work is asked for.
    func proofBits(_ room: Room) -> Int {
        // Whoever comes to a room that is switched off is let in.
        guard let rule = room.rules.proofOfWork, room.policy.mode != .bypass else { return 0 }
        let now = environment.nowMilliseconds()
        return room.joinLoad.bits(rule, ratePerSecond: room.policy.ratePerSecond, nowMilliseconds: now)
    }

    func countJoin(_ room: Room) {
        guard room.rules.proofOfWork != nil else { return }
        room.joinLoad.record(nowMilliseconds: environment.nowMilliseconds())
    }

    /// Redis time, which all workers agree on.
    private func challengeMilliseconds(_ room: Room) -> Int64 {
        Int64(max(1, room.redisMilliseconds(nowMilliseconds: environment.nowMilliseconds())))
    }

    /// Differs from every other of the same millisecond; whether it can be guessed does not matter.
    private func salt() -> [UInt8] {
        (0..<Challenge.saltByteCount).map { _ in UInt8(environment.random() * 256) }
    }
}
