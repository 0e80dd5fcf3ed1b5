// SPDX-License-Identifier: Apache-2.0
//
// Moments as operators write them: an instant with an offset (RFC 3339), a local time with the name of a zone in
// brackets (RFC 9557), or both. Where a zone is named, its rules come as an argument: rules of zones change, and the
// operating system has the newest.

/// A calendar date and time of day, without a zone.
public struct LocalTime: Equatable, Sendable {
    public var year: Int
    public var month: Int
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int

    /// Seconds since 1970 if this were UTC; days by the proleptic Gregorian calendar.
    public var secondsAsUTC: Int {
        // Days from 1970-01-01; years begin in March, so that the leap day is the last of its year.
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// The time of day and date of an instant in UTC. Seconds since 1970, not negative.
    public init(secondsAsUTC seconds: Int) {
        let days = seconds / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let rest = seconds % 86_400
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// As `2026-12-01T10:00:00`.
    public var text: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))"
    }

    /// Reads `2026-12-01T10:00` or `2026-12-01T10:00:00`; nil for anything else, and for a date that is not.
    init?(_ text: some StringProtocol) {
        let halves = text.split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        let time = halves[1].split(separator: ":", omittingEmptySubsequences: false)
        guard date.count == 3, date[0].utf8.count == 4, (2...3).contains(time.count) else { return nil }
        let words = (date + time).map { LocalTime.digits($0) }
        guard words.allSatisfy({ $0 != nil }) else { return nil }
        let numbers = words.map { $0 ?? 0 }
        (year, month, day, hour, minute) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
        second = numbers.count == 6 ? numbers[5] : 0
        guard year >= 1970, (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60 else { return nil }
        // A day that its month does not have is another date when it is read back.
        guard LocalTime(secondsAsUTC: secondsAsUTC) == self else { return nil }
    }

    private static func digits(_ text: some StringProtocol) -> Int? {
        guard (2...4).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }
}

/// Why a text is no moment, as the end of a sentence that begins with the key.
public struct MomentFault: Error, Equatable, Sendable {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }
}

public enum Moment {
    /// What a zone makes of a local time: the instants that have it there, in seconds since 1970. None where clocks are
    /// put forward over it, two where they are put back. Nil for an unknown zone.
    public typealias Zones = (_ zone: String, _ local: LocalTime) -> [Int]?

    /// No text is a moment, and no moment is later: the end of the year 9999, in milliseconds since 1970.
    public static let latest = 253_402_300_799_000

    /// Reads a moment, in milliseconds since 1970; 0 for `none`.
    public static func milliseconds(_ text: String, zones: Zones) throws(MomentFault) -> Int {
        if text == "none" { return 0 }
        let (rest, zone) = try split(text)
        if let (local, offset) = withOffset(rest) {
            let instant = local.secondsAsUTC - offset
            if let zone {
                guard let known = zones(zone, local) else { throw MomentFault("names the unknown time zone \(zone)") }
                guard known.contains(instant) else {
                    throw MomentFault("has an offset that \(zone) does not have at that time")
                }
            }
            return instant * 1000
        }
        guard let local = LocalTime(rest) else { throw MomentFault(demand) }
        guard let zone else {
            throw MomentFault("needs a time zone: \(rest)Z for UTC, or \(rest)[Europe/Berlin]")
        }
        guard let instants = zones(zone, local) else { throw MomentFault("names the unknown time zone \(zone)") }
        switch instants.count {
        case 1: return instants[0] * 1000
        case 0: throw MomentFault("is a time that \(zone) does not have: clocks are put forward over it")
        default:
            throw MomentFault("is a time that \(zone) has twice: say which by an offset, \(rest)+01:00[\(zone)]")
        }
    }

    /// The moment in UTC, as ``milliseconds(_:zones:)`` reads it.
    public static func text(_ milliseconds: Int) -> String {
        if milliseconds == 0 { return "none" }
        return LocalTime(secondsAsUTC: milliseconds / 1000).text + "Z"
    }

    /// What a moment must be.
    public static let demand = "must be a time such as 2026-12-01T10:00[Europe/Berlin] or 2026-12-01T09:00Z, or none"

    private static func split(_ text: String) throws(MomentFault) -> (rest: Substring, zone: String?) {
        guard text.hasSuffix("]") else { return (text[...], nil) }
        guard let open = text.firstIndex(of: "[") else { throw MomentFault(demand) }
        let zone = text[text.index(after: open)...].dropLast()
        return (text[..<open], String(zone))
    }

    /// A time with `Z` or an offset behind it; nil without one.
    private static func withOffset(_ text: Substring) -> (LocalTime, offset: Int)? {
        if text.hasSuffix("Z") { return LocalTime(text.dropLast()).map { ($0, 0) } }
        guard text.count > 6, let local = LocalTime(text.dropLast(6)) else { return nil }
        let offset = text.suffix(6)
        let parts = offset.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard let sign = offset.first, sign == "+" || sign == "-", parts.count == 2,
            let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return (local, (sign == "-" ? -1 : 1) * (hours * 3600 + minutes * 60))
    }
}
