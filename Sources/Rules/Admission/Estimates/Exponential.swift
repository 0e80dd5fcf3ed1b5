// SPDX-License-Identifier: Apache-2.0
//
// exp, tanh and the logistic function. Why no library: the rules import nothing, and the same operations in the same
// order give the same bits on every machine and in the training script (deploy/eta/gru.py).

/// Elementary functions in IEEE doubles.
package enum Exponential {
    /// ln 2 in two parts: the first has zeros at its end, so that `k * high` is exact for the k that occur.
    private static let ln2High = 0x1.62e42feep-1
    private static let ln2Low = 0x1.a39ef35793c76p-33
    private static let log2e = 0x1.71547652b82fep0

    /// e to the power of `x`, to about one unit in the last place; 0 below -700, e^700 above 700.
    package static func exp(_ x: Double) -> Double {
        guard x > -700 else { return 0 }
        let x = x < 700 ? x : 700
        let k = (x * log2e).rounded(.toNearestOrEven)
        let r = (x - k * ln2High) - k * ln2Low
        // |r| <= 0.347: the Taylor series to r^13 / 13! is below 1e-17 of the sum.
        var sum = 1.0
        for n in stride(from: 13, through: 1, by: -1) { sum = 1 + r / Double(n) * sum }
        return sum * Double(sign: .plus, exponent: Int(k), significand: 1)
    }

    static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    static func tanh(_ x: Double) -> Double { 1 - 2 / (1 + exp(2 * x)) }

    /// The natural logarithm of a positive number; numbers below 1e-300 count as that. Absolute error below 1e-14.
    package static func log(_ value: Double) -> Double {
        let value = value > 1e-300 ? value : 1e-300
        var (k, m) = (Double(value.exponent), value.significand)
        if m > 1.4142135623730951 { (k, m) = (k + 1, m / 2) }
        // ln m = 2 artanh((m - 1) / (m + 1)), with |s| <= 0.172: s^19 / 19 is below 1e-15.
        let s = (m - 1) / (m + 1)
        let square = s * s
        var sum = 0.0
        for n in stride(from: 19, through: 1, by: -2) { sum = 1 / Double(n) + square * sum }
        return k * ln2High + (k * ln2Low + 2 * s * sum)
    }
}
