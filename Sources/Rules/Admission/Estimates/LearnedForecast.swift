// SPDX-License-Identifier: Apache-2.0
//
// The learned estimator of one room: feeds the network with the figures of each tick and asks it for a table.

/// The network with the room's past in its state.
struct LearnedForecast {
    private var inputs = LearnedInputs()
    private var network: RecurrentNetwork?

    init() { network = RecurrentNetwork.embedded() }

    /// Another generation is another room.
    mutating func begin() { self = LearnedForecast() }

    mutating func look(_ reply: TickReply) {
        if let step = inputs.step(reply) { network?.step(step) }
    }

    /// The table at positions that grow by an eighth. A worse position never gets a shorter time: the table sees to it.
    func table(_ reply: TickReply, waiting: Int, _ confidence: (WaitTable.Span) -> Confidence) -> WaitTable? {
        guard let network else { return nil }
        let rate = max(0.001, reply.policy.ratePerSecond)
        var table = WaitTable(tailSecondsPerPlace: 1 / rate)
        var position = 1.0
        while true {
            let answer = network.answer(LearnedInputs.query(position: position, perSecond: rate))
            let seconds = position / rate
            let span = WaitTable.Span(
                seconds: seconds * Exponential.exp(min(8, answer.middle)),
                lowSeconds: seconds * Exponential.exp(min(8, answer.low)),
                highSeconds: seconds * Exponential.exp(min(8, answer.high))
            )
            table.append(position: position, span, confidence(span))
            if position >= Double(waiting) || position > 1e8 { return table }
            position = max(position + 1, (position * 1.125).rounded())
        }
    }
}
