// SPDX-License-Identifier: Apache-2.0
//
// Which estimator a room shows, and the forecast by hour that the sliding window may use.

/// How the wait is estimated.
public enum EstimateMethod: String, Sendable, CaseIterable {
    /// The model of the line: limits, who leaves at which age, who makes room.
    case forecast
    /// A recurrent network trained on simulated rooms.
    case learned
    /// The reference's formula.
    case slidingWindow = "sliding_window"
}

/// The `eta` mapping of a room in the configuration.
public struct EstimateSettings: Equatable, Sendable {
    public var method = EstimateMethod.forecast
    /// Expected entry rate by hour of the day, relative to each other. Used for hours that are still to come, by the
    /// sliding window only: within the hour in which the rate was measured they change nothing.
    public var hourWeights = [Double](repeating: 1, count: 24)
    /// Offset of the room's local time from UTC, in minutes, -720 to 840.
    public var utcOffsetMinutes = 0

    public static let standard = EstimateSettings()

    public init() {}

    /// Seconds until `work` is done when one second at `nowMilliseconds` (Unix time) does `perSecond`, and other hours
    /// do as much more or less as their weights say. Neutral weights give `work / perSecond`.
    public func seconds(work: Double, perSecond: Double, nowMilliseconds: Int) -> Double {
        guard perSecond > 0 else { return 3e8 }
        guard hourWeights.contains(where: { $0 != hourWeights[0] }) else { return work / perSecond }
        let local = nowMilliseconds / 1000 + utcOffsetMinutes * 60
        var hour = ((local / 3600) % 24 + 24) % 24
        let base = max(0.01, hourWeights[hour])
        var room = Double(3600 - ((local % 3600) + 3600) % 3600)
        var (left, seconds) = (work, 0.0)
        // A week of hours; beyond it the weights even out.
        for _ in 0..<168 {
            let rate = perSecond * max(0.01, hourWeights[hour]) / base
            if rate * room >= left { return seconds + left / rate }
            left -= rate * room
            seconds += room
            hour = (hour + 1) % 24
            room = 3600
        }
        return seconds + left / perSecond
    }
}
