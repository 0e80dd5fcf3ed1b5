// SPDX-License-Identifier: Apache-2.0
//
// Words, semicolons and braces of a configuration, by the rules of nginx's ngx_conf_read_token: what quotes, escapes
// and `${name}` do, and where a comment begins.

/// What stands next in a configuration.
enum NginxToken: Equatable {
    case word(String)
    case semicolon
    case open
    case close
    case end
}

/// Reads one file.
struct NginxLexer {
    private let bytes: [UInt8]
    private let file: String
    private var at = 0
    private(set) var line = 1
    /// After a string in quotes nginx wants white space, `;`, `{` or `)`.
    private var needsSpace = false

    init(_ text: String, file: String) {
        bytes = Array(text.utf8)
        self.file = file
    }

    func failure(_ problem: String) -> NginxSyntaxError { NginxSyntaxError(file: file, line: line, problem: problem) }

    /// The next token, and the line it begins in.
    mutating func next() throws(NginxSyntaxError) -> (token: NginxToken, line: Int) {
        while let byte = peek() {
            if isSpace(byte) {
                needsSpace = false
                step()
                continue
            }
            if needsSpace && !";{)".utf8.contains(byte) { throw failure("white space is missing after a quote") }
            needsSpace = false
            let start = line
            switch byte {
            case UInt8(ascii: "#"): while let byte = peek(), byte != UInt8(ascii: "\n") { step() }
            case UInt8(ascii: ";"):
                step()
                return (.semicolon, start)
            case UInt8(ascii: "{"):
                step()
                return (.open, start)
            case UInt8(ascii: "}"):
                step()
                return (.close, start)
            case UInt8(ascii: "\""), UInt8(ascii: "'"): return (.word(try quoted(byte)), start)
            default: return (.word(try bare()), start)
            }
        }
        return (.end, line)
    }

    private func peek() -> UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func step() {
        if bytes[at] == UInt8(ascii: "\n") { line += 1 }
        at += 1
    }

    private mutating func quoted(_ quote: UInt8) throws(NginxSyntaxError) -> String {
        step()
        let start = at
        while let byte = peek() {
            if byte == quote {
                let word = unescaped(bytes[start..<at])
                step()
                needsSpace = true
                return word
            }
            if byte == UInt8(ascii: "\\") { step() }
            if at < bytes.count { step() }
        }
        throw failure("a quote is not closed")
    }

    private mutating func bare() throws(NginxSyntaxError) -> String {
        let start = at
        var isVariable = false
        while let byte = peek() {
            // `${name}` does not open a block.
            if byte == UInt8(ascii: "{") && isVariable {
                step()
                continue
            }
            isVariable = byte == UInt8(ascii: "$")
            if isSpace(byte) || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "{") {
                return unescaped(bytes[start..<at])
            }
            if byte == UInt8(ascii: "\\") { step() }
            if at < bytes.count { step() }
        }
        throw failure("the file ends in a word")
    }

    /// nginx takes the backslash from before quotes and itself, and makes \t, \r and \n; others it leaves.
    private func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            let following = index + 1 < bytes.endIndex ? bytes[index + 1] : nil
            index += 1
            guard byte == UInt8(ascii: "\\"), let following else {
                result.append(byte)
                continue
            }
            switch following {
            case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): result.append(following)
            case UInt8(ascii: "t"): result.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "r"): result.append(UInt8(ascii: "\r"))
            case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
            default:
                result.append(byte)
                continue
            }
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private func isSpace(_ byte: UInt8) -> Bool { " \t\r\n".utf8.contains(byte) }
}

extension NginxLexer {
    /// After the brace that opens a Lua block: the program up to the brace that closes it, which is taken too.
    /// Braces in Lua's strings and comments do not count.
    mutating func luaBody() throws(NginxSyntaxError) -> String {
        let start = at
        var depth = 1
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 {
                    let body = String(decoding: bytes[start..<at], as: UTF8.self)
                    step()
                    return body
                }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                try skipLuaString(byte)
                continue
            case UInt8(ascii: "-") where bytes[at...].starts(with: "--".utf8):
                skipLuaComment()
                continue
            case UInt8(ascii: "["):
                if skipLongBracket() { continue }
            default: break
            }
            step()
        }
        throw failure("a Lua block is not closed")
    }

    private mutating func skipLuaString(_ quote: UInt8) throws(NginxSyntaxError) {
        step()
        while let byte = peek() {
            if byte == UInt8(ascii: "\\") { step() }
            guard at < bytes.count else { break }
            step()
            if byte == quote { return }
        }
        throw failure("a Lua string is not closed")
    }

    private mutating func skipLuaComment() {
        at += 2
        if peek() == UInt8(ascii: "["), skipLongBracket() { return }
        while let byte = peek(), byte != UInt8(ascii: "\n") { step() }
    }

    /// `[[ … ]]` or `[=[ … ]=]`, with as many signs at both ends. False, and nothing taken, when none begins here.
    private mutating func skipLongBracket() -> Bool {
        let signs = bytes[(at + 1)...].prefix { $0 == UInt8(ascii: "=") }.count
        guard at + 1 + signs < bytes.count, bytes[at + 1 + signs] == UInt8(ascii: "[") else { return false }
        let end = Array("]".utf8) + Array(repeating: UInt8(ascii: "="), count: signs) + Array("]".utf8)
        while at < bytes.count && !bytes[at...].starts(with: end) { step() }
        at = min(at + end.count, bytes.count)
        return true
    }
}
