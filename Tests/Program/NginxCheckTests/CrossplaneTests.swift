// SPDX-License-Identifier: Apache-2.0
//
// The reader agrees with PyPI's crossplane 0.5.8 on each file of Debian's /etc/nginx, on a file of hard cases, and on
// the configurations of Tests/Sites.
// expected.txt is what crossplane read there; read_with_crossplane.py beside it makes the list again.

import Foundation
import NginxCheck
import TestSupport
import Testing

@Suite struct CrossplaneTests {
    private static let folder = "\(Repository.root)/Tests/Program/NginxCheckTests"

    private static let expected: [(path: String, lines: [String])] = {
        let text = (try? String(contentsOfFile: "\(folder)/expected.txt", encoding: .utf8)) ?? ""
        var files: [(path: String, lines: [String])] = []
        for line in text.split(separator: "\n").map(String.init) {
            if line.hasPrefix("== ") {
                files.append((String(line.dropFirst(3)), []))
            } else {
                files[files.count - 1].lines.append(line)
            }
        }
        return files
    }()

    /// As read_with_crossplane.py writes it.
    private func lines(_ directives: [NginxDirective], depth: Int = 0) -> [String] {
        directives.flatMap { directive -> [String] in
            var words = directive.arguments
            if directive.name == "if", let last = words.indices.last {
                // crossplane takes the parentheses away, and a word that is nothing else.
                let isAlone = (words[0] == "(", words[last] == ")")
                words[0] = words[0].hasPrefix("(") ? String(words[0].dropFirst()) : words[0]
                words[last] = words[last].hasSuffix(")") ? String(words[last].dropLast()) : words[last]
                if isAlone.1 { words.removeLast() }
                if isAlone.0 { words.removeFirst() }
            }
            if let code = directive.code { words.append(code) }
            let shown = ([directive.name] + words).map { word in
                let text = word.trimmingCharacters(in: .whitespacesAndNewlines)
                return "<\(text.replacing("\n", with: "\\n").replacing("\t", with: "\\t"))>"
            }
            let line = "\(depth) \(directive.line) \(shown.joined(separator: " "))"
            return [line] + lines(directive.block ?? [], depth: depth + 1)
        }
    }

    @Test func `the reader and crossplane agree`() throws {
        #expect(Self.expected.count >= 31)
        for (path, expected) in Self.expected {
            let file = path.hasPrefix("/") ? path : "\(Self.folder)/\(path)"
            // Debian's module files are there only where the module is installed.
            guard path == "hard.conf" || FileManager.default.fileExists(atPath: file) else {
                #expect(path.contains("/modules-enabled/"), "\(path)")
                continue
            }
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let found = lines(try NginxReader.parse(text, file: path))
            #expect(found == expected, "\(path)")
        }
    }
}
