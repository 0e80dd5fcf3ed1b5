// SPDX-License-Identifier: Apache-2.0
//
// Where the repository is, for tests that read or run its files.

/// The checkout that these tests were built from.
public enum Repository {
    /// The folder of Package.swift, found from where this very file is.
    public static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
}
