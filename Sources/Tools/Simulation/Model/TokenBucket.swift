// SPDX-License-Identifier: Apache-2.0
//
// A token bucket in whole millionths of a token. These are the same integers as in prelude.lua, so that the model and
// the scripts agree to the last digit. The level is never below zero.

internal import Admission

/// Bounds how many may be called, or may enter: in any window of t seconds at most capacity + rate * t.
public struct TokenBucket: Equatable, Sendable {
    /// One token.
    public static let micro = QueueConstants.microTokens

    /// Content, in millionths of a token.
    public private(set) var microtokens: Int

    public init(microtokens: Int) {
        self.microtokens = microtokens
    }

    /// Whole tokens that can be taken now.
    public var tokens: Int { microtokens / TokenBucket.micro }

    /// Adds what `elapsedMilliseconds` bring. A clock that went back (negative) adds nothing.
    public mutating func refill(elapsedMilliseconds: Int, rateMilli: Int, microtokensMax: Int) {
        let elapsed = min(max(0, elapsedMilliseconds), QueueConstants.refillMillisecondsMax)
        microtokens = min(microtokensMax, microtokens + elapsed * rateMilli)
    }

    /// Takes `count` tokens. The caller has looked at `tokens` first.
    public mutating func take(_ count: Int = 1) {
        precondition(tokens >= count, "a bucket below zero would break the bound on entries")
        microtokens -= count * TokenBucket.micro
    }

    /// Gives tokens back (a call that lapsed), up to the capacity.
    public mutating func giveBack(_ count: Int = 1, microtokensMax: Int) {
        microtokens = min(microtokensMax, microtokens + count * TokenBucket.micro)
    }

    /// Milliseconds until one whole token is there: 0 if there is one, 1,000 when nothing refills the bucket.
    public func millisecondsUntilToken(rateMilli: Int) -> Int {
        if microtokens >= TokenBucket.micro { return 0 }
        guard rateMilli > 0 else { return 1000 }
        return (TokenBucket.micro - microtokens + rateMilli - 1) / rateMilli
    }
}
