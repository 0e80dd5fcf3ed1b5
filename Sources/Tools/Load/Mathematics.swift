// SPDX-License-Identifier: Apache-2.0
//
// The one function of the C library that the schedules need, behind a name that does not make its importers import it.

internal import Glibc

/// The logarithm to base e; the argument is above 0.
func naturalLogarithm(_ value: Double) -> Double { log(value) }
