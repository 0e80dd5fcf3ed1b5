// SPDX-License-Identifier: Apache-2.0
//
// The entries of a worker's memory as restore.lua takes them: consecutive numbers are one bitmap, by which Redis marks
// all of them at once, and pages of records, which it keeps as they come (brought.lua).

public import Admission

/// The entries of one chunk of numbers, of those that are renewed or of the others.
public struct EntryChunk {
    /// The entries of one page.
    private struct Page {
        let index: Int
        var firstEnd = Int.max
        var lastEnd = 0
        var records: [UInt8] = []
    }

    /// A record: the number less the first of its page in two bytes, and the end of the pass in six.
    private static let recordBytes = 8

    private let index: Int
    private let isRenewed: Bool
    private var bitmap = [UInt8](repeating: 0, count: RankIndex.chunkSize / 8)
    private var pages: [Page] = []

    private init(index: Int, isRenewed: Bool) { (self.index, self.isRenewed) = (index, isRenewed) }

    /// Orders entries by chunk; those that are renewed come last.
    static func chunks(of entries: [RememberedEntry]) -> [EntryChunk] {
        var chunks: [EntryChunk] = []
        for isRenewed in [false, true] {
            for entry in entries.filter({ $0.isRenewed == isRenewed }).sorted(by: { $0.number < $1.number }) {
                let index = entry.number / RankIndex.chunkSize
                if chunks.last.map({ $0.index != index || $0.isRenewed != isRenewed }) ?? true {
                    chunks.append(EntryChunk(index: index, isRenewed: isRenewed))
                }
                chunks[chunks.count - 1].add(entry)
            }
        }
        return chunks
    }

    private mutating func add(_ entry: RememberedEntry) {
        let offset = entry.number % RankIndex.chunkSize
        bitmap[offset >> 3] |= 0x80 >> UInt8(offset & 7)
        let page = entry.number / QueueConstants.entriesPerPage
        if pages.last?.index != page { pages.append(Page(index: page)) }
        let (last, end) = (pages.count - 1, entry.passExpiresMilliseconds)
        pages[last].firstEnd = min(pages[last].firstEnd, end)
        pages[last].lastEnd = max(pages[last].lastEnd, end)
        let place = entry.number % QueueConstants.entriesPerPage
        pages[last].records += [UInt8(truncatingIfNeeded: place >> 8), UInt8(truncatingIfNeeded: place)]
        for shift in stride(from: 40, through: 0, by: -8) {
            pages[last].records.append(UInt8(truncatingIfNeeded: end >> shift))
        }
    }

    /// The words of the call.
    var words: [RedisArgument] {
        let first = bitmap.firstIndex { $0 != 0 } ?? 0
        let last = bitmap.lastIndex { $0 != 0 } ?? 0
        let head = RestoreChunk.allCases.map { word in
            switch word {
            case .chunk: RedisArgument(index)
            case .isRenewed: RedisArgument(isRenewed ? 1 : 0)
            case .firstByte: RedisArgument(first)
            case .bits: RedisArgument(Array(bitmap[first...last]))
            case .pages: RedisArgument(pages.count)
            }
        }
        return head
            + pages.flatMap { page in
                RestorePage.allCases.map { word in
                    switch word {
                    case .page: RedisArgument(page.index)
                    case .firstEnd: RedisArgument(page.firstEnd)
                    case .lastEnd: RedisArgument(page.lastEnd)
                    case .records: RedisArgument(page.records)
                    }
                }
            }
    }

    /// The entries of a page's records.
    public static func entries(page: Int, records: [UInt8], isRenewed: Bool) -> [RememberedEntry] {
        stride(from: 0, to: records.count, by: recordBytes).map { from in
            let value = records[from..<from + recordBytes].reduce(0) { $0 << 8 | UInt64($1) }
            return RememberedEntry(
                number: page * QueueConstants.entriesPerPage + Int(value >> 48),
                passExpiresMilliseconds: Int(value & 0xFFFF_FFFF_FFFF),
                isRenewed: isRenewed
            )
        }
    }
}
