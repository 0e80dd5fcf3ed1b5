// SPDX-License-Identifier: Apache-2.0
//
// Bytes as a web server would send them, and chance that can be repeated.

import GatewayWire
import TestSupport

extension SeededRandom {
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
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
