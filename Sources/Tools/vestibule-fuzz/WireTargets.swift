// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the FastCGI guard and the SCGI decoder. Whatever the bytes are, and however they are cut, both say what an
// independent reader of the whole request says (WireForms.swift). It uses GatewayWire only.

import GatewayWire

enum PlainRequests {
    static let names: [[UInt8]] =
        GatewayField.allCases.map { field in field.parameterName.withUTF8Buffer { Array($0) } } + [
            [], Array("CONTENT_LENGTH".utf8), Array("SCGI".utf8), Array("UNKNOWN".utf8), Array("REQUEST=METHOD".utf8),
            Array("HTTP_COOKIE\u{0}".utf8),
        ]
    static let values: [[UInt8]] = [
        "", "GET", "POST", "/api/v1/queue/join", "token=v1.k1.demo.1.2.3.x", "gate", "0", "a=b; c=d", "\u{0}", "=", "1",
    ].map { Array($0.utf8) }

    static func make(_ chance: inout Chance) -> PlainRequest {
        var request = PlainRequest()
        for _ in 0..<chance.below(8) {
            let value = chance.oneIn(6) ? chance.bytes(chance.below(300)) : chance.pick(values)
            request.parameters.append((chance.pick(names), value))
        }
        if chance.oneIn(3) { request.body = chance.bytes(chance.below(200)) }
        if chance.oneIn(2000) {
            // Around the bounds of 32,768 and 65,536 bytes.
            request.parameters.append((Array("HTTP_COOKIE".utf8), chance.bytes(32_600 + chance.below(200))))
            request.body = chance.bytes(65_400 + chance.below(200))
        }
        return request
    }
}

struct FastCGIGuardTarget: FuzzTarget {
    private(set) var deepInputs = 0

    private static let words: [[UInt8]] = [
        FastCGIForm.record(1, [0, 1, 1, 0, 0, 0, 0, 0]), FastCGIForm.record(2), FastCGIForm.record(4),
        FastCGIForm.record(5), FastCGIForm.record(9, id: 0), [0xFF, 0xFF, 0xFF, 0xFF], [0x80, 0, 0, 0], [0x7F], [0x80],
        [1, 4, 0, 1, 0xFF, 0xFF, 0, 0], [0], [1],
    ]

    static func input(_ chance: inout Chance) -> [UInt8] {
        if chance.oneIn(20) { return chance.bytes(chance.below(200)) }
        var bytes = FastCGIForm.bytes(PlainRequests.make(&chance), keep: !chance.oneIn(4), &chance)
        chance.mutate(&bytes, words: words, times: max(0, chance.below(7) - 2))
        return bytes
    }

    mutating func run(_ chance: inout Chance) throws {
        let limits = GatewayLimits()
        let bytes = FastCGIGuardTarget.input(&chance)
        var growing = FastCGIGuard(limits: limits)
        var count = 0
        var outcome = FrameOutcome.incomplete
        let piece = chance.oneIn(3) ? 3 : max(1, bytes.count / 3)
        while count < bytes.count, outcome == .incomplete {
            count = min(bytes.count, count + 1 + chance.below(piece))
            outcome = bytes.withUnsafeBufferPointer { growing.inspect(.init(rebasing: $0[..<count])) }
        }
        var whole = FastCGIGuard(limits: limits)
        let atOnce = bytes.withUnsafeBufferPointer { whole.inspect(.init(rebasing: $0[..<count])) }
        guard atOnce == outcome else { throw Finding("in pieces \(outcome), at once \(atOnce)", bytes) }
        let request = FastCGIForm.read(Array(bytes[..<count]), limits)
        switch outcome {
        case .complete(let length):
            guard length == count, request != nil else { throw Finding("\(outcome), and it is no request", bytes) }
            deepInputs += 1
        case .incomplete, .reject:
            guard request == nil else { throw Finding("a request is \(outcome)", bytes) }
        }
    }
}

struct SCGIDecoderTarget: FuzzTarget {
    private(set) var deepInputs = 0

    private static let words: [[UInt8]] = [
        "\u{0}", "CONTENT_LENGTH\u{0}", "SCGI\u{0}1\u{0}", ",", ":", "0", "00", "-1",
        "VESTIBULE_OPERATION\u{0}gate\u{0}",
        "99999999999999999999", "281474976710657",
    ].map { Array($0.utf8) }

    static func input(_ chance: inout Chance) -> [UInt8] {
        if chance.oneIn(20) { return chance.bytes(chance.below(200)) }
        var bytes = SCGIForm.bytes(PlainRequests.make(&chance))
        chance.mutate(&bytes, words: words, times: max(0, chance.below(7) - 2))
        return bytes
    }

    mutating func run(_ chance: inout Chance) throws {
        let limits = GatewayLimits()
        let decoder = SCGIDecoder(limits: limits)
        let bytes = SCGIDecoderTarget.input(&chance)
        var request = GatewayRequest(reservingBytes: 256)
        var last = FrameOutcome.incomplete
        for count in [chance.below(bytes.count + 1), chance.below(bytes.count + 1)].sorted() + [bytes.count] {
            request.reset()
            let outcome = bytes.withUnsafeBufferPointer {
                decoder.decode(.init(rebasing: $0[..<count]), into: &request)
            }
            let plain = SCGIForm.read(Array(bytes[..<count]), limits)
            switch (last, outcome) {
            case (.reject, .reject), (.incomplete, _), (.complete, .complete): break
            // Nobody asks again after a whole request; more bytes are then a fault of the peer.
            case (.complete, .reject(.bytesAfterRequest)): break
            default: throw Finding("\(last) became \(outcome) with more bytes", bytes)
            }
            if case .complete(let length) = outcome {
                guard length == count, let plain, plain.agrees(with: request) else {
                    throw Finding("\(count) bytes are \(outcome), not the request they spell", bytes)
                }
            } else if plain != nil {
                throw Finding("\(count) bytes of a request are \(outcome)", bytes)
            }
            last = outcome
        }
        if case .complete = last { deepInputs += 1 }
    }
}
