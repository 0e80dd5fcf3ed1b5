// SPDX-License-Identifier: Apache-2.0
//
// FastCGI as nginx speaks it (FastCGI 1.0, sections 3 and 8), built by hand so that it can also be built wrongly.

/// One record. The padding is not zero, so that a reader who takes it for content is found out.
public func record(
    _ type: UInt8,
    id: Int = 1,
    version: UInt8 = 1,
    padding: Int = 0,
    _ content: [UInt8] = []
) -> [UInt8] {
    let length = [UInt8(content.count >> 8), UInt8(content.count & 255)]
    let header = [version, type, UInt8(id >> 8), UInt8(id & 255)] + length + [UInt8(padding), 0]
    return header + content + [UInt8](repeating: 0xEE, count: padding)
}

/// A name and its value with their lengths, of four bytes each where one is not enough or `long` asks for it.
public func pair(_ name: String, _ value: [UInt8], long: Bool = false) -> [UInt8] {
    func length(_ count: Int) -> [UInt8] {
        if count < 128 && !long { return [UInt8(count)] }
        return [UInt8(count >> 24) | 128, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
    }
    return length(name.utf8.count) + length(value.count) + Array(name.utf8) + value
}

/// The record that begins a request: for a responder, on a connection that is kept or not.
public func begin(keep: Bool = true) -> [UInt8] { record(1, [0, 1, keep ? 1 : 0, 0, 0, 0, 0, 0]) }

/// A whole request with its streams cut into records of at most `piece` bytes.
public func fastCGI(
    parameters: [UInt8],
    body: [UInt8] = [],
    keep: Bool = true,
    piece: Int = 65_535,
    padding: Int = 0
) -> [UInt8] {
    func stream(_ type: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        stride(from: 0, to: bytes.count, by: piece).flatMap { start in
            record(type, padding: padding, Array(bytes[start..<min(start + piece, bytes.count)]))
        } + record(type)
    }
    return begin(keep: keep) + stream(4, parameters) + stream(5, body)
}
