// SPDX-License-Identifier: Apache-2.0
//
// Bytes under construction in a block of memory of its own. Answers are made of many short pieces, and an append to an
// array checks owner, capacity and bounds for each: that was a tenth of a status poll's instructions.

/// A growing block of bytes with one owner.
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var used = 0

    /// How many bytes were written.
    @inlinable
    public var count: Int { used }

    /// - Parameter capacity: bytes to start with, at least 1. It doubles when they do not suffice.
    public init(capacity: Int) {
        precondition(capacity > 0, "a writer starts with some room")
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deallocate()
    }

    /// What was written. The buffer is valid during the call.
    @inlinable
    public func withBytes<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        body(UnsafeBufferPointer(start: base, count: used))
    }

    /// A copy of what was written.
    public var array: [UInt8] { Array(UnsafeBufferPointer(start: base, count: used)) }

    /// Forgets what was written and keeps the room.
    @inlinable
    public mutating func clear() { used = 0 }

    /// Makes room for this number of further bytes.
    @inlinable
    public mutating func reserve(_ bytes: Int) {
        if capacity - used < bytes { grow(bytes) }
    }

    @usableFromInline
    mutating func grow(_ bytes: Int) {
        var wanted = capacity
        while wanted - used < bytes { wanted *= 2 }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        larger.update(from: base, count: used)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base[used] = byte
        used += 1
    }

    @inlinable
    public mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        (base + used).update(from: start, count: bytes.count)
        used += bytes.count
    }

    @inlinable
    public mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inlinable
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append($0) }
    }

    @inlinable
    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { append($0) }
    }

    /// Text as UTF-8.
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// A number in decimal. By hand: String(value) was a tenth of a poll's instructions.
    public mutating func append(decimal value: Int) {
        reserve(20)
        if value < 0 {
            base[used] = UInt8(ascii: "-")
            used += 1
        }
        var rest = value.magnitude
        var digits = 1
        var limit: UInt = 10
        while digits < 20, rest >= limit {
            digits += 1
            // The 20th digit has no limit that fits in 64 bits.
            limit = digits < 20 ? limit &* 10 : UInt.max
        }
        var at = used + digits
        used = at
        repeat {
            at -= 1
            base[at] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
            rest /= 10
        } while rest > 0
    }
}
