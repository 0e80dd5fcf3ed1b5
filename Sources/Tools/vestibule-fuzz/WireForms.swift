// SPDX-License-Identifier: Apache-2.0
//
// FastCGI and SCGI, written a second time by other means than in the product: builders of requests, and readers that
// take a whole request apart. What the guard and the decoder say of any bytes is compared with them. They share
// with the product only the names of the fields.

import GatewayWire

/// A request as plain pairs.
struct PlainRequest: Equatable {
    var parameters: [(name: [UInt8], value: [UInt8])] = []
    var body: [UInt8] = []

    static func == (left: PlainRequest, right: PlainRequest) -> Bool {
        left.body == right.body && left.parameters.count == right.parameters.count
            && zip(left.parameters, right.parameters).allSatisfy { $0.name == $1.name && $0.value == $1.value }
    }

    /// The first value of each field that Vestibule reads.
    func value(_ field: GatewayField) -> [UInt8] {
        let name = field.parameterName.withUTF8Buffer { Array($0) }
        return parameters.first { $0.name == name }?.value ?? []
    }

    /// Whether a request that was read is this one.
    func agrees(with request: GatewayRequest) -> Bool {
        GatewayField.allCases.allSatisfy { value($0) == Array(request[$0]) } && body == Array(request.body)
    }
}

enum FastCGIForm {
    static func record(_ type: UInt8, id: Int = 1, _ content: ArraySlice<UInt8> = [], padding: Int = 0) -> [UInt8] {
        let count = content.count
        var bytes: [UInt8] = [
            1, type, UInt8(id >> 8 & 255), UInt8(id & 255), UInt8(count >> 8), UInt8(count & 255), UInt8(padding), 0,
        ]
        bytes += content
        bytes += repeatElement(0xEE, count: padding)
        return bytes
    }

    static func length(_ count: Int, long: Bool) -> [UInt8] {
        if count < 128, !long { return [UInt8(count)] }
        return [UInt8(count >> 24 & 127) | 128, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
    }

    static func bytes(_ request: PlainRequest, keep: Bool = true, _ chance: inout Chance) -> [UInt8] {
        var parameters: [UInt8] = []
        for (name, value) in request.parameters {
            parameters += length(name.count, long: chance.oneIn(8)) + length(value.count, long: chance.oneIn(8))
            parameters += name + value
        }
        let id = chance.oneIn(8) ? 1 + chance.below(65_535) : 1
        let piece = chance.oneIn(4) ? 1 + chance.below(200) : 32_768
        let padding = chance.oneIn(4) ? chance.below(9) : 0
        var bytes = record(1, id: id, [0, 1, keep ? 1 : 0, 0, 0, 0, 0, 0])
        for (type, stream) in [(UInt8(4), parameters), (5, request.body)] {
            var rest = stream[...]
            while !rest.isEmpty {
                bytes += record(type, id: id, rest.prefix(piece), padding: padding)
                rest = rest.dropFirst(piece)
            }
            bytes += record(type, id: id)
        }
        return bytes
    }

    /// The request that some bytes are, if they are exactly one of the shape nginx sends.
    static func read(_ bytes: [UInt8], _ limits: GatewayLimits) -> PlainRequest? {
        guard bytes.count <= limits.envelopeBytes else { return nil }
        var records: [(type: UInt8, id: Int, content: ArraySlice<UInt8>, padding: Int)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let header = Array(rest.prefix(8))
            guard header.count == 8, header[0] == 1 else { return nil }
            let content = Int(header[4]) * 256 + Int(header[5])
            let size = 8 + content + Int(header[6])
            guard rest.count >= size else { return nil }
            let id = Int(header[2]) * 256 + Int(header[3])
            records.append((header[1], id, rest.dropFirst(8).prefix(content), Int(header[6])))
            rest = rest.dropFirst(size)
        }
        guard let first = records.first, first.type == 1, first.id != 0, first.content.count == 8, first.padding == 0,
            first.content.starts(with: [0, 1]), records.allSatisfy({ $0.id == first.id }),
            records.allSatisfy({ !$0.content.isEmpty || $0.padding == 0 })
        else { return nil }
        let streams = records.dropFirst()
        let ends = streams.indices.filter { streams[$0].content.isEmpty }
        guard ends.count == 2, ends[1] == streams.endIndex - 1, streams[...ends[0]].allSatisfy({ $0.type == 4 }),
            streams[(ends[0] + 1)...].allSatisfy({ $0.type == 5 })
        else { return nil }
        let parameters = streams[..<ends[0]].flatMap { $0.content }
        let body = streams[ends[0]...].flatMap { $0.content }
        guard parameters.count <= limits.parametersBytes, body.count <= limits.bodyBytes,
            let pairs = pairs(parameters[...])
        else { return nil }
        return PlainRequest(parameters: pairs, body: body)
    }

    private static func pairs(_ bytes: ArraySlice<UInt8>) -> [(name: [UInt8], value: [UInt8])]? {
        var rest = bytes
        func length() -> Int? {
            guard let first = rest.first else { return nil }
            guard first > 127 else {
                rest = rest.dropFirst()
                return Int(first)
            }
            guard rest.count >= 4 else { return nil }
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4).reduce(0) { $0 * 256 + Int($1) } - 128 * 256 * 256 * 256
        }
        var out: [(name: [UInt8], value: [UInt8])] = []
        while !rest.isEmpty {
            guard let name = length(), let value = length(), rest.count >= name + value else { return nil }
            out.append((Array(rest.prefix(name)), Array(rest.dropFirst(name).prefix(value))))
            rest = rest.dropFirst(name + value)
        }
        return out
    }

    /// How libfcgi keeps parameters: `NAME=value` as a C string.
    static func asCStrings(_ request: PlainRequest) -> PlainRequest {
        var kept = request
        kept.parameters = request.parameters.compactMap { name, value in
            let text = (name + [UInt8(ascii: "=")] + value).prefix { $0 != 0 }
            guard let mark = text.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            return (Array(text[..<mark]), Array(text[(mark + 1)...]))
        }
        return kept
    }
}

enum SCGIForm {
    static func bytes(_ request: PlainRequest) -> [UInt8] {
        var headers = [UInt8]("CONTENT_LENGTH\u{0}\(request.body.count)\u{0}SCGI\u{0}1\u{0}")
        for (name, value) in request.parameters {
            headers += name.filter { $0 != 0 } + [0] + value.filter { $0 != 0 } + [0]
        }
        return [UInt8]("\(headers.count):") + headers + [UInt8(ascii: ",")] + request.body
    }

    static func read(_ bytes: [UInt8], _ limits: GatewayLimits) -> PlainRequest? {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), let size = number(bytes[..<colon], plain: true),
            size > 0, size <= limits.parametersBytes, bytes.count > colon + 1 + size,
            bytes[colon + 1 + size] == UInt8(ascii: ","), bytes[colon + size] == 0
        else { return nil }
        let words = bytes[(colon + 1)..<(colon + size)].split(separator: 0, omittingEmptySubsequences: false)
        guard words.count % 2 == 0 else { return nil }
        var request = PlainRequest()
        for index in stride(from: 0, to: words.count, by: 2) {
            guard !words[index].isEmpty else { return nil }
            request.parameters.append((Array(words[index]), Array(words[index + 1])))
        }
        guard request.parameters[0].name.text == "CONTENT_LENGTH",
            var length = number(request.parameters[0].value[...], plain: false),
            request.parameters.last(where: { $0.name.text == "SCGI" })?.value == [UInt8(ascii: "1")]
        else { return nil }
        // nginx names the length of a body that it does not send, and then no type of it.
        if !request.value(.operation).isEmpty, request.value(.contentType).isEmpty { length = 0 }
        request.body = Array(bytes[(colon + 2 + size)...])
        return length <= limits.bodyBytes && request.body.count == length ? request : nil
    }

    /// A decimal below 2^48; without a leading zero where it must be plain.
    private static func number(_ digits: ArraySlice<UInt8>, plain: Bool) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        if plain, digits.first == 48 { return nil }
        let significant = digits.drop { $0 == 48 }
        guard significant.count <= 15 else { return nil }
        let value = significant.reduce(0) { $0 * 10 + Int($1 - 48) }
        return value <= 1 << 48 ? value : nil
    }
}
