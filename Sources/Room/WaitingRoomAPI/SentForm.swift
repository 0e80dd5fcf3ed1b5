// SPDX-License-Identifier: Apache-2.0
//
// What a form has sent to a protected address whose sender may not go on yet. The page keeps it, field by field, and
// sends it again by a form of its own to the address of the page; nothing is kept on this side. nginx shows a worker
// the body of small forms only (vestibule-http-common.conf, $vsb_keeps).

internal import GatewayWire

/// A form as it came, and what can be done with it.
struct SentForm {
    /// A field as a browser has sent it.
    struct Field: Equatable {
        var name: String
        var value: String
        /// A choice of a file that was left empty.
        var isEmptyFile = false
    }

    /// How the fields are sent: the three that HTML knows.
    enum Encoding: String {
        case urlEncoded = "application/x-www-form-urlencoded"
        case multipart = "multipart/form-data"
        case plain = "text/plain"
    }

    enum Content: Equatable {
        /// Sent again by a form with these fields, the backend gets what it would have got.
        case fields([Field], Encoding)
        /// It cannot be sent again by a page. The text of it, where there is any and a worker has seen it.
        case lost(String?)
    }

    /// Bytes of a body that nginx hands over at most, and fields that a page keeps at most.
    static let byteCountMax = 16_384
    static let fieldsMax = 1000

    let content: Content

    init(type: [UInt8], body: ArraySlice<UInt8>) {
        let header = MediaType(String(decoding: type, as: UTF8.self))
        guard body.count <= SentForm.byteCountMax, let encoding = Encoding(rawValue: header.name) else {
            content = .lost(nil)
            return
        }
        let isUnicode = header.parameter("charset").map { $0.lowercased() == "utf-8" } ?? true
        let read = SentForm.fields(body, encoding, boundary: header.parameter("boundary"))
        if isUnicode, let fields = read, fields.count <= SentForm.fieldsMax, fields.allSatisfy({ $0.survives }) {
            content = .fields(fields, encoding)
        } else {
            content = .lost(SentForm.text(body, encoding, boundary: header.parameter("boundary")))
        }
    }

    /// Nil for what no browser sends, for text that is no UTF-8, and for files.
    private static func fields(_ body: ArraySlice<UInt8>, _ encoding: Encoding, boundary: String?) -> [Field]? {
        switch encoding {
        case .urlEncoded: urlEncoded(body)
        case .plain: plain(body)
        case .multipart: boundary.flatMap { multipart(body, $0) }.flatMap(fields)
        }
    }

    private static func fields(_ parts: [Part]) -> [Field]? {
        let fields = parts.compactMap(\.field)
        return fields.count == parts.count ? fields : nil
    }

    // MARK: - The three encodings

    /// Pairs between `&`, as the URL standard reads them.
    private static func urlEncoded(_ body: ArraySlice<UInt8>) -> [Field]? {
        var fields: [Field] = []
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = decoded(pair[..<equals]), let value = decoded(pair[equals...].dropFirst()) else {
                return nil
            }
            fields.append(Field(name: name, value: value))
        }
        return fields
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        QueryString.decode(text).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Lines `name=value`. A line without a name is taken for a part of the value before it: sent again, the bytes are
    /// the same.
    private static func plain(_ body: ArraySlice<UInt8>) -> [Field]? {
        guard let text = String(validating: body, as: UTF8.self) else { return nil }
        if text.isEmpty { return [] }
        var lines = text.utf8Lines
        guard lines.popLast() == "" else { return nil }
        var fields: [Field] = []
        for line in lines {
            let equals = line.utf8.firstIndex(of: UInt8(ascii: "="))
            if let equals, equals > line.startIndex {
                fields.append(Field(name: String(line[..<equals]), value: String(line[equals...].dropFirst())))
            } else if fields.isEmpty {
                return nil
            } else {
                fields[fields.count - 1].value += "\r\n" + line
            }
        }
        return fields
    }

    /// A part of a multipart body.
    private struct Part {
        var name: String
        var fileName: String?
        var value: ArraySlice<UInt8>

        /// Nil for a file. What browsers escape in a name (", CR and LF) stays escaped: they send it so again.
        var field: Field? {
            if let fileName {
                return fileName.isEmpty && value.isEmpty ? Field(name: name, value: "", isEmptyFile: true) : nil
            }
            return String(validating: value, as: UTF8.self).map { Field(name: name, value: $0) }
        }
    }

    /// The parts as browsers write them (RFC 7578); nil for anything else.
    private static func multipart(_ body: ArraySlice<UInt8>, _ boundary: String) -> [Part]? {
        guard (1...70).contains(boundary.utf8.count) else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard body.starts(with: delimiter) else { return nil }
        var parts: [Part] = []
        var rest = body.dropFirst(delimiter.count)
        while !rest.elementsEqual("--\r\n".utf8), !rest.elementsEqual("--".utf8) {
            guard rest.starts(with: "\r\n".utf8), parts.count <= fieldsMax,
                let headerEnd = rest.firstRange(of: Array("\r\n\r\n".utf8)),
                let end = rest[headerEnd.upperBound...].firstRange(of: Array("\r\n".utf8) + delimiter),
                let header = String(validating: rest[rest.startIndex + 2..<headerEnd.lowerBound], as: UTF8.self),
                let part = part(header, rest[headerEnd.upperBound..<end.lowerBound])
            else { return nil }
            parts.append(part)
            rest = rest[end.upperBound...]
        }
        return parts
    }

    private static func part(_ header: String, _ value: ArraySlice<UInt8>) -> Part? {
        let (lines, wanted) = (header.utf8Lines, "content-disposition: form-data; ")
        guard let line = lines.first(where: { $0.lowercased().hasPrefix(wanted) }) else { return nil }
        var rest = line.dropFirst(wanted.count)
        func take(_ key: String) -> String? {
            guard rest.hasPrefix("\(key)=\""), let end = rest.dropFirst(key.count + 2).firstIndex(of: "\"") else {
                return nil
            }
            defer { rest = rest[rest.index(after: end)...] }
            return String(rest.dropFirst(key.count + 2)[..<end])
        }
        guard let name = take("name") else { return nil }
        // A form in a page cannot give a type to a part that is no file.
        if rest.isEmpty { return lines.count == 1 ? Part(name: name, value: value) : nil }
        guard rest.hasPrefix("; ") else { return nil }
        rest = rest.dropFirst(2)
        guard let fileName = take("filename"), rest.isEmpty else { return nil }
        return Part(name: name, fileName: fileName, value: value)
    }

    // MARK: - What is left of the others

    /// The text of a body, for its sender to copy: without the files.
    private static func text(_ body: ArraySlice<UInt8>, _ encoding: Encoding, boundary: String?) -> String? {
        let pairs: [(String, ArraySlice<UInt8>)]
        switch encoding {
        case .plain: return String(decoding: body, as: UTF8.self)
        case .urlEncoded:
            pairs = body.split(separator: UInt8(ascii: "&")).prefix(fieldsMax).map { pair in
                let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
                func shown(_ text: ArraySlice<UInt8>) -> [UInt8] { QueryString.decode(text) ?? Array(text) }
                return (
                    String(decoding: shown(pair[..<equals]), as: UTF8.self), shown(pair[equals...].dropFirst())[...]
                )
            }
        case .multipart:
            let parts = boundary.flatMap { multipart(body, $0) } ?? []
            pairs = parts.filter { $0.fileName == nil }.map { ($0.name, $0.value) }
        }
        let lines = pairs.map { "\($0): \(String(decoding: $1, as: UTF8.self))" }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}

extension SentForm.Field {
    /// Whether a browser sends the field of a page as it was: no page holds U+0000, a field without a name is not sent,
    /// and the value of a hidden field of this name is the browser's.
    fileprivate var survives: Bool {
        !name.isEmpty && !name.utf8.contains(0) && !value.utf8.contains(0)
            && (name.lowercased() != "_charset_" || value == "UTF-8")
    }
}

extension String {
    /// The lines between CRLF, which Swift holds for one character.
    fileprivate var utf8Lines: [String] {
        var (lines, rest) = ([String](), Array(utf8)[...])
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            lines.append(String(decoding: rest[..<end.lowerBound], as: UTF8.self))
            rest = rest[end.upperBound...]
        }
        return lines + [String(decoding: rest, as: UTF8.self)]
    }
}

/// A Content-Type (RFC 9110 section 8.3.1), as far as browsers write one.
private struct MediaType {
    let name: String
    private let parameters: [(name: String, value: String)]

    init(_ text: String) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        name = parts[0].lowercased()
        parameters = parts.dropFirst().compactMap { part in
            guard let equals = part.firstIndex(of: "=") else { return nil }
            var value = part[part.index(after: equals)...]
            if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
            return (part[..<equals].lowercased(), String(value))
        }
    }

    func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }
}
