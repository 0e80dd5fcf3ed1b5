// SPDX-License-Identifier: Apache-2.0
//
// The caps of one call, as values: the product has one set of them, and the tests have smaller ones, so that a history
// of sixty people meets every cap.

/// How many of a kind one call of a script handles at most.
public struct QueueCaps: Equatable, Sendable {
    public var lapsesPerTick = QueueConstants.lapsesPerTickMax
    public var callsPerTick = QueueConstants.callsPerTickMax
    public var passesPerTick = QueueConstants.passesPerTickMax
    public var calledPerRestore = QueueConstants.calledPerRestoreMax

    public init() {}

    /// Each of them at least 1.
    public init(lapsesPerTick: Int, callsPerTick: Int, passesPerTick: Int, calledPerRestore: Int) {
        self.lapsesPerTick = lapsesPerTick
        self.callsPerTick = callsPerTick
        self.passesPerTick = passesPerTick
        self.calledPerRestore = calledPerRestore
    }
}
