// SPDX-License-Identifier: Apache-2.0
//
// A few points of the curve "number to people ahead", chosen so that straight lines between them are never further from
// the curve than a stated error: what the board publishes, so that everybody can work out the own position.

/// Points of the waiting line, and how far a position interpolated between them can be from the true one.
///
/// A client reads its position from its number n so:
/// - between two neighbouring points (a, A) and (b, B), a <= n <= b: A + (B - A) * (n - a) / (b - a), rounded to the
///   nearest integer, plus one. At a point itself that is exact.
/// - before the first point: it is called, inside, or gone; only `status` can tell.
/// - after the last point (z, Z): it joined after the board was made; at most Z + n - z, plus one.
///
/// For anybody who waits the result is off by less than `errorPlaces` places or `errorShare` of the position, whichever
/// is larger.
public struct RankSamples: Sendable {
    /// Numbers and people ahead of them, both strictly ascending; the first and the last who wait are always in.
    public fileprivate(set) var points: [(number: Int, ahead: Int)] = []
    /// 0 when everybody who waits is a point.
    public fileprivate(set) var errorPlaces = 0
    public fileprivate(set) var errorShare = 0.0
}

extension RankIndex {
    /// Queues of at most this length are listed in full.
    private static let listedInFull = 64
    /// The tightest error tried. When it takes too many points, it is doubled: 5 places or 0.5 % comes next.
    private static let finestPlaces = 2.5
    private static let finestShare = 0.0025
    /// Points looked at beyond the last that a line could reach. A later one is often in reach again; that the search
    /// is short bounds the work.
    private static let lookahead = 24

    /// A point that is looked at. Between two of them the curve rises by less than a step.
    private struct Candidate {
        var number: Int
        var rank: Int
        /// What the line must be nearer to this point than the error, so that it holds between the points as well.
        var reserve: Double
        /// The error is that of the lower neighbour: that error must hold between the two.
        var lowerRank: Int
    }

    /// Chooses points. At most `limit` (at least `listedInFull`); to keep to it the error grows, in doublings.
    ///
    /// Each line is drawn as far as it stays within the error at the candidates under it (a cone of slopes). Candidates
    /// lie a quarter of the error apart in rank. Between two of them both the curve and the line only rise, so they
    /// cannot part by more than the error at a candidate plus that step. So the bound holds by construction for any
    /// line. The work grows with the logarithm of the queue's length.
    public func samples(atMost limit: Int) -> RankSamples {
        var samples = RankSamples()
        let count = punctualCount
        guard count > RankIndex.listedInFull else {
            samples.points = (0..<count).compactMap { rank in number(atRank: rank).map { ($0, rank) } }
            return samples
        }
        let candidates = candidates(count)
        var doubling = 1.0
        while true {
            let (places, share) = (RankIndex.finestPlaces * doubling, RankIndex.finestShare * doubling)
            if let points = lines(candidates, places: places, share: share, limit: limit) {
                samples.points = points
                samples.errorPlaces = Int(places.rounded(.up))
                samples.errorShare = share
                return samples
            }
            doubling *= 2
        }
    }

    /// How far a line may be from the curve at a rank. Half a place is for the client's rounding, and a tenth keeps the
    /// result below the error and not at it.
    private func tolerance(_ rank: Int, _ places: Double, _ share: Double) -> Double {
        max(places, share * Double(rank)) - 0.6
    }

    private func candidates(_ count: Int) -> [Candidate] {
        var found: [Candidate] = []
        var rank = 0
        var (lowerRank, lowerStep) = (0, 1)
        while rank < count {
            guard let number = number(atRank: rank) else { break }
            let wide = 1 + Int(tolerance(rank, RankIndex.finestPlaces, RankIndex.finestShare) / 4)
            // The last one who waits is a candidate.
            let step = rank == count - 1 ? 1 : min(wide, count - 1 - rank)
            let reserve = Double(max(step, lowerStep) - 1)
            found.append(Candidate(number: number, rank: rank, reserve: reserve, lowerRank: lowerRank))
            (lowerRank, lowerStep) = (rank, step)
            rank += step
        }
        return found
    }

    /// The ends of the lines, or nil when there are more than `limit`.
    private func lines(
        _ candidates: [Candidate],
        places: Double,
        share: Double,
        limit: Int
    ) -> [(number: Int, ahead: Int)]? {
        var points = [(number: candidates[0].number, ahead: candidates[0].rank)]
        var start = 0
        while start < candidates.count - 1 {
            guard points.count < limit else { return nil }
            let from = candidates[start]
            var (flattest, steepest) = (-Double.infinity, Double.infinity)
            var reached = start + 1
            var i = start + 1
            while i < candidates.count, i - reached <= RankIndex.lookahead {
                let to = candidates[i]
                let run = Double(to.number - from.number)
                let rise = Double(to.rank - from.rank)
                if (flattest...steepest).contains(rise / run) { reached = i }
                let room = tolerance(to.lowerRank, places, share) - to.reserve
                flattest = max(flattest, (rise - room) / run)
                steepest = min(steepest, (rise + room) / run)
                if flattest > steepest { break }
                i += 1
            }
            points.append((candidates[reached].number, candidates[reached].rank))
            start = reached
        }
        return points
    }
}
