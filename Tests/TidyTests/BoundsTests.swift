// SPDX-License-Identifier: Apache-2.0
//
// deploy/BOUNDS.md is true: the constant of each bound stands in the file that is named, and so does its test.

import Foundation
import Testing

@Suite struct BoundsTests {
    private static let files: [String: [String]] = {
        var found: [String: [String]] = [:]
        for folder in ["Sources", "nginx", "Tests"] {
            let names = FileManager.default.enumerator(atPath: "\(Tree.root)/\(folder)")?.compactMap { $0 as? String }
            for name in names ?? [] {
                found[String(name.split(separator: "/").last ?? ""), default: []].append(
                    "\(Tree.root)/\(folder)/\(name)"
                )
            }
        }
        return found
    }()

    private func holds(_ file: String, _ text: String) -> Bool {
        (Self.files[file] ?? []).contains { path in
            (try? String(contentsOfFile: path, encoding: .utf8))?.contains(text) == true
        }
    }

    @Test func `each bound is where the table says, with a test that reaches it`() throws {
        let text = try String(contentsOfFile: "\(Tree.root)/deploy/BOUNDS.md", encoding: .utf8)
        var count = 0
        for line in text.split(separator: "\n") where line.hasPrefix("| ") && !line.hasPrefix("| bound ") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 5, "\(line)")
            let words = cells[2].split(separator: "`").map(String.init).filter { $0 != " " }
            try #require(words.count == 2, "\(line)")
            #expect(holds(words[0], words[1]), "\(words[0]) does not have \(words[1])")
            let test = cells[4].filter { $0 != "`" }
            #expect(test.hasSuffix("Tests.swift") && Self.files[test] != nil, "\(test) is not there")
            count += 1
        }
        #expect(count > 25)
    }
}
