// SPDX-License-Identifier: Apache-2.0
//
// What an operator is answered whose page cannot be used.

/// What is wrong with a page of the operator's own.
package struct OwnPageError: Error {
    package enum Code: String, Sendable {
        case tooLarge = "PAGE_TOO_LARGE"
        /// Mustache or HTML that cannot be read.
        case syntax = "PAGE_SYNTAX"
        case unknownName = "PAGE_NAME_UNKNOWN"
        /// A name stands where it cannot be filled in.
        case misplaced = "PAGE_NAME_MISPLACED"
        /// The page lacks something that a visitor needs.
        case missing = "PAGE_PART_MISSING"
        /// The page would load something, or run a script that its policy does not let run.
        case refused = "PAGE_ELEMENT_REFUSED"
    }

    package let code: Code
    /// The first line is 1.
    package let line: Int
    package let message: String

    init(_ code: Code, line: Int, _ message: String) {
        self.code = code
        self.line = line
        self.message = message
    }
}
