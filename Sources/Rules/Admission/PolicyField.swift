// SPDX-License-Identifier: Apache-2.0
//
// The limits of a room as a table: one row per limit. Everything that goes through all limits is a loop over
// `PolicyField.allCases`: the configuration file, the commands of an operator, the arguments of the scripts and their
// table POLICY. The order of the cases is the order in which the values travel; a value is read by the name of its
// field, never by a number.

/// One limit of a room. The raw value is its name in Redis and in the scripts.
public enum PolicyField: String, CaseIterable, Sendable {
    case rateMilli = "rate_milli"
    case burst
    case maxActive = "max_active"
    case claimWindow = "claim_ms"
    case abandonAfter = "abandon_ms"
    case returnGrace = "grace_ms"
    case passLifetime = "pass_ms"
    case mode
    case capacity
    case pollBudget = "poll_budget"
    case opensAt = "opens_ms"
    case closesAt = "closes_ms"
    case draw
    case passMax = "pass_max_ms"

    /// What a limit is, and so how operators write it.
    public enum Kind: Sendable {
        /// A number a second with at most three decimals, kept in thousandths.
        case rate
        /// A whole number. Where 0 is allowed it means that there is no limit.
        case count
        /// A duration with a unit, kept in milliseconds.
        case duration
        /// A duration that must be whole seconds, kept in milliseconds.
        case seconds
        /// The name of a ``RoomMode``, kept as its number.
        case mode
        /// A ``Moment``, kept in milliseconds since 1970; 0 is none.
        case moment
        /// The name of a ``DrawKind``, kept as its number.
        case draw
    }

    private typealias Row = (key: String, kind: Kind, bounds: ClosedRange<Int>, place: WritableKeyPath<RoomPolicy, Int>)

    /// The table. The bounds keep every product of the bucket arithmetic below 2^53, where Lua's numbers are exact.
    private var row: Row {
        let day = 86_400_000
        return switch self {
        case .rateMilli: ("rate", .rate, 0...100_000_000, \.rateMilli)
        case .burst: ("burst", .count, 1...1_000_000, \.burst)
        case .maxActive: ("max_active", .count, 0...100_000_000, \.maxActive)
        case .claimWindow: ("claim_window", .duration, 100...day, \.claimWindowMilliseconds)
        case .abandonAfter: ("abandon_after", .duration, 400...day, \.abandonAfterMilliseconds)
        case .returnGrace: ("return_grace", .duration, 0...day, \.returnGraceMilliseconds)
        case .passLifetime: ("pass_ttl", .seconds, 1000...day, \.passLifetimeMilliseconds)
        case .mode: ("mode", .mode, 0...RoomMode.allCases.count - 1, \.modeNumber)
        case .capacity: ("capacity", .count, 1...16_000_000, \.capacity)
        case .pollBudget: ("poll_budget", .count, 10...10_000_000, \.pollBudget)
        case .opensAt: ("opens_at", .moment, 0...Moment.latest, \.opensMilliseconds)
        case .closesAt: ("closes_at", .moment, 0...Moment.latest, \.closesMilliseconds)
        case .draw: ("draw", .draw, 0...DrawKind.allCases.count - 1, \.drawNumber)
        case .passMax: ("pass_max", .duration, 0...day, \.passMaxMilliseconds)
        }
    }

    /// The key in the configuration file, and the name for operators.
    public var key: String { row.key }
    public var kind: Kind { row.kind }
    /// The values within which an operator may set the limit.
    public var bounds: ClosedRange<Int> { row.bounds }
    fileprivate var place: WritableKeyPath<RoomPolicy, Int> { row.place }

    /// The limit with this key in the configuration file; nil when there is none.
    public init?(key: String) {
        guard let field = PolicyField.allCases.first(where: { $0.key == key }) else { return nil }
        self = field
    }

    /// The value as operators read it, in a form that ``value(of:)`` takes.
    public func text(_ value: Int) -> String {
        switch kind {
        case .rate: "\(Double(value) / 1000)"
        case .count: "\(value)"
        case .duration, .seconds: "\(value)ms"
        case .mode: RoomMode(rawValue: value)?.name ?? "\(value)"
        case .moment: Moment.text(value)
        case .draw: DrawKind(rawValue: value)?.name ?? "\(value)"
        }
    }

    /// The value that an operator has written, within the bounds or not; nil when it cannot be read. A moment with the
    /// name of a zone is read by ``Moment``.
    public func value(of text: String) -> Int? {
        switch kind {
        case .rate: Quantity.thousandths(text)
        case .count: Int(text)
        case .duration, .seconds: Quantity.milliseconds(text)
        case .mode: RoomMode(name: text)?.rawValue
        case .moment: try? Moment.milliseconds(text) { _, _ in nil }
        case .draw: DrawKind(name: text)?.rawValue
        }
    }

    func allows(_ value: Int) -> Bool { bounds.contains(value) && (kind != .seconds || value % 1000 == 0) }

    /// What a value must be, as the end of a sentence that begins with the key.
    public var demand: String {
        let (low, high) = (bounds.lowerBound, bounds.upperBound)
        return switch kind {
        case .rate: "must be \(low / 1000) to \(high / 1000) a second"
        case .count: "must be \(low)\(low == 0 ? " (no limit)" : "") to \(high)"
        case .duration: "must be \(Quantity.text(milliseconds: low)) to \(Quantity.text(milliseconds: high))"
        case .seconds:
            "must be \(Quantity.text(milliseconds: low)) to \(Quantity.text(milliseconds: high)), in whole seconds"
        case .mode: "must be open, paused, closed, bypass or ended"
        case .moment: Moment.demand
        case .draw: "must be off, seed or beacon"
        }
    }
}

extension RoomPolicy {
    /// A limit as the integer that travels to Redis. A value that is no mode leaves the mode as it is.
    public subscript(_ field: PolicyField) -> Int {
        get { self[keyPath: field.place] }
        set { self[keyPath: field.place] = newValue }
    }

    fileprivate var modeNumber: Int {
        get { mode.rawValue }
        set { mode = RoomMode(rawValue: newValue) ?? mode }
    }

    fileprivate var drawNumber: Int {
        get { draw.rawValue }
        set { draw = DrawKind(rawValue: newValue) ?? draw }
    }

    /// The values in the order of ``PolicyField``, as the scripts take them.
    public var scriptArguments: [Int] { PolicyField.allCases.map { self[$0] } }

    /// Reads the values back; nil when their count is another or the mode is unknown.
    public init?(scriptArguments values: [Int]) {
        guard values.count == PolicyField.allCases.count else { return nil }
        self = .standard
        for (field, value) in zip(PolicyField.allCases, values) {
            self[field] = value
            guard self[field] == value else { return nil }
        }
    }

    /// The overrides of a room for which an operator has set nothing, in the order of ``PolicyField``.
    public static let noOverrides = [Int?](repeating: nil, count: PolicyField.allCases.count)
}

extension RoomPolicy {
    /// Reads limits as an operator writes them: `key=value` with spaces between. Those that are not named have their
    /// standard values. Nil when one cannot be read, or when they do not fit each other.
    public init?(pairs text: String) {
        self = .standard
        for pair in text.split(separator: " ") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let field = PolicyField(key: String(parts[0])),
                let value = field.value(of: String(parts[1]))
            else { return nil }
            self[field] = value
        }
        if complaint != nil { return nil }
    }

    /// The limits as ``init(pairs:)`` reads them.
    public var pairs: String {
        PolicyField.allCases.filter { self[$0] != RoomPolicy.standard[$0] }
            .map { "\($0.key)=\($0.text(self[$0]))" }.joined(separator: " ")
    }
}
