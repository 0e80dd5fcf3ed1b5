// SPDX-License-Identifier: Apache-2.0
//
// A scenario of the simulation as values: the room, the crowd, the network, what breaks, and what the operator does.

public import Admission

/// What `vestibule simulate` plays. Everything that is drawn by chance is drawn from the seed of the run.
public struct Scenario: Equatable, Sendable {
    /// Shares of the crowd, as weights.
    public struct Crowd: Equatable, Sendable {
        /// Poll when the answer says so, wait, and enter.
        public var patient = 100
        /// Leave on purpose while they wait.
        public var impatient = 0
        /// Close the tab while they wait, without a word.
        public var closers = 0
        /// Fall silent and come back, within the grace or after it.
        public var sleepers = 0
        /// Do everything twice at once, through two workers.
        public var clickers = 0
        /// Poll as fast as they like.
        public var scripts = 0
        /// Poll when the browser wakes their hidden tab: once in half of `abandon_after`.
        public var hidden = 0
        /// Poll, and never enter when they are called.
        public var decliners = 0

        public var weights: [Int] {
            [patient, impatient, closers, sleepers, clickers, scripts, hidden, decliners]
        }
    }

    /// Between a worker and the store, one way; and what is lost between visitors and workers.
    public struct Network: Equatable, Sendable {
        public var delayMilliseconds = 1
        /// Added to the delay, drawn for each message.
        public var jitterMilliseconds = 0
        /// Of a thousand requests of visitors, how many are lost on the way in, and how many answers on the way out.
        public var lossPerMille = 0
    }

    /// How often each fault happens, at most: each run draws from zero to this.
    public struct Faults: Equatable, Sendable {
        /// No fault begins after this moment.
        public var untilMilliseconds = 0
        /// A worker's connection to the store breaks: what was in flight may or may not have taken effect.
        public var drops = 0
        /// The store hangs.
        public var stalls = 0
        /// The store is away and comes back as it was.
        public var outages = 0
        /// The store is away and comes back empty.
        public var restarts = 0
        /// FLUSHALL.
        public var flushes = 0
        /// Failover to a replica that lags.
        public var rollbacks = 0
        /// A worker dies and is started again without a memory.
        public var deaths = 0
        /// The wall clocks of the store and of the hosts are set, forward or back.
        public var clockSteps = 0
        /// A key of the room is evicted, or removed by hand.
        public var evictions = 0
        /// How far a clock is set at most.
        public var clockStepMilliseconds = 3_600_000
        /// How far a replica lags at most.
        public var lagMilliseconds = 500
        /// How long a stall or an outage lasts at most.
        public var lengthMilliseconds = 5000

        public var total: Int {
            drops + stalls + outages + restarts + flushes + rollbacks + deaths + clockSteps + evictions
        }
    }

    /// Something an operator does.
    public struct Operation: Equatable, Sendable {
        /// The limits that it may change.
        static let fields: Set<PolicyField> = [.rateMilli, .burst, .maxActive, .mode]

        public var atMilliseconds: Int
        /// The values that it sets; the other limits stay as they are.
        public var limits: [PolicyField: Int]
        /// Ends the generation: everybody who waits loses the place.
        public var isReset = false

        public init(atMilliseconds: Int = 0, _ limits: [PolicyField: Int] = [:]) {
            self.atMilliseconds = atMilliseconds
            self.limits = limits
        }

        /// The limits after it.
        public func applied(to policy: RoomPolicy) -> RoomPolicy {
            var policy = policy
            for (field, value) in limits { policy[field] = value }
            return policy
        }
    }

    /// Whom a simulated visitor talks to.
    public enum Front: String, Sendable {
        /// `WaitingRoomAPI.handle`: requests, tickets, JSON.
        case api
        /// The layer below: the worker's mirror and the store. Several times as fast.
        case store
    }

    public var policy = RoomPolicy.standard
    /// Draw the room's limits from the seed, in place of `policy`.
    public var hasDrawnLimits = false
    public var workers = 2
    public var tickMilliseconds = 200
    /// Rooms that share the store and the workers, each with the limits of the scenario, or limits of its own that are
    /// drawn, and with as many visitors.
    public var rooms = 1
    public var visitors = 100
    /// Visitors arrive evenly spread by chance over this time.
    public var arrivalMilliseconds = 20_000
    /// The impatient, the closers and the sleepers go within this time after they joined.
    public var patienceMilliseconds = 20_000
    public var crowd = Crowd()
    public var network = Network()
    /// Every second worker has an older configuration file, with other limits.
    public var filesDiffer = false
    /// In half of the runs the first number of the room is less than a hundred below the edge of a chunk.
    public var beginsBelowEdge = false
    /// In half of the runs the caps of one call are a few, and are met in most ticks.
    public var hasSmallCaps = false
    /// A worker's monotonic clock begins anywhere within this, and runs up to 200 parts in a million wrong.
    public var skewMilliseconds = 0
    public var front = Front.api
    public var faults = Faults()
    public var operations: [Operation] = []
    /// How many more operations are drawn, at most.
    public var drawnOperations = 0
    /// The run fails when patient visitors still wait after this.
    public var horizonMilliseconds = 1_800_000

    public init() {}

    /// Visitors at most: 32-bit indexes, and memory.
    public static let visitorsMax = 10_000_000
    public static let workersMax = 64
    public static let roomsMax = 16
}
