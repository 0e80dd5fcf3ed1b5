// SPDX-License-Identifier: Apache-2.0
//
// SCGI requests are decoded when whole and rejected when they are not what the specification says.

import GatewayWire
import TestSupport
import Testing

@Suite struct SCGIDecoderTests {
    private let valid = netstring(
        [
            ("CONTENT_LENGTH", "5"), ("SCGI", "1"), ("REQUEST_METHOD", "POST"), ("DOCUMENT_URI", "/api/v1/queue/join"),
            ("QUERY_STRING", ""), ("X_UNKNOWN", "ignored"), ("HTTP_COOKIE", "first"), ("HTTP_COOKIE", "second"),
        ],
        body: "hello"
    )

    @Test func `A request is decoded at its last byte and is incomplete at every byte before`() {
        var request = GatewayRequest()
        for count in 0..<valid.count {
            #expect(decode(Array(valid[..<count]), into: &request) == .incomplete, "\(count) bytes")
        }
        #expect(decode(valid, into: &request) == .complete(length: valid.count))
        #expect(text(request[.method]) == "POST")
        #expect(text(request[.path]) == "/api/v1/queue/join")
        #expect(text(request[.cookie]) == "first")
        #expect(request[.query].isEmpty)
        #expect(text(request.body) == "hello")
    }

    static let hostile: [(RejectReason, [UInt8])] = [
        (.malformedNetstring, Array("GET / HTTP/1.1".utf8)),
        (.malformedNetstring, Array(":".utf8)),
        (.malformedNetstring, Array("0:,".utf8)),
        (.malformedNetstring, Array("007:".utf8)),
        (.malformedNetstring, Array("-5:".utf8)),
        (.malformedNetstring, Array("4:ab\u{0}c,".utf8)),
        (.malformedNetstring, Array("4:a\u{0}b\u{0};".utf8)),
        (.parametersTooLarge, Array("32769".utf8)),
        (.parametersTooLarge, Array("99999999999999999999999".utf8)),
        (.missingContentLength, netstring([("SCGI", "1"), ("CONTENT_LENGTH", "0")])),
        (.missingContentLength, netstring([("CONTENT_LENGTHS", "0"), ("SCGI", "1")])),
        (.missingContentLength, netstring([("CONTENT", "0"), ("SCGI", "1")])),
        (.malformedContentLength, netstring([("CONTENT_LENGTH", ""), ("SCGI", "1")])),
        (.malformedContentLength, netstring([("CONTENT_LENGTH", "-1"), ("SCGI", "1")])),
        (.malformedContentLength, netstring([("CONTENT_LENGTH", "1x"), ("SCGI", "1")])),
        (.bodyTooLarge, netstring([("CONTENT_LENGTH", "65537"), ("SCGI", "1")])),
        (.bodyTooLarge, netstring([("CONTENT_LENGTH", "99999999999999999999999"), ("SCGI", "1")])),
        (.notSCGI, netstring([("CONTENT_LENGTH", "0")])),
        (.notSCGI, netstring([("CONTENT_LENGTH", "0"), ("SCGI", "2")])),
        (.malformedParameters, netstring([("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("", "x")])),
        (.malformedParameters, Array("22:CONTENT_LENGTH\u{0}0\u{0}SCGI\u{0},".utf8)),
        (.bytesAfterRequest, netstring([("CONTENT_LENGTH", "1"), ("SCGI", "1")], body: "ab")),
    ]

    @Test(arguments: hostile)
    func `What is not SCGI is rejected for its reason`(reason: RejectReason, bytes: [UInt8]) {
        var request = GatewayRequest()
        #expect(decode(bytes, into: &request) == .reject(reason))
    }

    @Test func `A request for an operation of nginx has no body, whatever length nginx names`() {
        var request = GatewayRequest()
        let bytes = netstring([("CONTENT_LENGTH", "70000"), ("SCGI", "1"), ("VESTIBULE_OPERATION", "gate")])
        #expect(decode(bytes, into: &request) == .complete(length: bytes.count))
        #expect(text(request[.operation]) == "gate")
        #expect(request.body.isEmpty)
    }

    @Test func `A request for an operation of nginx that names a type has the body of that type`() {
        var request = GatewayRequest()
        let head = [
            ("CONTENT_LENGTH", "3"), ("SCGI", "1"), ("VESTIBULE_OPERATION", "gate"), ("CONTENT_TYPE", "text/plain"),
        ]
        let bytes = netstring(head)
        #expect(decode(bytes, into: &request) == .incomplete)
        #expect(decode(bytes + Array("a=1".utf8), into: &request) == .complete(length: bytes.count + 3))
        #expect(text(request.body) == "a=1")
    }

    @Test func `No bytes whatever trap the decoder`() {
        var request = GatewayRequest()
        for seed in 0..<400 as Range<UInt64> {
            var chance = SeededRandom(seed: seed)
            var bytes = chance.bytes(Int.random(in: 0...300, using: &chance))
            if seed % 2 == 0 {
                bytes = valid
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
                }
            }
            for count in 0...bytes.count {
                if case .complete(let length) = decode(Array(bytes[..<count]), into: &request) {
                    #expect(length == count, "seed \(seed)")
                }
            }
        }
    }
}
