// SPDX-License-Identifier: Apache-2.0
//
// Chance that can be repeated: a failure names its seed. Test targets get the generator with TestSupport.

@_exported public import Chance

public typealias SeededRandom = SplitMix64
