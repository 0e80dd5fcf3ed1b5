// SPDX-License-Identifier: Apache-2.0
//
// How much work a join costs: nothing while a room is quiet, and more as joins per second rise. One person does not
// notice the price; a machine that joins ten thousand times pays it ten thousand times. It does not prove that the
// visitor is human.

/// What a room may ask of those who join while many do.
public struct ProofOfWork: Equatable, Sendable {
    /// Below 8 bits a proof is not worth its request; above 24 a phone computes for minutes, longer than a challenge
    /// lives.
    public static let bitsRange = 8...24

    /// Leading zero bits of a solution when work is first asked for. Each bit doubles the work: 14 are 16,384 hashes.
    public let bits: Int
    /// The most that is ever asked for, ``bits`` or more.
    public let bitsMax: Int

    public init(bits: Int = 14, bitsMax: Int = 20) {
        precondition(ProofOfWork.bitsRange.contains(bits) && ProofOfWork.bitsRange.contains(bitsMax), "8...24 bits")
        precondition(bits <= bitsMax, "the most is not less than the least")
        self.bits = bits
        self.bitsMax = bitsMax
    }

    /// As the configuration file has it.
    public var text: String { "{bits: \(bits), bits_max: \(bitsMax)}" }
}

/// How many join a room at one worker, and the work that follows from it.
///
/// The measure is an exponential moving average of joins per second: every 100 ms it is multiplied by 0.99 (time
/// constant 10 s), and each join adds 0.1. So a burst costs nothing until it is worth ten seconds of the rate, and
/// about a minute after a rush the work is what it was before.
public struct JoinLoad: Equatable, Sendable {
    static let slotMilliseconds = 100
    static let kept = 0.99
    /// What a new join adds: one join per second then adds up to an average of one per second.
    static let weight = 0.1
    /// Less than this many joins a second are no load on anybody, however slow the room.
    static let quietPerSecond = 1.0
    /// The work rises when this share of the joins would bring it, and falls when all of them no longer do. This is
    /// hysteresis: the level does not flap near a threshold, and random arrivals at exactly the rate do not trigger it.
    static let risingShare = 0.75

    private var joinsPerSecond = 0.0
    private var slot = 0
    /// Doublings of the rate that were last seen, and one; 0 while no work is asked for.
    private var level = 0

    public init() {}

    /// Counts a join.
    /// - Parameter nowMilliseconds: of the worker's monotonic clock.
    public mutating func record(nowMilliseconds: Int) {
        fade(nowMilliseconds)
        joinsPerSecond += JoinLoad.weight
    }

    /// Joins a second, averaged.
    public mutating func perSecond(nowMilliseconds: Int) -> Double {
        fade(nowMilliseconds)
        return joinsPerSecond
    }

    /// The work to ask for: 0 for none while no more join than the room can serve, then `rule.bits`, and a bit more for
    /// each doubling of the joins beyond, up to `rule.bitsMax`. One bit is one doubling of the work, so what a crowd of
    /// machines can join with stays the same however much of it there is.
    ///
    /// It is the joins at this worker against the whole rate of the room. A worker does not know how many others there
    /// are, and need not: nginx spreads the joins, so that with n workers work begins at n times the rate, which errs
    /// on the visitor's side, and costs an attacker log2(n) bits less.
    public mutating func bits(_ rule: ProofOfWork, ratePerSecond: Double, nowMilliseconds: Int) -> Int {
        fade(nowMilliseconds)
        let served = max(JoinLoad.quietPerSecond, ratePerSecond)
        let levelMax = rule.bitsMax - rule.bits + 1
        let rising = JoinLoad.level(joinsPerSecond * JoinLoad.risingShare / served, upTo: levelMax)
        let falling = JoinLoad.level(joinsPerSecond / served, upTo: levelMax)
        level = min(max(level, rising), falling)
        return level == 0 ? 0 : rule.bits + level - 1
    }

    private static func level(_ ratio: Double, upTo levelMax: Int) -> Int {
        guard ratio > 1 else { return 0 }
        var (level, border) = (1, 2.0)
        while level < levelMax, ratio >= border {
            level += 1
            border *= 2
        }
        return level
    }

    private mutating func fade(_ nowMilliseconds: Int) {
        let now = nowMilliseconds / JoinLoad.slotMilliseconds
        let passed = now - slot
        guard passed > 0 else { return }
        slot = now
        // By squaring: the same whether time comes in one step or in many.
        var (factor, power, rest) = (1.0, JoinLoad.kept, passed)
        while rest > 0 {
            if rest & 1 == 1 { factor *= power }
            power *= power
            rest >>= 1
        }
        joinsPerSecond *= factor
    }
}
