// SPDX-License-Identifier: Apache-2.0
//
// The `proof_of_work` of a room: `off`, or how much work a join costs while many come.

internal import Admission
internal import Yams

extension Configuration {
    static func proofOfWork(_ node: Node, _ key: Node, room: String) throws(ConfigurationError) -> ProofOfWork? {
        if node.scalar?.string == "off" { return nil }
        var bits: (key: Node, value: Int)?
        var bitsMax: (key: Node, value: Int)?
        guard case .mapping = node else {
            throw key.error("proof_of_work must be off, or such as {bits: 14, bits_max: 20}")
        }
        for (name, value) in try members(of: node, in: "proof_of_work of room \(room)") {
            switch name.text {
            case "bits": bits = (name, try value.integer(name, in: ProofOfWork.bitsRange))
            case "bits_max": bitsMax = (name, try value.integer(name, in: ProofOfWork.bitsRange))
            default: throw name.unknown(in: "proof_of_work of room \(room)")
            }
        }
        let standard = ProofOfWork()
        // If only one is given, move the other's default so that bits <= bits_max holds.
        let least = bits?.value ?? min(standard.bits, bitsMax?.value ?? standard.bits)
        let most = bitsMax?.value ?? max(standard.bitsMax, least)
        guard least <= most else {
            throw (bitsMax?.key ?? key).error("bits_max must be bits (\(least)) or more")
        }
        return ProofOfWork(bits: least, bitsMax: most)
    }
}
