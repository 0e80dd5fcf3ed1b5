// SPDX-License-Identifier: Apache-2.0
//
// The words of a call of draw.lua.

internal import Admission

enum DrawCall {
    /// The arguments behind the policy.
    static func words(of action: DrawAction) -> [RedisArgument] {
        let empty = RedisArgument("")
        switch action {
        case .prepare(let commitment, let seed):
            return head(action, RedisArgument(commitment), RedisArgument(seed), empty)
        case .announce(let source): return head(action, RedisArgument(source), empty, empty)
        case .beacon(let value): return head(action, RedisArgument(value), empty, empty)
        case .read: return head(action, empty, empty, empty)
        case .apply(let version, let chunks):
            return head(action, RedisArgument(version), empty, empty)
                + chunks.flatMap { [RedisArgument($0.index), RedisArgument($0.waiting), RedisArgument($0.left)] }
        case .bring(let draw):
            let numbers = [draw.first, draw.behind, draw.state.rawValue].map { RedisArgument($0) }
            let texts = [draw.commitment, draw.seed, draw.source, draw.beacon, "\(draw.openedMilliseconds)"].map {
                RedisArgument($0)
            }
            return head(action, numbers[0], numbers[1], numbers[2]) + texts
        }
    }

    private static func head(
        _ action: DrawAction,
        _ a: RedisArgument,
        _ b: RedisArgument,
        _ c: RedisArgument
    ) -> [RedisArgument] {
        DrawArgument.allCases.map { word in
            switch word {
            case .action: RedisArgument(action.word)
            case .a: a
            case .b: b
            case .c: c
            }
        }
    }
}
