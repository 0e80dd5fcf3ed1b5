// SPDX-License-Identifier: Apache-2.0
//
// The lines a new user pastes from README must work, in their order, as they stand there.

import Foundation
import TestSupport
import Testing

extension Integration {
    @Suite struct ReadmeTests {
        /// The shell block after the comment that names this file.
        private func pastedLines() throws -> String {
            let readme = try String(contentsOfFile: "\(Repository.root)/README.md", encoding: .utf8)
            let marked = try #require(
                readme.range(of: "is run, line by line, by Tests/Program/IntegrationTests/ReadmeTests.swift")
            )
            let start = try #require(readme.range(of: "```sh\n", range: marked.upperBound..<readme.endIndex))
            let end = try #require(readme.range(of: "```", range: start.upperBound..<readme.endIndex))
            return String(readme[start.upperBound..<end.lowerBound])
        }

        @Test func `the lines of README lead from joining to the backend`() throws {
            let stack = try DemoStack()
            let lines = try pastedLines().replacing("127.0.0.1:8080", with: "127.0.0.1:\(stack.port)")
            try stack.directory.write("paste.sh", "cd \(stack.directory.path)\nset -e\n\(lines)")
            let result = try TestProcess.output("/bin/bash", [stack.directory.file("paste.sh")])
            #expect(result.status == 0, "\(result.text)")
            #expect(result.text.contains("\"status\":\"waiting\""), "\(result.text)")
            #expect(result.text.contains("\"admission\":\"granted\""))
            #expect(result.text.contains("HTTP/1.1 503") && result.text.contains("PASS_INVALID"))
            #expect(
                result.text.components(separatedBy: "This is the backend").count == 3,
                "first contact, and with the pass"
            )
        }
    }
}
