// SPDX-License-Identifier: Apache-2.0
//
// Inference of the learned estimator: one layer of gated recurrent units and a small output network, as
// deploy/eta/train trains them. Every sum runs in doubles in one fixed order, so that the script's reference
// gives the same bits. Why no library: inference libraries do not promise the order of their sums, and one layer is
// less code than the binding to a library.

/// A gated recurrent network (Cho et al., 2014, with PyTorch's placing of the reset gate).
package struct RecurrentNetwork {
    /// Weights and biases, row by row.
    struct Layer {
        var weights: [Double]
        var biases: [Double]
        var inputs: Int { weights.count / biases.count }

        /// `biases + weights * vector`, each row summed from left to right.
        func apply(_ vector: [Double]) -> [Double] {
            var out = biases
            let width = vector.count
            for row in out.indices {
                var sum = out[row]
                for column in 0..<width { sum += weights[row * width + column] * vector[column] }
                out[row] = sum
            }
            return out
        }
    }

    private let inputLayer: Layer
    private let stateLayer: Layer
    private let middleLayer: Layer
    private let outputLayer: Layer
    package private(set) var state: [Double]

    /// Reads the text of deploy/eta/train: `gru inputs units queries middle`, then every float32 as eight hexadecimal
    /// digits. Nil when it is not that.
    package init?(text: [UInt8]) {
        let words = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard words.count > 5, words[0].elementsEqual("gru".utf8) else { return nil }
        let sizes = words[1...4].compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        guard sizes.count == 4, sizes.allSatisfy({ (1...256).contains($0) }) else { return nil }
        let (inputs, units, queries, middle) = (sizes[0], sizes[1], sizes[2], sizes[3])
        let numbers = words[5...].compactMap { word in
            UInt32(String(decoding: word, as: UTF8.self), radix: 16).map { Double(Float(bitPattern: $0)) }
        }
        let shapes = [(3 * units, inputs), (3 * units, units), (middle, units + queries), (3, middle)]
        guard numbers.count == shapes.reduce(0, { $0 + $1.0 * ($1.1 + 1) }), numbers.allSatisfy(\.isFinite) else {
            return nil
        }
        var at = 0
        let layers = shapes.map { rows, columns in
            let weights = Array(numbers[at..<(at + rows * columns)])
            let biases = Array(numbers[(at + rows * columns)..<(at + rows * (columns + 1))])
            at += rows * (columns + 1)
            return Layer(weights: weights, biases: biases)
        }
        (inputLayer, stateLayer, middleLayer, outputLayer) = (layers[0], layers[1], layers[2], layers[3])
        state = Array(repeating: 0, count: units)
    }

    /// Takes one step's inputs in.
    package mutating func step(_ inputs: [Double]) {
        let units = state.count
        let (fresh, old) = (inputLayer.apply(inputs), stateLayer.apply(state))
        for i in 0..<units {
            let reset = Exponential.logistic(fresh[i] + old[i])
            let update = Exponential.logistic(fresh[units + i] + old[units + i])
            let candidate = Exponential.tanh(fresh[2 * units + i] + reset * old[2 * units + i])
            state[i] = (1 - update) * candidate + update * state[i]
        }
    }

    /// Logarithm of the wait relative to position / rate: lower decile, median, upper decile.
    package func answer(_ query: [Double]) -> (low: Double, middle: Double, high: Double) {
        let out = outputLayer.apply(middleLayer.apply(state + query).map { Exponential.tanh($0) })
        func softplus(_ value: Double) -> Double { Exponential.log(1 + Exponential.exp(value)) }
        return (out[1] - softplus(out[0]), out[1], out[1] + softplus(out[2]))
    }
}

extension RecurrentNetwork {
    /// The network with the weights the program was built with.
    package static func embedded() -> RecurrentNetwork? { RecurrentNetwork(text: PackageResources.eta_gru_txt) }
}
