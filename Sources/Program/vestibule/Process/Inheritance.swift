// SPDX-License-Identifier: Apache-2.0
//
// What a supervisor leaves to the program that replaces it by exec(3): the listening sockets and the running workers,
// written into an environment variable as text.

import Glibc

struct Inheritance: Equatable {
    static let variable = "VESTIBULE_INHERITED"

    struct Sockets: Equatable {
        var index: Int
        var areHidden: Bool
        var descriptors: [Int32]
    }

    struct Worker: Equatable {
        var index: Int
        var pid: pid_t
        var row: Int
        var lifeline: Int32
        var state: RunningWorker.State
    }

    var sockets: [Sockets] = []
    var workers: [Worker] = []

    /// Descriptors that must stay open over exec.
    var descriptors: [Int32] { sockets.flatMap(\.descriptors) + workers.map(\.lifeline) }

    var text: String {
        let first = sockets.map { entry in
            (["sockets", "\(entry.index)", entry.areHidden ? "1" : "0"] + entry.descriptors.map { "\($0)" })
                .joined(separator: " ")
        }
        let second = workers.map { "worker \($0.index) \($0.pid) \($0.row) \($0.lifeline) \($0.state.rawValue)" }
        return (first + second).joined(separator: ";")
    }

    init() {}

    /// Nil for a text that `text` has not written.
    init?(text: String) {
        for line in text.split(separator: ";") {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int32($0) }
            if words.first == "sockets", numbers.count >= 2, numbers.count == words.count - 1 {
                sockets.append(
                    Sockets(index: Int(numbers[0]), areHidden: numbers[1] == 1, descriptors: Array(numbers[2...]))
                )
            } else if words.first == "worker", words.count == 6, numbers.count == 4,
                let state = RunningWorker.State(rawValue: String(words[5]))
            {
                workers.append(
                    Worker(
                        index: Int(numbers[0]),
                        pid: numbers[1],
                        row: Int(numbers[2]),
                        lifeline: numbers[3],
                        state: state
                    )
                )
            } else {
                return nil
            }
        }
    }

    /// What the predecessor left, taken out of the environment so that no worker sees it.
    static func take() -> Inheritance? {
        guard let value = getenv(variable) else { return nil }
        defer { unsetenv(variable) }
        return Inheritance(text: String(cString: value))
    }
}
