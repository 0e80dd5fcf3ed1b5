// SPDX-License-Identifier: Apache-2.0
//
// Threads for clients that block. The tests' own executor has one thread a core, which is not a crowd.

internal import Foundation
internal import Synchronization

/// Runs blocking work on threads of its own.
public enum Threads {
    /// Calls `body` with 0..<count, each on its own thread at the same time, and waits for all of them.
    ///
    /// Returns the results in order; throws the first error there was, after all have ended.
    public static func run<Value: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        let results = Slots<Value>(count)
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            let thread = Thread {
                results.set(index, Result { try body(index) })
                group.leave()
            }
            thread.start()
        }
        group.wait()
        return try results.all()
    }
}

/// One place a thread for its result.
private final class Slots<Value: Sendable>: Sendable {
    private let values: Mutex<[Result<Value, any Error>?]>

    init(_ count: Int) { values = Mutex(Array(repeating: nil, count: count)) }

    func set(_ index: Int, _ value: Result<Value, any Error>) { values.withLock { $0[index] = value } }

    func all() throws -> [Value] {
        try values.withLock { results in
            try results.map { result in
                guard let result else { throw TestFailure("a thread ended without a result") }
                return try result.get()
            }
        }
    }
}
