// SPDX-License-Identifier: Apache-2.0
//
// Bytes as a web server would send them, and chance that can be repeated.

import GatewayWire
import TestSupport

extension SeededRandom {
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}

func record(_ type: UInt8, id: Int = 1, version: UInt8 = 1, padding: Int = 0, _ content: [UInt8] = []) -> [UInt8] {
    [
        version, type, UInt8(id >> 8), UInt8(id & 255), UInt8(content.count >> 8), UInt8(content.count & 255),
        UInt8(padding), 0,
    ] + content + [UInt8](repeating: 0xEE, count: padding)
}

func length(_ count: Int, long: Bool = false) -> [UInt8] {
    count < 128 && !long
        ? [UInt8(count)]
        : [UInt8(count >> 24) | 128, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
}

func pair(_ name: String, _ value: [UInt8], long: Bool = false) -> [UInt8] {
    length(name.utf8.count, long: long) + length(value.count, long: long) + Array(name.utf8) + value
}

let begin = record(1, [0, 1, 1, 0, 0, 0, 0, 0])

/// A whole request with its streams cut into records of at most `piece` bytes.
func fastCGI(parameters: [UInt8], body: [UInt8] = [], piece: Int = 65_535, padding: Int = 0) -> [UInt8] {
    func stream(_ type: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var records: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            records += record(type, padding: padding, Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
        return records + record(type)
    }
    return begin + stream(4, parameters) + stream(5, body)
}

func netstring(_ pairs: [(String, String)], body: String = "") -> [UInt8] {
    let headers = pairs.map { "\($0.0)\u{0}\($0.1)\u{0}" }.joined()
    return Array("\(headers.utf8.count):\(headers),\(body)".utf8)
}

func inspect(_ bytes: [UInt8], limits: GatewayLimits = GatewayLimits()) -> FrameOutcome {
    var guardian = FastCGIGuard(limits: limits)
    return bytes.withUnsafeBufferPointer { guardian.inspect($0) }
}

func decode(
    _ bytes: [UInt8],
    limits: GatewayLimits = GatewayLimits(),
    into request: inout GatewayRequest
) -> FrameOutcome {
    request.reset()
    return bytes.withUnsafeBufferPointer { SCGIDecoder(limits: limits).decode($0, into: &request) }
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
