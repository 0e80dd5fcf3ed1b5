// SPDX-License-Identifier: Apache-2.0
//
// A request keeps exactly the known parameters; a response is exact CGI bytes that no value can break out of.

import GatewayWire
import Testing

@Suite struct GatewayRequestTests {
    private func set(_ request: inout GatewayRequest, _ name: String, _ value: String) -> Bool {
        Array(name.utf8).withUnsafeBufferPointer { name in
            Array(value.utf8).withUnsafeBufferPointer { request.set(name, value: $0) }
        }
    }

    @Test func `Every field is found by its CGI name and by no other`() {
        var request = GatewayRequest()
        for field in GatewayField.allCases {
            let name = field.parameterName.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
            #expect(set(&request, name, "value of \(name)"))
            #expect(!set(&request, name + "X", "no"))
            #expect(!set(&request, String(name.dropLast()), "no"))
            #expect(!set(&request, String(name.reversed()), "no"))
            #expect(!set(&request, name.lowercased(), "no"))
        }
        for field in GatewayField.allCases {
            #expect(text(request[field]) == "value of \(field.parameterName)")
        }
    }

    @Test func `The first of two values wins, even when it is empty`() {
        var request = GatewayRequest()
        #expect(set(&request, "HTTP_COOKIE", "a=1"))
        #expect(!set(&request, "HTTP_COOKIE", "a=2"))
        #expect(set(&request, "QUERY_STRING", ""))
        #expect(!set(&request, "QUERY_STRING", "token=x"))
        #expect(text(request[.cookie]) == "a=1")
        #expect(request[.query].isEmpty)
    }

    @Test func `A reset request has nothing of the one before`() {
        var request = GatewayRequest()
        request.set(.path, "/join".utf8)
        request.appendBody("one ".utf8)
        request.appendBody("two".utf8)
        #expect(text(request.body) == "one two")
        request.reset()
        for field in GatewayField.allCases { #expect(request[field].isEmpty) }
        #expect(request.body.isEmpty)
        request.set(.path, "/status".utf8)
        #expect(text(request[.path]) == "/status")
    }

    @Test func `A slice that was kept is not changed by the next request`() {
        var request = GatewayRequest()
        request.set(.path, "/join".utf8)
        let kept = request[.path]
        request.reset()
        request.set(.path, "/else".utf8)
        #expect(text(kept) == "/join")
    }
}

@Suite struct GatewayResponseTests {
    private func serialized(_ response: GatewayResponse) -> String {
        var output = ByteWriter(capacity: 1)
        response.serialize(into: &output)
        return text(output.array)
    }

    @Test func `A response is a status line, headers, a blank line and the body`() {
        var response = GatewayResponse(status: 202, body: Array("{}".utf8))
        response.addHeader("Cache-Control", "no-store")
        let isAdded = response.addHeader("X-Test", [0x61, 0x62])
        #expect(isAdded)
        #expect(
            serialized(response)
                == "Status: 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                + "Cache-Control: no-store\r\nX-Test: ab\r\n\r\n{}"
        )
    }

    @Test func `Content-Length is the decimal size of the body`() {
        for size in [0, 1, 9, 10, 99, 100, 101, 999, 1_000, 65_536, 131_072] {
            let response = GatewayResponse(status: 200, body: [UInt8](repeating: 0x78, count: size))
            #expect(serialized(response).contains("\r\nContent-Length: \(size)\r\n"))
        }
    }

    @Test(arguments: ["a\r\nSet-Cookie: x=1", "a\rb", "a\nb", "a\u{0}b"])
    func `A header value that could end the line is left out`(value: String) {
        var response = GatewayResponse(status: 200)
        let isAdded = response.addHeader("Location", value)
        #expect(!isAdded)
        #expect(!serialized(response).contains("Location"))
    }

    @Test func `204 and 304 carry no body and no length`() {
        for status in [204, 304] {
            let bytes = serialized(GatewayResponse(status: status, body: Array("never".utf8)))
            #expect(!bytes.contains("Content-Length"))
            #expect(bytes.hasSuffix("\r\n\r\n"))
        }
    }

    @Test(arguments: [0, -1, 99, 199, 600, Int.max, Int.min])
    func `A status nginx would not understand is sent as 500`(status: Int) {
        #expect(serialized(GatewayResponse(status: status)).hasPrefix("Status: 500 Internal Server Error\r\n"))
    }

    @Test func `Serializing appends to what is there`() {
        var output = ByteWriter(capacity: 1)
        output.append("before")
        GatewayResponse(status: 200).serialize(into: &output)
        #expect(text(output.array).hasPrefix("beforeStatus: 200 OK\r\n"))
    }

    @Test(arguments: [0, 9, 10, 99, 100, 1_234_567_890, Int.max, -1, -10, Int.min])
    func `A number is written as Swift writes it`(number: Int) {
        var output = ByteWriter(capacity: 1)
        output.append(decimal: number)
        #expect(text(output.array) == String(number))
    }
}
