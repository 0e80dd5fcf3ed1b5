// SPDX-License-Identifier: Apache-2.0
//
// A page cut where something of the visitor's goes in. What stands between is compressed once, at the first use, so
// that no request is compressed: a gzip stream (RFC 1952) may be put together from blocks of raw deflate (RFC 1951),
// each made by itself, and blocks that are stored as they are.

internal import CZlib

package struct PageTemplate {
    /// What differs from visitor to visitor.
    package enum Slot: String, CaseIterable {
        case room = "{{ROOM}}"
        case api = "{{API}}"
        case step = "{{STEP}}"
        case refused = "{{REFUSED}}"
        case heading = "{{HEADING}}"
        case hidden = "{{HIDDEN}}"
        case message = "{{MESSAGE}}"
        case position = "{{POSITION}}"
        case kept = "{{KEPT}}"
        /// What becomes of a form that was sent: FormKeeper.Manner, or nothing.
        case manner = "{{MANNER}}"
        case form = "{{FORM}}"
        case refresh = "{{REFRESH}}"
        case noScript = "{{NOSCRIPT}}"
        /// The wait, as JSON, in a page of the operator's own.
        case wait = "{{WAIT}}"
    }

    /// A gap in the page.
    private enum Gap {
        case slot(Slot)
        /// A page of the operator's own says a value there.
        case value(String)
        /// Begin and end of a section of such a page: if it is not shown, it stands in a template element.
        case begin(String)
        case end(String)

        init?(name: Substring) {
            switch name.first {
            case "@": self = .value(String(name.dropFirst()))
            case "+": self = .begin(String(name.dropFirst()))
            case "-": self = .end(String(name.dropFirst()))
            default:
                guard let slot = Slot(rawValue: "{{\(name)}}") else { return nil }
                self = .slot(slot)
            }
        }

        func text(_ value: (Slot) -> String, _ wait: WaitFields?) -> String {
            func isShown(_ name: String) -> Bool {
                name.hasPrefix("!") ? wait?.holds(String(name.dropFirst())) == false : wait?.holds(name) == true
            }
            return switch self {
            case .slot(let slot): value(slot)
            case .value(let name): wait?.text(name) ?? ""
            case .begin(let name): isShown(name) ? "</template>" : ""
            case .end(let name): isShown(name) ? "" : "</template>"
            }
        }
    }

    /// A piece of the page that is the same for everybody, and the gap behind it; there is none behind the last.
    private struct Piece {
        let bytes: [UInt8]
        let deflated: [UInt8]
        let checksum: UInt
        let gap: Gap?

        init(_ bytes: [UInt8], before gap: Gap?) {
            self.bytes = bytes
            self.gap = gap
            deflated = PageTemplate.deflated(bytes)
            checksum = PageTemplate.checksum(bytes)
        }
    }

    private let pieces: [Piece]
    /// What the answer says of what may run and be loaded (Content-Security-Policy).
    var securityPolicy = ""
    /// The two headings, as HTML.
    var headings = (queued: "", title: "")
    private let length: Int

    /// - Parameters:
    ///   - page: the text, with names between two braces on each side.
    ///   - texts: what stands for a name; a name that is neither here nor a slot is left out.
    package init(_ page: String, _ texts: [(name: String, value: String)]) {
        var page = page[...]
        var pieces: [Piece] = []
        var piece: [UInt8] = []
        while let start = page.firstRange(of: "{{"), let end = page[start.upperBound...].firstRange(of: "}}") {
            piece += page[..<start.lowerBound].utf8
            let name = page[start.upperBound..<end.lowerBound]
            if let text = texts.first(where: { $0.name == name }) {
                piece += text.value.utf8
            } else {
                pieces.append(Piece(piece, before: Gap(name: name)))
                piece = []
            }
            page = page[end.upperBound...]
        }
        piece += page.utf8
        pieces.append(Piece(piece, before: nil))
        self.pieces = pieces
        length = pieces.reduce(0) { $0 + $1.bytes.count }
    }

    /// The page as it is.
    package func filled(_ value: (Slot) -> String) -> [UInt8] { filled(value, wait: nil) }

    /// The page as a gzip stream.
    package func zipped(_ value: (Slot) -> String) -> [UInt8] { zipped(value, wait: nil) }

    /// The page as it is.
    /// - Parameter wait: for a page of the operator's own.
    func filled(_ value: (Slot) -> String, wait: WaitFields?) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(length + 1024)
        for piece in pieces {
            out += piece.bytes
            if let gap = piece.gap { out += gap.text(value, wait).utf8 }
        }
        return out
    }

    /// The page as a gzip stream.
    func zipped(_ value: (Slot) -> String, wait: WaitFields?) -> [UInt8] {
        // Deflate, no name, no time, the highest compression, Unix.
        var out: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]
        var (checksum, count) = (UInt(0), 0)
        for piece in pieces {
            out += piece.deflated
            checksum = crc32_combine(checksum, piece.checksum, piece.bytes.count)
            count += piece.bytes.count
            guard let text = piece.gap.map({ Array($0.text(value, wait).utf8) }), !text.isEmpty else { continue }
            PageTemplate.store(text, isLast: false, &out)
            checksum = crc32_combine(checksum, PageTemplate.checksum(text), text.count)
            count += text.count
        }
        PageTemplate.store([], isLast: true, &out)
        for word in [UInt32(checksum), UInt32(count)] {
            withUnsafeBytes(of: word.littleEndian) { out += $0 }
        }
        return out
    }

    /// Stored blocks, each of at most 65,535 bytes (RFC 1951 section 3.2.4).
    private static func store(_ text: [UInt8], isLast: Bool, _ out: inout [UInt8]) {
        var rest = text[...]
        repeat {
            let block = rest.prefix(Int(UInt16.max))
            rest = rest.dropFirst(block.count)
            let size = UInt16(block.count)
            out.append(isLast && rest.isEmpty ? 1 : 0)
            for half in [size, ~size] { out += [UInt8(half & 0xff), UInt8(half >> 8)] }
            out += block
        } while !rest.isEmpty
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt { crc32(0, bytes, UInt32(bytes.count)) }

    /// Blocks of raw deflate that end at a whole byte and refer to nothing before them.
    private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        var input = bytes
        precondition(vestibule_deflate_start(&stream) == Z_OK, "deflate has its memory")
        defer { deflateEnd(&stream) }
        // A full flush adds less than 16 bytes.
        var out = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 16)
        let written = input.withUnsafeMutableBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                precondition(
                    deflate(&stream, Z_FULL_FLUSH) == Z_OK && stream.avail_in == 0,
                    "the target is large enough"
                )
                return target.count - Int(stream.avail_out)
            }
        }
        return Array(out[..<written])
    }
}
