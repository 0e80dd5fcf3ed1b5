// SPDX-License-Identifier: Apache-2.0
//
// The guard lets through one whole request of nginx's shape and nothing else.

import GatewayWire
import TestSupport
import Testing

@Suite struct FastCGIGuardTests {
    private let parameters =
        pair("REQUEST_METHOD", Array("GET".utf8)) + pair("HTTP_COOKIE", [UInt8](repeating: 0x61, count: 300))
        + pair("", []) + pair("EMPTY", []) + pair("LONG_FORM", [1, 2, 3], long: true)

    @Test func `A request is complete exactly at its last byte, at whatever bytes it was cut before`() {
        for piece in [1, 2, 3, 7, 100, 65_535] {
            let request = fastCGI(parameters: parameters, body: Array("hello".utf8), piece: piece, padding: piece % 8)
            var growing = FastCGIGuard(limits: GatewayLimits())
            for count in 0...request.count {
                let expected: FrameOutcome = count == request.count ? .complete(length: count) : .incomplete
                let outcome = request[..<count].withUnsafeBufferPointer { growing.inspect($0) }
                #expect(outcome == expected, "piece \(piece), \(count) of \(request.count), bytes coming in one by one")
                #expect(inspect(Array(request[..<count])) == expected, "piece \(piece), \(count) bytes at once")
            }
        }
    }

    @Test func `After a reset the next request of the connection is judged afresh`() {
        var guardian = FastCGIGuard(limits: GatewayLimits())
        for size in [0, 10, 5_000] {
            let request = fastCGI(parameters: parameters, body: [UInt8](repeating: 1, count: size))
            #expect(request.withUnsafeBufferPointer { guardian.inspect($0) } == .complete(length: request.count))
            guardian.reset()
        }
    }

    static let hostile: [(RejectReason, [UInt8])] = [
        (.unsupportedVersion, Array("GET / HTTP/1.1\r\n\r\n".utf8)),
        (.unsupportedVersion, record(1, version: 2, [0, 1, 0, 0, 0, 0, 0, 0])),
        (.unsupportedVersion, begin() + [0]),
        (.managementRecord, record(9, id: 0, pair("FCGI_MPXS_CONNS", []))),
        (.managementRecord, begin() + record(9, id: 0, pair("FCGI_MPXS_CONNS", []))),
        (.managementRecord, begin() + record(4) + record(77, id: 0)),
        (.managementRecord, record(1, id: 0, [0, 1, 0, 0, 0, 0, 0, 0])),
        (.unexpectedRecord, record(4, pair("A", []))),
        (.unexpectedRecord, begin() + record(5)),
        (.unexpectedRecord, begin() + record(4) + record(4)),
        (.unexpectedRecord, begin() + record(4) + record(8)),
        (.unexpectedRecord, begin() + record(200)),
        (.abortRequest, record(2)),
        (.abortRequest, begin() + record(2)),
        (.abortRequest, begin() + record(4) + record(2)),
        (.secondBegin, begin() + begin()),
        (.secondBegin, begin() + record(4) + record(1, id: 2, [0, 1, 0, 0, 0, 0, 0, 0])),
        (.badBegin, record(1, [0, 1, 0, 0])),
        (.badBegin, record(1, padding: 3, [0, 1, 0, 0, 0, 0, 0, 0])),
        (.unsupportedRole, record(1, [0, 2, 0, 0, 0, 0, 0, 0])),
        (.unsupportedRole, record(1, [1, 1, 0, 0, 0, 0, 0, 0])),
        (.foreignRequestID, begin() + record(4, id: 2, pair("A", []))),
        (.foreignRequestID, begin() + record(4) + record(5, id: 513)),
        (.paddedTerminator, begin() + record(4, padding: 1)),
        (.paddedTerminator, begin() + record(4) + record(5, padding: 8)),
        (.malformedParameters, begin() + record(4, [5, 5, 1]) + record(4)),
        (.malformedParameters, begin() + record(4, [5]) + record(4)),
        (.malformedParameters, begin() + record(4, [0x80, 0]) + record(4)),
        (.malformedParameters, begin() + record(4, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])),
        (.malformedParameters, begin() + record(4, [1, 0xFF, 0xFF, 0xFF, 0xFE, 0x41])),
        (.bytesAfterRequest, fastCGI(parameters: []) + [1]),
        (.bytesAfterRequest, fastCGI(parameters: []) + fastCGI(parameters: [])),
    ]

    @Test(arguments: hostile)
    func `A hostile or foreign stream is rejected for its reason`(reason: RejectReason, bytes: [UInt8]) {
        #expect(inspect(bytes) == .reject(reason))
    }

    @Test func `A record that is too large is rejected by its header, before its content arrives`() {
        let tooMany = begin() + record(4, [UInt8](repeating: 0, count: 32_769)).prefix(8)
        #expect(inspect(tooMany) == .reject(.parametersTooLarge))
        let body = begin() + record(4) + record(5, [UInt8](repeating: 0, count: 60_000))
        #expect(inspect(body + record(5, [UInt8](repeating: 0, count: 5_537)).prefix(8)) == .reject(.bodyTooLarge))
    }

    @Test func `Parameters and a body of exactly the bound pass, one byte more does not`() {
        var limits = GatewayLimits()
        limits.parametersBytes = 500
        limits.bodyBytes = 300
        let name = "HTTP_COOKIE"
        let exact = pair(name, [UInt8](repeating: 0x61, count: 500 - 5 - name.utf8.count))
        #expect(exact.count == 500)
        let whole = fastCGI(parameters: exact, body: [UInt8](repeating: 1, count: 300))
        #expect(inspect(whole, limits: limits) == .complete(length: whole.count))
        #expect(inspect(fastCGI(parameters: exact + pair("", [])), limits: limits) == .reject(.parametersTooLarge))
        let long = fastCGI(parameters: exact, body: [UInt8](repeating: 1, count: 301))
        #expect(inspect(long, limits: limits) == .reject(.bodyTooLarge))
    }

    @Test func `A request that is mostly record headers is rejected`() {
        var limits = GatewayLimits()
        limits.envelopeOverheadBytes = 100
        limits.parametersBytes = 50
        limits.bodyBytes = 50
        let request = fastCGI(parameters: [], body: [UInt8](repeating: 1, count: 40), piece: 1)
        #expect(inspect(request, limits: limits) == .reject(.envelopeTooLarge))
    }

    @Test func `No bytes whatever trap the guard or make it claim more than there is`() {
        for seed in 0..<400 as Range<UInt64> {
            var chance = SeededRandom(seed: seed)
            var bytes = chance.bytes(Int.random(in: 0...400, using: &chance))
            if seed % 2 == 0 {
                // Half of the time a valid request with some bytes changed, which reaches deeper.
                bytes = fastCGI(parameters: parameters, body: bytes, piece: 50, padding: 3)
                for _ in 0..<Int.random(in: 1...4, using: &chance) {
                    bytes[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
                }
            }
            var growing = FastCGIGuard(limits: GatewayLimits())
            var count = 0
            var outcome = FrameOutcome.incomplete
            while count < bytes.count, outcome == .incomplete {
                count = min(bytes.count, count + Int.random(in: 1...30, using: &chance))
                outcome = bytes[..<count].withUnsafeBufferPointer { growing.inspect($0) }
            }
            if case .complete(let length) = outcome { #expect(length == count, "seed \(seed)") }
            let atOnce = inspect(Array(bytes[..<count]))
            // Cut after an early complete, the two must still agree.
            #expect(atOnce == outcome, "seed \(seed): judged differently in pieces")
        }
    }
}
