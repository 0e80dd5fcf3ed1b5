// SPDX-License-Identifier: Apache-2.0
//
// One request as a handler sees it, whatever protocol brought it: a closed set of parameters and the
// body, all in one block of bytes that is used again for the next request.

/// A request: twenty-four known parameters and a body, as ranges of one byte storage.
///
/// A server owns one value and fills it again for every request, so nothing is allocated once the storage
/// has reached its working size. A copy, or a slice, that a handler keeps stays correct, because
/// arrays copy on write; it costs the server one allocation.
public struct GatewayRequest: Sendable {
    private var storage: [UInt8]
    /// Start and end of each field in `storage`, two entries a field. Start -1 means absent.
    private var bounds: [Int]
    /// Where the body starts in `storage`; it runs to the end. -1 until the first body byte.
    private var bodyStart = -1

    /// Creates an empty request.
    ///
    /// - Parameter reservingBytes: capacity to start with. The default holds nginx's usual request, which
    ///   is bounded by `large_client_header_buffers` (4 x 8 KiB) and mostly far below.
    public init(reservingBytes: Int = 16_384) {
        storage = []
        storage.reserveCapacity(reservingBytes)
        bounds = [Int](repeating: -1, count: GatewayField.allCases.count * 2)
    }

    /// The bytes of a parameter; empty when it is absent.
    public subscript(field: GatewayField) -> ArraySlice<UInt8> {
        let start = bounds[field.rawValue * 2]
        return start < 0 ? [] : storage[start..<bounds[field.rawValue * 2 + 1]]
    }

    /// The request body; empty when there is none.
    public var body: ArraySlice<UInt8> {
        bodyStart < 0 ? [] : storage[bodyStart...]
    }

    /// Forgets everything and keeps the capacity.
    public mutating func reset() {
        storage.removeAll(keepingCapacity: true)
        for index in bounds.indices { bounds[index] = -1 }
        bodyStart = -1
    }

    /// Stores the value of a parameter by its CGI name. The first occurrence of a name wins, as with `FCGX_GetParam`.
    ///
    /// - Returns: false when the name is not one Vestibule reads, or was set before.
    @discardableResult
    public mutating func set(_ name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let field = GatewayField(parameterName: name) else { return false }
        return store(field, value)
    }

    /// Stores the value of a parameter. The first call for a field wins.
    ///
    /// - Returns: false when the field was set before.
    @discardableResult
    public mutating func set(_ field: GatewayField, _ value: some Sequence<UInt8>) -> Bool {
        store(field, value)
    }

    private mutating func store(_ field: GatewayField, _ value: some Sequence<UInt8>) -> Bool {
        precondition(bodyStart < 0, "a parameter after the body would become part of the body")
        guard bounds[field.rawValue * 2] < 0 else { return false }
        bounds[field.rawValue * 2] = storage.count
        storage.append(contentsOf: value)
        bounds[field.rawValue * 2 + 1] = storage.count
        return true
    }

    /// Adds bytes to the body. Parameters can no longer be set afterwards.
    public mutating func appendBody(_ bytes: some Sequence<UInt8>) {
        if bodyStart < 0 { bodyStart = storage.count }
        storage.append(contentsOf: bytes)
    }
}
