// SPDX-License-Identifier: Apache-2.0
//
// The bytes of requests: what never changes is made once, a request is a few copies.

/// What makes two joins of the generator one: the visitor, and the number of the place before, 0 for the first.
public struct JoinPerson {
    public var visitor: UInt32
    public var lastNumber: UInt64

    public init(visitor: UInt32, lastNumber: UInt64) {
        self.visitor = visitor
        self.lastNumber = lastNumber
    }
}

/// Writes HTTP/1.1 requests of one run.
public struct RequestWriter {
    /// The longest request: a path of 512 bytes, a pass of 1,024, names and headers.
    public static let byteCountMax = 4096

    /// Up to the run's part of the Idempotency-Key.
    private let joinStart: [UInt8]
    private let joinEnd: [UInt8]
    private let statusStart: [UInt8]
    private let leaveStart: [UInt8]
    private let afterTarget: [UInt8]
    private let enterStart: [UInt8]
    private let backendStart: [UInt8]
    private let end = Array("\r\n\r\n".utf8)

    /// Prepares the requests of a plan that has no problem.
    public init(_ plan: LoadPlan) {
        let host = "Host: 127.0.0.1:\(plan.port)\r\n"
        let common = " HTTP/1.1\r\n\(host)Accept: application/json\r\nAccept-Language: en\r\n"
        let body = "{\"event_id\":\"\(plan.room)\"}"
        let json = "Content-Type: application/json\r\nContent-Length: "
        // Another run against the same room joins with other keys.
        let run = String(UInt64.random(in: .min ... .max), radix: 16)
        joinStart = Array("POST /api/v1/queue/join\(common)Idempotency-Key: load-\(run)-".utf8)
        joinEnd = Array("\r\n\(json)\(body.utf8.count)\r\n\r\n\(body)".utf8)
        statusStart = Array("GET /api/v1/queue/status?token=".utf8)
        leaveStart = Array("DELETE /api/v1/queue/leave?token=".utf8)
        afterTarget = Array("\(common)\r\n".utf8)
        enterStart = Array("POST /api/v1/queue/enter\(common)\(json)".utf8)
        let cookie = "\(plan.isSecure ? "__Host-" : "")vestibule-pass-\(plan.room)"
        backendStart = Array(
            "GET \(plan.backendPath) HTTP/1.1\r\n\(host)Accept: text/html\r\nCookie: \(cookie)=".utf8
        )
    }

    /// Writes one request and returns its length.
    /// - Parameters:
    ///   - ticket: needed by status, enter and leave.
    ///   - pass: needed by backend.
    ///   - person: the visitor, needed by join: a page sends a key with each join, and the same one when it repeats it.
    ///   - buffer: at least `byteCountMax` bytes.
    public func write(
        _ kind: RequestKind,
        ticket: UnsafeRawBufferPointer,
        pass: UnsafeRawBufferPointer,
        person: JoinPerson,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        var output = Output(buffer: buffer)
        switch kind {
        case .join:
            output.append(joinStart)
            output.append(hexadecimal: UInt64(person.visitor))
            output.append(hexadecimal: person.lastNumber)
            output.append(joinEnd)
        case .status, .leave:
            output.append(kind == .status ? statusStart : leaveStart)
            output.append(ticket)
            output.append(afterTarget)
        case .enter:
            let bodyLength = ticket.count + 20
            output.append(enterStart)
            output.append(Array("\(bodyLength)\r\n\r\n{\"waiting_token\":\"".utf8))
            output.append(ticket)
            output.append(Array("\"}".utf8))
        case .backend:
            output.append(backendStart)
            output.append(pass)
            output.append(end)
        }
        return output.count
    }

    private struct Output {
        let buffer: UnsafeMutableRawBufferPointer
        var count = 0

        /// Sixteen digits.
        mutating func append(hexadecimal number: UInt64) {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 15
                buffer[count] = digit < 10 ? 0x30 + digit : 0x57 + digit
                count += 1
            }
        }

        mutating func append(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { append($0) }
        }

        mutating func append(_ bytes: UnsafeRawBufferPointer) {
            UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count + bytes.count]).copyMemory(from: bytes)
            count += bytes.count
        }
    }
}
