// SPDX-License-Identifier: Apache-2.0
//
// The value a JSON text (RFC 8259) stands for, and how to look into it. Reading is in JSONParser.swift.
// This target imports nothing: it reads request bodies and key files, so it stays small and bounded.

/// A parsed JSON value.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number written without fraction or exponent that fits in 64 bits.
    case integer(Int64)
    /// Any other number; always finite.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// The members in the order of the text; no name occurs twice.
    case object([JSONMember])

    /// The longest text that is read, in bytes: four times the largest body nginx lets through (16 KiB).
    public static let byteCountMax = 65_536
    /// How deep arrays and objects may nest; the API's bodies use 1, a key file uses 3.
    public static let depthMax = 8

    /// Reads a whole text as one value.
    ///
    /// Throws on anything RFC 8259 does not allow, and also on a member name that occurs twice, on a lone surrogate,
    /// on a number too large for a `Double`, and beyond ``byteCountMax`` or ``depthMax``.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        guard bytes.count <= JSONValue.byteCountMax else { throw JSONError(reason: .tooLong, offset: bytes.count) }
        var parser = JSONParser(bytes)
        self = try parser.parseDocument()
    }

    /// The value of a member; nil when there is none, or this is not an object.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text when this is a string.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number when this is an ``integer(_:)``.
    public var integerValue: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The truth value when this is `true` or `false`.
    public var boolValue: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// The elements when this is an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members when this is an object.
    public var objectValue: [JSONMember]? {
        if case .object(let members) = self { members } else { nil }
    }
}

/// One name and value of a JSON object.
public struct JSONMember: Sendable, Equatable {
    public let name: String
    public let value: JSONValue

    /// Makes a member.
    public init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}

/// Why a text is not the JSON this reader accepts, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, Sendable {
        case tooLong = "the text is longer than 65536 bytes"
        case tooDeep = "arrays and objects nest deeper than 8"
        case unexpectedEnd = "the text ends too early"
        case unexpectedByte = "this byte may not stand here"
        case trailingBytes = "bytes follow the value"
        case duplicateName = "a member name occurs twice"
        case controlCharacter = "a string holds a raw control character"
        case badEscape = "unknown escape"
        case loneSurrogate = "a surrogate escape has no partner"
        case invalidUTF8 = "a string is not UTF-8"
        case numberOutOfRange = "the number is out of range"
    }

    public let reason: Reason
    /// The place, in bytes from the start of the text.
    public let offset: Int

    public var description: String { "JSON, byte \(offset): \(reason.rawValue)" }
}
