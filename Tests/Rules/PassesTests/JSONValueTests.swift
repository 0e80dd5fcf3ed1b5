// SPDX-License-Identifier: Apache-2.0
//
// What the JSON reader accepts, and that it refuses everything else: it stands at the door of the API.

import StrictJSON
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    private func reason(_ bytes: [UInt8]) -> JSONError.Reason? {
        do {
            _ = try JSONValue(parsing: bytes)
            return nil
        } catch { return error.reason }
    }

    @Test func aJoinBodyIsRead() throws {
        let body = try parse(" {\"event_id\" : \"demo\", \"user_id\":\"u-1\"}\n")
        #expect(body["event_id"]?.stringValue == "demo")
        #expect(body["user_id"] == .string("u-1"))
        #expect(body["other"] == nil)
        #expect(JSONValue.null["event_id"] == nil)
    }

    @Test(arguments: [
        ("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
        ("-0", .integer(0)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.5", .number(1.5)), ("1e3", .number(1000)),
        ("-2.5E-1", .number(-0.25)), ("\"\"", .string("")), ("[]", .array([])), ("{}", .object([])),
        ("[1,[2]]", .array([.integer(1), .array([.integer(2)])])),
    ])
    func valuesAreReadAsWritten(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test func accessorsAnswerOnlyForTheirOwnKind() throws {
        let value = try parse("[true,7,\"x\",{\"a\":null}]")
        let elements = try #require(value.arrayValue)
        #expect(elements[0].boolValue == true && elements[0].integerValue == nil)
        #expect(elements[1].integerValue == 7 && elements[1].stringValue == nil)
        #expect(elements[2].stringValue == "x" && elements[2].arrayValue == nil)
        #expect(elements[3].objectValue == [JSONMember(name: "a", value: .null)] && elements[3].boolValue == nil)
    }

    @Test func everyEscapeIsUnderstood() throws {
        #expect(
            try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00\ud55c""#)
                == .string("\"\\/\u{8}\u{c}\n\r\tAé😀한")
        )
        #expect(try parse("\"약 33초\"") == .string("약 33초"))
    }

    @Test(arguments: [
        #""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\ud83d\u0041""#, #""\ud83d\ud83d""#, #""\ud83d\"#,
    ])
    func halfASurrogatePairIsRefused(text: String) {
        #expect(reason(Array(text.utf8)) == .loneSurrogate)
    }

    @Test(arguments: [
        ("", JSONError.Reason.unexpectedEnd), (" ", .unexpectedEnd), ("{", .unexpectedEnd), ("[1", .unexpectedEnd),
        ("\"a", .unexpectedEnd), ("tru", .unexpectedEnd), ("-", .unexpectedEnd), ("1.", .unexpectedEnd),
        ("1e", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("{\"a\":", .unexpectedEnd), ("\"\\", .unexpectedEnd),
        ("\"\\u00", .unexpectedEnd),
        ("1 2", .trailingBytes), ("{}x", .trailingBytes), ("01", .trailingBytes), ("null,", .trailingBytes),
        ("nulL", .unexpectedByte), ("[1,]", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte),
        ("{a:1}", .unexpectedByte),
        ("{1:1}", .unexpectedByte), ("[1 2]", .unexpectedByte), ("+1", .unexpectedByte), (".5", .unexpectedByte),
        ("1.e2", .unexpectedByte), ("NaN", .unexpectedByte), ("'a'", .unexpectedByte), ("// c\n1", .unexpectedByte),
        ("{\"a\" 1}", .unexpectedByte), ("\u{FEFF}1", .unexpectedByte),
        ("\"\\x\"", .badEscape), ("\"\\u00g0\"", .badEscape), ("\"\\U0041\"", .badEscape),
        ("\"\n\"", .controlCharacter), ("\"\0\"", .controlCharacter),
        ("1e999", .numberOutOfRange),
        ("{\"a\":1,\"a\":2}", .duplicateName), (#"{"a":1,"\u0061":2}"#, .duplicateName),
    ])
    func whatIsNotJSONIsRefusedWithItsReason(text: String, expected: JSONError.Reason) {
        #expect(reason(Array(text.utf8)) == expected)
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
    ])
    func stringsThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(reason(bytes) == .invalidUTF8)
    }

    @Test func nestingStopsAtEight() throws {
        let eight = String(repeating: "[", count: 8) + String(repeating: "]", count: 8)
        #expect(throws: Never.self) { try parse(eight) }
        #expect(reason(Array("[\(eight)]".utf8)) == .tooDeep)
        #expect(reason(Array(String(repeating: "{\"a\":", count: 60_000 / 5).utf8)) == .tooDeep)
        // Depth counts what is open, not what was: nine siblings are one deep.
        #expect(throws: Never.self) { try parse("[[],[],[],[],[],[],[],[],[]]") }
    }

    @Test func theTextMayBe64KiBLongAndNotOneByteMore() throws {
        let longest = "\"" + String(repeating: "a", count: 65_534) + "\""
        #expect(try parse(longest).stringValue?.utf8.count == 65_534)
        #expect(reason(Array((longest + " ").utf8)) == .tooLong)
    }

    @Test func anErrorTellsThePlace() throws {
        let error = #expect(throws: JSONError.self) { try parse("{\"a\":1,\"a\":2}") }
        #expect(error?.description == "JSON, byte 10: a member name occurs twice")
    }

    @Test func noTruncationOfAGoodTextIsAccepted() {
        let text = Array(#"{"a":[1,{"b":"\u00e9"}],"c":true}"#.utf8)
        for length in 0..<text.count { #expect(reason(Array(text[..<length])) == .unexpectedEnd, "length \(length)") }
    }
}
