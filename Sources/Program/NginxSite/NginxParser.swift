// SPDX-License-Identifier: Apache-2.0
//
// Reads the text of one configuration file as nginx does (ngx_conf_read_token): quotes and comments only at the start
// of a word, escapes, `${name}` inside of words, and Lua blocks, whose braces are counted outside of Lua's strings and
// comments. Blocks nest at most `depthMax` deep.

struct NginxParser {
    /// nginx itself has no bound; real files stay below ten.
    static let depthMax = 64

    private let file: String
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    init(file: String, text: String) {
        self.file = file
        bytes = Array(text.utf8)
    }

    /// All directives of the file, with their blocks.
    /// - Throws: ``NginxSyntaxError``.
    static func parse(file: String, text: String) throws(NginxSyntaxError) -> [NginxDirective] {
        var parser = NginxParser(file: file, text: text)
        return try parser.directives(depth: 0, opened: 1)
    }

    private func failure(_ reason: String) -> NginxSyntaxError {
        NginxSyntaxError(file: file, line: line, reason: reason)
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func step() {
        if bytes[at] == UInt8(ascii: "\n") { line += 1 }
        at += 1
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    // MARK: - Directives

    /// - Parameter opened: the line of the block's directive.
    private mutating func directives(depth: Int, opened: Int) throws(NginxSyntaxError) -> [NginxDirective] {
        guard depth <= NginxParser.depthMax else { throw failure("blocks nest too deep") }
        var found: [NginxDirective] = []
        while let next = skipToWord() {
            if next == UInt8(ascii: "}") {
                guard depth > 0 else { throw failure("unexpected }") }
                step()
                return found
            }
            found.append(try directive(depth: depth))
        }
        guard depth == 0 else {
            throw NginxSyntaxError(file: file, line: opened, reason: "a block is not closed")
        }
        return found
    }

    private mutating func directive(depth: Int) throws(NginxSyntaxError) -> NginxDirective {
        let start = line
        var words: [String] = []
        while let next = skipToWord() {
            switch next {
            case UInt8(ascii: ";"):
                step()
                guard let name = words.first else { throw failure("unexpected ;") }
                return NginxDirective(name: name, arguments: Array(words.dropFirst()), file: file, line: start)
            case UInt8(ascii: "{"):
                step()
                guard let name = words.first else { throw failure("unexpected {") }
                var arguments = Array(words.dropFirst())
                var block: [NginxDirective] = []
                if name.hasSuffix("_by_lua_block") {
                    arguments.append(try luaText())
                } else {
                    block = try directives(depth: depth + 1, opened: start)
                }
                return NginxDirective(name: name, arguments: arguments, file: file, line: start, block: block)
            case UInt8(ascii: "}"):
                throw failure("unexpected }")
            default:
                words.append(try word())
            }
        }
        throw NginxSyntaxError(file: file, line: start, reason: "a directive does not end with ; or {")
    }

    /// Passes white space and comments. The byte that follows; nil at the end.
    private mutating func skipToWord() -> UInt8? {
        while let next = byte {
            if next == UInt8(ascii: "#") {
                while let other = byte, other != UInt8(ascii: "\n") { step() }
            } else if NginxParser.isSpace(next) {
                step()
            } else {
                return next
            }
        }
        return nil
    }

    // MARK: - Words

    private mutating func word() throws(NginxSyntaxError) -> String {
        if let quote = byte, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            return try quotedWord(quote)
        }
        var text: [UInt8] = []
        var isName = false
        while let next = byte {
            if next == UInt8(ascii: "\\") {
                escape(into: &text)
                isName = false
                continue
            }
            let isBrace = next == UInt8(ascii: "{")
            if NginxParser.isSpace(next) || next == UInt8(ascii: ";") || isBrace && !isName { break }
            // nginx reads ${name} as a part of the word.
            isName = next == UInt8(ascii: "$")
            text.append(next)
            step()
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func quotedWord(_ quote: UInt8) throws(NginxSyntaxError) -> String {
        let start = line
        step()
        var text: [UInt8] = []
        while let next = byte {
            if next == quote {
                step()
                if let after = byte, !NginxParser.isSpace(after), ![0x3B, 0x7B, 0x29].contains(after) {
                    throw failure("a space, ;, { or ) must follow the quote")
                }
                return String(decoding: text, as: UTF8.self)
            }
            if next == UInt8(ascii: "\\") {
                escape(into: &text)
            } else {
                text.append(next)
                step()
            }
        }
        throw NginxSyntaxError(file: file, line: start, reason: "a quote is not closed")
    }

    /// nginx takes the backslash away before quotes, a backslash, t, r and n. Elsewhere it stays, as patterns need it.
    private mutating func escape(into text: inout [UInt8]) {
        step()
        guard let next = byte else { return text.append(UInt8(ascii: "\\")) }
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): text.append(next)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "n"): text.append(0x0A)
        default: text += [UInt8(ascii: "\\"), next]
        }
        step()
    }

    // MARK: - Lua

    /// The text up to the brace that closes a Lua block, which is passed.
    private mutating func luaText() throws(NginxSyntaxError) -> String {
        let (start, first) = (line, at)
        var depth = 1
        while let next = byte {
            switch next {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 {
                    let text = String(decoding: bytes[first..<at], as: UTF8.self)
                    step()
                    return text
                }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                passLuaString(next)
                continue
            case UInt8(ascii: "-") where at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "-"):
                at += 2
                if !passLongBracket() {
                    while let other = byte, other != UInt8(ascii: "\n") { step() }
                }
                continue
            case UInt8(ascii: "["):
                if passLongBracket() { continue }
            default: break
            }
            step()
        }
        throw NginxSyntaxError(file: file, line: start, reason: "a Lua block is not closed")
    }

    private mutating func passLuaString(_ quote: UInt8) {
        step()
        while let next = byte, next != quote {
            if next == UInt8(ascii: "\\"), at + 1 < bytes.count { step() }
            step()
        }
        if byte != nil { step() }
    }

    /// Passes `[[...]]`, `[==[...]==]`; false when there is none here.
    private mutating func passLongBracket() -> Bool {
        guard byte == UInt8(ascii: "[") else { return false }
        var level = 0
        while at + 1 + level < bytes.count, bytes[at + 1 + level] == UInt8(ascii: "=") { level += 1 }
        guard at + 1 + level < bytes.count, bytes[at + 1 + level] == UInt8(ascii: "[") else { return false }
        let end = [UInt8(ascii: "]")] + Array(repeating: UInt8(ascii: "="), count: level) + [UInt8(ascii: "]")]
        while at < bytes.count, !bytes[at...].starts(with: end) { step() }
        at = min(bytes.count, at + end.count)
        return true
    }
}
