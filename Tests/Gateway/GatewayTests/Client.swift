// SPDX-License-Identifier: Apache-2.0
//
// A raw client: bytes out, bytes in, and the two protocols built by hand so that they can also be built wrongly.

import Glibc

/// A connected socket whose reads end after five seconds at the latest.
final class Client {
    let fd: Int32
    /// Received, but belonging to a later answer.
    private var pending: [UInt8] = []

    init(path: String) {
        fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(result == 0, "connect to \(path): errno \(errno)")
        bound()
    }

    init?(port: UInt16) {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { return nil }
        bound()
    }

    deinit { close(fd) }

    private func bound() {
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Sends everything; false when the peer is gone or takes nothing for five seconds.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// The next bytes; empty at the end of the stream; nil when nothing came in five seconds.
    func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(fd, &bytes, bytes.count, 0)
        if count < 0 { return errno == EAGAIN ? nil : [] }
        return Array(bytes[..<count])
    }

    /// Whether the server closes without another byte.
    func isClosed() -> Bool { receive() == [] }

    /// Everything up to the end of the stream.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = receive(), !bytes.isEmpty { all += bytes }
        return all
    }

    /// The standard output of one FastCGI answer; nil when it does not end properly.
    func fastCGIAnswer() -> String? {
        var output: [UInt8] = []
        while true {
            while pending.count >= 8 {
                let content = Int(pending[4]) << 8 | Int(pending[5])
                let end = 8 + content + Int(pending[6])
                guard pending.count >= end else { break }
                if pending[1] == 6 { output += pending[8..<8 + content] }
                let isEnd = pending[1] == 3
                pending.removeFirst(end)
                if isEnd { return String(decoding: output, as: UTF8.self) }
            }
            guard let bytes = receive(), !bytes.isEmpty else { return nil }
            pending += bytes
        }
    }

    /// Sends a request and returns the answer.
    func ask(_ path: String, cookie: Int = 0, body: [UInt8] = []) -> String? {
        send(fastCGI(path, cookie: cookie, body: body))
        return fastCGIAnswer()
    }
}

func record(_ type: UInt8, id: Int = 1, version: UInt8 = 1, padding: Int = 0, _ content: [UInt8] = []) -> [UInt8] {
    let length = [UInt8(content.count >> 8), UInt8(content.count & 255)]
    let header = [version, type, UInt8(id >> 8), UInt8(id & 255)] + length + [UInt8(padding), 0]
    return header + content + [UInt8](repeating: 0xEE, count: padding)
}

func pair(_ name: String, _ value: [UInt8]) -> [UInt8] {
    func length(_ count: Int) -> [UInt8] {
        if count < 128 { return [UInt8(count)] }
        return [UInt8(count >> 24) | 128, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
    }
    return length(name.utf8.count) + length(value.count) + Array(name.utf8) + value
}

func begin(keep: Bool = true) -> [UInt8] { record(1, [0, 1, keep ? 1 : 0, 0, 0, 0, 0, 0]) }

/// A request as nginx sends it; `cookie` bytes of cookie make it as large as a test needs.
func fastCGI(
    _ path: String,
    cookie: Int = 0,
    body: [UInt8] = [],
    keep: Bool = true,
    piece: Int = 32_768,
    padding: Int = 0
) -> [UInt8] {
    var parameters = pair("REQUEST_METHOD", Array((body.isEmpty ? "GET" : "POST").utf8))
    parameters += pair("DOCUMENT_URI", Array(path.utf8)) + pair("UNKNOWN", Array("ignored".utf8))
    if cookie > 0 { parameters += pair("HTTP_COOKIE", [UInt8](repeating: 0x63, count: cookie)) }
    var bytes = begin(keep: keep)
    for (type, stream) in [(UInt8(4), parameters), (5, body)] {
        var rest = stream[...]
        while !rest.isEmpty {
            bytes += record(type, padding: padding, Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
        bytes += record(type)
    }
    return bytes
}

func scgi(_ path: String, cookie: Int = 0, body: String = "", length: String? = nil) -> [UInt8] {
    var headers = "CONTENT_LENGTH\u{0}\(length ?? String(body.utf8.count))\u{0}SCGI\u{0}1\u{0}"
    headers += "REQUEST_METHOD\u{0}\(body.isEmpty ? "GET" : "POST")\u{0}DOCUMENT_URI\u{0}\(path)\u{0}"
    if cookie > 0 { headers += "HTTP_COOKIE\u{0}\(String(repeating: "c", count: cookie))\u{0}" }
    return Array("\(headers.utf8.count):\(headers),\(body)".utf8)
}
