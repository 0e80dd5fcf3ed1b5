// SPDX-License-Identifier: Apache-2.0
//
// The JSON of a report.

/// A JSON value to be written.
public indirect enum ReportValue: Sendable, Equatable {
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case text(String)
    case none
    case list([ReportValue])
    /// Members in the order of writing.
    case members([(String, ReportValue)])

    public static func == (left: ReportValue, right: ReportValue) -> Bool { left.json == right.json }

    /// The value as JSON text. Numbers that JSON cannot hold become null.
    public var json: String {
        var text = ""
        write(into: &text)
        return text
    }

    private func write(into text: inout String) {
        switch self {
        case .integer(let value): text += "\(value)"
        case .number(let value): text += value.isFinite ? "\(ReportValue.rounded(value))" : "null"
        case .flag(let value): text += value ? "true" : "false"
        case .text(let value): ReportValue.quote(value, into: &text)
        case .none: text += "null"
        case .list(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(into: &text)
            }
            text += "]"
        case .members(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                ReportValue.quote(member.0, into: &text)
                text += ":"
                member.1.write(into: &text)
            }
            text += "}"
        }
    }

    /// A thousandth is finer than anything measured here.
    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    private static func quote(_ value: String, into text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
