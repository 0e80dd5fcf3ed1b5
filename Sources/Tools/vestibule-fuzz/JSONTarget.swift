// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the JSON reader and writer. A written value is read back unchanged, and a value that was read is the same
// after it was written and read again. It uses StrictJSON only.

import StrictJSON

struct JSONTarget: FuzzTarget {
    private static let words: [[UInt8]] =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", #"\u0000"#, #"\ud83d\ude00"#, #"\ud800"#, "null", "true", "1e999",
            "-0",
            "1.", "\u{feff}", "é", "[[[[[[[[[", "9223372036854775808", " ", "\n", "/*", "'", "NaN", "-",
        ].map { Array($0.utf8) } + [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0]]
    private static let texts = [
        "", "event_id", "waiting_token", "demo", "a\"b\\c", "\u{0}\u{1f}", "가나다", "\u{1F600}", "e\u{301}", "</script>",
    ]

    private(set) var deepInputs = 0

    mutating func run(_ chance: inout Chance) throws {
        let value = make(depth: 0, &chance)
        let text = JSONTarget.write(value, &chance)
        do {
            let read = try JSONValue(parsing: text)
            guard read == value else { throw Finding("\(value) was read as \(read)", text) }
        } catch let error as JSONError {
            throw Finding("\(value) was not read: \(error)", text)
        }
        var changed = text
        chance.mutate(&changed, words: JSONTarget.words, times: 1 + chance.below(4))
        guard let read = try? JSONValue(parsing: changed) else { return }
        deepInputs += 1
        guard JSONTarget.depth(read) <= JSONValue.depthMax else { throw Finding("too deep", changed) }
        guard (try? JSONValue(parsing: JSONTarget.write(read, &chance))) == read else {
            throw Finding("\(read) does not survive", changed)
        }
    }

    private func make(depth: Int, _ chance: inout Chance) -> JSONValue {
        switch chance.below(depth < 4 ? 8 : 5) {
        case 0: return .null
        case 1: return .bool(chance.oneIn(2))
        case 2: return .integer(Int64(chance.number()) * (chance.oneIn(2) ? 1 : -1))
        case 3:
            let number = Double(bitPattern: chance.bits())
            return .number(number.isFinite ? number : 0.5)
        case 4: return .string(chance.pick(JSONTarget.texts))
        case 5: return .array((0..<chance.below(4)).map { _ in make(depth: depth + 1, &chance) })
        default:
            var names = Set<String>()
            return .object(
                (0..<chance.below(4)).compactMap { _ in
                    let name = chance.pick(JSONTarget.texts)
                    guard names.insert(name).inserted else { return nil }
                    return JSONMember(name: name, value: make(depth: depth + 1, &chance))
                }
            )
        }
    }

    private static func depth(_ value: JSONValue) -> Int {
        switch value {
        case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
        case .object(let members): 1 + (members.map { depth($0.value) }.max() ?? 0)
        default: 0
        }
    }

    private static func write(_ value: JSONValue, _ chance: inout Chance) -> [UInt8] {
        let blank: [UInt8] = chance.oneIn(5) ? chance.pick([[32], [9], [10], [13], [32, 32]]) : []
        switch value {
        case .null: return blank + [UInt8]("null")
        case .bool(let flag): return blank + [UInt8](flag ? "true" : "false")
        case .integer(let number): return blank + [UInt8]("\(number)")
        // Swift writes the shortest text that reads back as the same number; a fraction keeps it a Double.
        case .number(let number): return blank + [UInt8]("\(number)")
        case .string(let text): return blank + write(text, &chance)
        case .array(let elements):
            let parts = elements.map { write($0, &chance) }
            return blank + [UInt8(ascii: "[")] + Array(parts.joined(separator: blank + [UInt8(ascii: ",")])) + blank
                + [UInt8(ascii: "]")]
        case .object(let members):
            let parts = members.map { write($0.name, &chance) + blank + [UInt8(ascii: ":")] + write($0.value, &chance) }
            return blank + [UInt8(ascii: "{")] + Array(parts.joined(separator: [UInt8(ascii: ",")] + blank)) + blank
                + [UInt8(ascii: "}")]
        }
    }

    private static func write(_ text: String, _ chance: inout Chance) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "\"")]
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                out += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            } else if scalar.value < 32 || chance.oneIn(6) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    out += [UInt8]("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
                }
            } else {
                out += Array(String(scalar).utf8)
            }
        }
        return out + [UInt8(ascii: "\"")]
    }
}
