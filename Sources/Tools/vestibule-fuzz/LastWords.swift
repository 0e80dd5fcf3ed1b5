// SPDX-License-Identifier: Apache-2.0
//
// What the fuzzer says when the program under test traps, crashes or hangs, and how much memory a process holds. It
// uses system calls. A signal handler runs it, so it only writes bytes that were prepared before.

import Glibc

enum LastWords {
    /// Nothing takes a hundredth of this for 1,000 inputs.
    private static let hangSeconds: UInt32 = 240
    // One thread writes it; the handler of a fatal signal reads it.
    nonisolated(unsafe) private static let text = UnsafeMutablePointer<CChar>.allocate(capacity: 160)
    nonisolated(unsafe) private static var length = 0

    /// Where the next inputs begin; also puts the alarm off.
    static func note(_ target: String, _ seed: UInt64, _ index: Int) {
        let line = Array("\nFOUND by \(target), seed \(seed), in the 1000 inputs from \(index): signal \n".utf8)
        length = min(line.count, 160)
        for at in 0..<length { text[at] = CChar(bitPattern: line[at]) }
        alarm(hangSeconds)
    }

    static func install() {
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM] {
            signal(number) { number in
                write(2, LastWords.text, LastWords.length)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}

enum ResidentMemory {
    /// How far memory may grow after the first fifth: 5 %, or 2 MiB.
    static func isSteady(from early: Int, to late: Int) -> Bool { late <= max(early + early / 20, early + 2048) }

    /// Resident memory of a process; 0 when it is gone.
    static func kibibytes(pid: pid_t) -> Int {
        guard let file = fopen("/proc/\(pid)/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024 : 0
    }
}
