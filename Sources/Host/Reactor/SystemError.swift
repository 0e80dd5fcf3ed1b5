// SPDX-License-Identifier: Apache-2.0
//
// A failed system call: which one, and the error number it left.

internal import Glibc

/// A system call that failed.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The value of `errno` right after the call.
    public let errno: Int32
    /// The call and, where it helps, what it was for: `bind /run/vestibule/0.sock`.
    public let operation: String

    /// Creates an error with a given number.
    public init(errno: Int32, operation: String) {
        self.errno = errno
        self.operation = operation
    }

    /// Creates an error from the current `errno`; call it before anything else can overwrite it.
    public static func current(_ operation: String) -> SystemError {
        let number = Glibc.errno
        return SystemError(errno: number, operation: operation)
    }

    /// The operation and the text of the system for the number.
    public var description: String {
        "\(operation): \(String(cString: strerror(errno))) (errno \(errno))"
    }
}
