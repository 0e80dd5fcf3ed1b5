// SPDX-License-Identifier: Apache-2.0
//
// Counters of all workers in one shared memory file, as PHP-FPM does it: each worker writes its own row, and the
// worker that is asked for metrics adds the rows up. So a scrape through nginx is right whichever worker answers it.

internal import Glibc

/// A mapped file with one row of 64-bit cells a worker. One writer a row; readers may see a count a moment late.
public final class Scoreboard {
    /// The number of rows in the file: two for each of 256 workers, since a worker and its successor count at the same
    /// time while one takes over from the other.
    public static let rowsMax = 512
    private static let columns = 64
    private static let byteCount = rowsMax * columns * 8

    private let cells: UnsafeMutablePointer<UInt64>
    private let row: Int

    /// Maps the file at `path`, making it when it is not there. Nil when it cannot be mapped.
    /// - Parameter row: this worker's row, 0..<512.
    public init?(path: String, row: Int) {
        guard (0..<Scoreboard.rowsMax).contains(row) else { return nil }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(Scoreboard.byteCount)) == 0 else { return nil }
        let mapped = mmap(nil, Scoreboard.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        self.cells = mapped.bindMemory(to: UInt64.self, capacity: Scoreboard.rowsMax * Scoreboard.columns)
        self.row = row
    }

    deinit {
        munmap(cells, Scoreboard.byteCount)
    }

    /// Counts in this worker's row.
    public func count(_ counter: Counter, _ amount: Int = 1) {
        cells[row * Scoreboard.columns + counter.rawValue] &+= UInt64(amount)
    }

    /// Sets a cell to a total kept elsewhere.
    public func set(_ counter: Counter, to total: Int) {
        cells[row * Scoreboard.columns + counter.rawValue] = UInt64(max(0, total))
    }

    /// The sum over all workers.
    public func total(_ counter: Counter) -> UInt64 { total(at: counter.rawValue) }

    func total(at column: Int) -> UInt64 {
        var sum: UInt64 = 0
        for worker in 0..<Scoreboard.rowsMax { sum &+= cells[worker * Scoreboard.columns + column] }
        return sum
    }

    // MARK: - Cells of this worker's row by column

    func own(_ column: Int) -> UInt64 { cells[row * Scoreboard.columns + column] }

    func set(_ value: UInt64, at column: Int) { cells[row * Scoreboard.columns + column] = value }

    func add(_ amount: UInt64, at column: Int) { cells[row * Scoreboard.columns + column] &+= amount }
}
