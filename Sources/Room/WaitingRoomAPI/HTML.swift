// SPDX-License-Identifier: Apache-2.0
//
// Text as it may stand in HTML.

enum HTML {
    /// Text in an attribute or an element, so that the parser of a browser reads it as it was. It would make one line
    /// break of CRLF.
    static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): out += "&amp;".utf8
            case UInt8(ascii: "<"): out += "&lt;".utf8
            case UInt8(ascii: ">"): out += "&gt;".utf8
            case UInt8(ascii: "\""): out += "&quot;".utf8
            case UInt8(ascii: "'"): out += "&#39;".utf8
            case UInt8(ascii: "\r"): out += "&#13;".utf8
            case UInt8(ascii: "\n"): out += "&#10;".utf8
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
