// SPDX-License-Identifier: Apache-2.0
//
// Finds the nonce of a challenge, as a client of the API does.

internal import Passes
public import StrictJSON

/// A challenge as an answer of join shows it.
public struct ShownChallenge: Sendable {
    public var text: String
    public var bits: Int

    /// Reads the challenge of a refusal; nil when it has none.
    public init?(_ answer: JSONValue) {
        guard let text = answer["error"]?["challenge"]?.stringValue,
            let bits = answer["error"]?["bits"]?.integerValue
        else { return nil }
        self.text = text
        self.bits = Int(bits)
    }

    /// The first nonce from `first` on that solves it, or that does not.
    public func nonce(solving: Bool = true, from first: Int = 0) throws -> String {
        for number in first..<(first + 64 << bits) {
            let proof = Proof(challenge: text, nonce: String(number))
            guard let proof else { throw TestFailure("not a challenge: \(text)") }
            if proof.isSolution(bits: bits) == solving { return String(number) }
        }
        throw TestFailure("no nonce for \(bits) bits")
    }

    /// The body of a join that brings the solution.
    public func body(room: String = "demo", nonce: String? = nil) throws -> String {
        let nonce = try nonce ?? self.nonce()
        return #"{"event_id":"\#(room)","proof":{"challenge":"\#(text)","nonce":"\#(nonce)"}}"#
    }
}
