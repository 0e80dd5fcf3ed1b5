// SPDX-License-Identifier: Apache-2.0
//
// The `eta` mapping of a room: which estimator, and the forecast by hour for the sliding window.

internal import Admission
internal import Yams

extension Configuration {
    static func estimates(_ node: Node, room: String) throws(ConfigurationError) -> EstimateSettings {
        var settings = EstimateSettings.standard
        if node.isEmptyScalar { return settings }
        for (key, value) in try members(of: node, in: "eta of room \(room)") {
            switch key.text {
            case "method":
                guard let method = EstimateMethod(rawValue: try value.text(key)) else {
                    throw key.error("method must be forecast, learned or sliding_window")
                }
                settings.method = method
            case "hour_weights": settings.hourWeights = try hourWeights(value, room: room)
            case "utc_offset":
                guard let minutes = utcOffset(try value.text(key)) else {
                    throw key.error("utc_offset must be like \"+09:00\", from -12:00 to +14:00")
                }
                settings.utcOffsetMinutes = minutes
            default: throw key.unknown(in: "eta of room \(room)")
            }
        }
        return settings
    }

    /// Hours that are not named count as 1.
    private static func hourWeights(_ node: Node, room: String) throws(ConfigurationError) -> [Double] {
        var weights = EstimateSettings.standard.hourWeights
        for (key, value) in try members(of: node, in: "hour_weights of room \(room)") {
            guard let hour = Int(key.text), (0...23).contains(hour) else {
                throw key.error("an hour is a whole number from 0 to 23")
            }
            let thousandths = try value.thousandths(key)
            guard (10...100_000).contains(thousandths) else {
                throw key.error("a weight must be 0.01 to 100")
            }
            weights[hour] = Double(thousandths) / 1000
        }
        return weights
    }

    /// "+09:00" in minutes.
    private static func utcOffset(_ text: String) -> Int? {
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard text.hasPrefix("+") || text.hasPrefix("-"), parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hours = UInt8(parts[0]), let minutes = UInt8(parts[1]), minutes < 60
        else { return nil }
        let offset = (Int(hours) * 60 + Int(minutes)) * (text.hasPrefix("-") ? -1 : 1)
        return (-720...840).contains(offset) ? offset : nil
    }
}
