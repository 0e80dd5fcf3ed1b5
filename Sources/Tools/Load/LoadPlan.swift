// SPDX-License-Identifier: Apache-2.0
//
// What a run does, decided and bounded before it starts.

/// The settings of one run. Only loopback is ever connected to: there is a port and no address.
public struct LoadPlan: Sendable {
    /// Visitors at most: what 32-bit offsets of tickets allow with room to spare.
    public static let visitorCountMax = 4_000_000
    /// A run is at most an hour.
    public static let durationMillisecondsMax = 3_600_000
    /// Connections at most.
    public static let connectionCountMax = 10_000

    /// Port on 127.0.0.1.
    public var port = 8080
    /// The room that is joined.
    public var room = "demo"
    /// Whether to speak TLS; the product's cookies then have their `__Host-` names.
    public var isSecure = false
    /// The protected path an admitted visitor fetches once.
    public var backendPath = "/"
    /// What the backend's page must contain; empty accepts any 200.
    public var backendMark = "backend"

    /// How many visitors arrive.
    public var visitorCount = 1000
    /// When they arrive.
    public var arrivals = ArrivalSchedule.spike(seconds: 5)
    /// The share of visitors, 0...1, who leave on purpose while they wait.
    public var leaverShare = 0.0
    /// The share of visitors, 0...1, who fall silent while they wait.
    public var silentShare = 0.0
    /// Leaving and falling silent come at a random time within this many milliseconds after the join.
    public var quitWithinMilliseconds = 30_000

    /// When the run stops sending, in milliseconds.
    public var durationMilliseconds = 10_000
    /// Kept connections, each with one request in flight at most.
    public var connectionCount = 256
    /// Requests a second that are never exceeded; what is due beyond it waits, and its latency grows.
    public var requestRateMax = 60_000
    /// When waiting visitors poll.
    public var polling = PollAim.asTold
    /// A request without an answer for this long is an error.
    public var timeoutMilliseconds = 10_000
    /// How long answers are gathered before they are looked at. It saves the load side a wake-up an answer, and never
    /// flatters: every latency is longer by up to this time.
    public var gatherMicroseconds = 0
    /// Whether the promised waits are kept and judged.
    public var judgesWaits = false
    /// Promises made before this time are not judged, in milliseconds from the start.
    public var waitsFromMilliseconds = 30_000
    /// The seed of everything random.
    public var seed: UInt64 = 1

    /// A plan with the defaults.
    public init() {}

    /// What is wrong with the plan, for people; nil when it can be run.
    public var problem: String? {
        if !(1...65_535).contains(port) { return "the port must be 1 to 65535" }
        if !(1...LoadPlan.visitorCountMax).contains(visitorCount) {
            return "there must be 1 to \(LoadPlan.visitorCountMax) visitors"
        }
        if !(1...LoadPlan.connectionCountMax).contains(connectionCount) {
            return "there must be 1 to \(LoadPlan.connectionCountMax) connections"
        }
        if !(1...LoadPlan.durationMillisecondsMax).contains(durationMilliseconds) {
            return "a run lasts at most \(LoadPlan.durationMillisecondsMax / 1000) s"
        }
        if !(0...1).contains(leaverShare) || !(0...1).contains(silentShare) || leaverShare + silentShare > 1 {
            return "leavers and silent visitors are shares of the visitors, together at most 1"
        }
        if !(1...1_000_000).contains(requestRateMax) { return "the request rate must be 1 to 1000000 a second" }
        switch polling {
        case .asTold: break
        case .polls(let rate), .requests(let rate):
            if !(rate > 0 && rate <= 1e6) { return "the rate that is held must be above 0" }
        }
        if !(1...60_000).contains(timeoutMilliseconds) { return "the timeout must be 1 ms to 60 s" }
        if !(0...10_000).contains(gatherMicroseconds) { return "answers are gathered for at most 10 ms" }
        if !(1...LoadPlan.durationMillisecondsMax).contains(quitWithinMilliseconds) {
            return "visitors quit within 1 ms to 1 h"
        }
        let isRoomUsable = (1...64).contains(room.utf8.count) && LoadPlan.canStandInRequest(room)
        let isPathUsable = backendPath.hasPrefix("/") && backendPath.utf8.count <= 512
        if !isRoomUsable || !isPathUsable || !LoadPlan.canStandInRequest(backendPath) {
            return "the room or the backend path cannot stand in a request"
        }
        return nil
    }

    /// Visible ASCII, without what would end a JSON text.
    private static func canStandInRequest(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
    }
}
