// SPDX-License-Identifier: Apache-2.0
//
// A ratchet: comments that use phrases which readers had to read twice are counted, and the count may only fall. The
// number is in unclear-phrases.txt beside this file.

import Foundation
import Testing

@Suite struct ProseTests {
    /// A relative clause as the subject, a pronoun without its noun, "so many" for a value, "told" for "returned".
    private static let phrases = [
        "Whoever ", "whoever ", "one that ", "so many", "so long", " told", "tells of",
    ]

    private func isComment(_ line: Substring) -> Bool {
        line.hasPrefix("//") || line.hasPrefix("--") || line.hasPrefix("# ") || line.hasPrefix("* ")
    }

    /// "Who has no address is not counted": a comment's sentence that begins so and is no question.
    private func beginsWithWho(_ text: String) -> Bool {
        text.firstMatch(of: #/(?:^\W+|[.:] )Who [a-z]+ /#) != nil && !text.contains("?")
    }

    @Test func `unclear phrases in comments become fewer`() throws {
        let endings = [".swift", ".lua", ".py", ".js", ".conf", ".yaml", ".c", ".h", ".html"]
        let files = Tree.files(["Sources", "Tests", "nginx", "deploy"], "").filter { file in
            endings.contains { file.path.hasSuffix($0) } || file.lines.first?.hasPrefix("#!") == true
        }
        var places: [String] = []
        for file in files {
            for (index, line) in file.lines.enumerated() {
                let text = line.drop { $0 == " " }
                guard isComment(text) else { continue }
                let unclear =
                    Self.phrases.contains { holds(line, $0) } || holds(line, "Who ") && beginsWithWho(String(text))
                if unclear { places.append("\(file.path):\(index + 1): \(text)") }
            }
        }
        let limit = try #require(Tree.file("Tests/TidyTests/unclear-phrases.txt").flatMap { Int($0.lines[0]) })
        let list = places.joined(separator: "\n")
        #expect(places.count <= limit, "\(places.count), allowed are \(limit). Say it with a noun and a verb:\n\(list)")
        #expect(places.count >= limit, "Fewer than before: write \(places.count) into unclear-phrases.txt")
    }
}
