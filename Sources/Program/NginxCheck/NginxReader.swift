// SPDX-License-Identifier: Apache-2.0
//
// From text to directives: one file, or all files that `nginx -T` prints, with each include replaced by what it names.

internal import Glibc

/// Reading nginx's configuration.
public enum NginxReader {
    /// The directives of one file; an `include` stays as it is.
    ///
    /// Throws ``NginxSyntaxError`` where nginx would refuse the text as well.
    public static func parse(_ text: String, file: String) throws(NginxSyntaxError) -> [NginxDirective] {
        var lexer = NginxLexer(text, file: file)
        return try directives(&lexer, file: file, isInBlock: false)
    }

    private static func directives(
        _ lexer: inout NginxLexer,
        file: String,
        isInBlock: Bool
    ) throws(NginxSyntaxError) -> [NginxDirective] {
        var result: [NginxDirective] = []
        var words: [String] = []
        var start = 0
        while true {
            let (token, line) = try lexer.next()
            switch token {
            case .word(let word):
                if words.isEmpty { start = line }
                words.append(word)
            case .semicolon, .open:
                guard let name = words.first else { throw lexer.failure("a name is missing") }
                var directive = NginxDirective(name: name, arguments: Array(words[1...]), file: file, line: start)
                if token == .open {
                    if name.hasSuffix("_by_lua_block") {
                        directive.code = try lexer.luaBody()
                    } else {
                        directive.block = try directives(&lexer, file: file, isInBlock: true)
                    }
                }
                result.append(directive)
                words = []
            case .close:
                guard isInBlock, words.isEmpty else { throw lexer.failure("unexpected }") }
                return result
            case .end:
                guard !isInBlock, words.isEmpty else { throw lexer.failure("the file ends too early") }
                return result
            }
        }
    }

    /// The files in what `nginx -T` printed, in the order in which nginx opened them: the first is the main one.
    public static func files(inDump text: String) -> [(path: String, text: String)] {
        var files: [(path: String, lines: [Substring])] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(header), line.hasSuffix(":") {
                files.append((String(line.dropFirst(header.count).dropLast()), []))
            } else if !files.isEmpty {
                files[files.count - 1].lines.append(line)
            }
        }
        return files.map { ($0.path, $0.lines.joined(separator: "\n")) }
    }

    private static let header = "# configuration file "

    /// The whole configuration in what `nginx -T` printed.
    ///
    /// Throws ``NginxSyntaxError``; also when a file includes itself, and when there is no configuration in the text.
    public static func read(dump text: String) throws(NginxSyntaxError) -> [NginxDirective] {
        let files = files(inDump: text)
        guard let main = files.first else {
            throw NginxSyntaxError(file: "nginx -T", line: 1, problem: "no configuration was printed")
        }
        let folder = main.path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let texts = Dictionary(files.map { ($0.path, $0.text) }, uniquingKeysWith: { first, _ in first })
        let tree = IncludeTree(folder: folder, texts: texts)
        return try tree.expanded(try parse(main.text, file: main.path), within: [main.path])
    }
}

/// The files of a configuration, which include each other.
private struct IncludeTree {
    /// Of the main file: where relative names begin, whatever file includes them.
    let folder: String
    let texts: [String: String]

    func expanded(
        _ directives: [NginxDirective],
        within open: [String]
    ) throws(NginxSyntaxError) -> [NginxDirective] {
        var result: [NginxDirective] = []
        for var directive in directives {
            if let block = directive.block { directive.block = try expanded(block, within: open) }
            result.append(directive)
            guard directive.name == "include", let pattern = directive.arguments.first else { continue }
            for path in matches(pattern) {
                guard !open.contains(path) else {
                    throw NginxSyntaxError(
                        file: directive.file,
                        line: directive.line,
                        problem: "\(path) includes itself"
                    )
                }
                let included = try NginxReader.parse(texts[path] ?? "", file: path)
                result += try expanded(included, within: open + [path])
            }
        }
        return result
    }

    /// nginx asks glob(3) when the name has one of its characters, and takes the files in the order of their bytes.
    private func matches(_ pattern: String) -> [String] {
        let path = pattern.hasPrefix("/") ? pattern : "\(folder)/\(pattern)"
        guard path.contains(where: { "*?[".contains($0) }) else { return texts[path] == nil ? [] : [path] }
        return texts.keys.filter { fnmatch(path, $0, FNM_PATHNAME | FNM_PERIOD) == 0 }
            .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}
