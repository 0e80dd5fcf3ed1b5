// SPDX-License-Identifier: Apache-2.0
//
// The comparison of bytes with words of the program. The words are short: the generic comparison costs more than the
// bytes.

extension UnsafeBufferPointer<UInt8> {
    /// Whether these are the bytes of a word.
    @inlinable
    public func spells(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != word.utf8Start[index] { return false }
        return true
    }
}

extension ArraySlice<UInt8> {
    /// Whether these are the bytes of a word.
    @inlinable
    public func spells(_ word: StaticString) -> Bool { withUnsafeBufferPointer { $0.spells(word) } }
}
