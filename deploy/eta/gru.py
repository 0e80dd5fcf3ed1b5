# SPDX-License-Identifier: Apache-2.0
"""The inference of Sources/Rules/Admission/Estimates/RecurrentNetwork.swift in plain Python: the same operations on IEEE
doubles in the same order, so that both give the same bits. It is the reference that the parity test is recorded from."""
import math, struct

LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
LOG2E = float.fromhex("0x1.71547652b82fep0")


def exp(x):
    if not x > -700:
        return 0.0
    x = x if x < 700 else 700.0
    k = float(round(x * LOG2E))
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    total = 1.0
    for n in range(13, 0, -1):
        total = 1 + r / float(n) * total
    return total * math.ldexp(1.0, int(k))


def log(value):
    value = value if value > 1e-300 else 1e-300
    mantissa, exponent = math.frexp(value)
    k, m = float(exponent - 1), mantissa * 2
    if m > 1.4142135623730951:
        k, m = k + 1, m / 2
    s = (m - 1) / (m + 1)
    square, total = s * s, 0.0
    for n in range(19, 0, -2):
        total = 1 / float(n) + square * total
    return k * LN2_HIGH + (k * LN2_LOW + 2 * s * total)


def logistic(x):
    return 1 / (1 + exp(-x))


def tanh(x):
    return 1 - 2 / (1 + exp(2 * x))


def apply(layer, vector):
    weights, biases = layer
    out = []
    for row, bias in enumerate(biases):
        total = bias
        for column, value in enumerate(vector):
            total += weights[row * len(vector) + column] * value
        out.append(total)
    return out


class Network:
    def __init__(self, text):
        words = text.split()
        inputs, self.units, queries, middle = (int(word) for word in words[1:5])
        numbers = [struct.unpack(">f", bytes.fromhex(word))[0] for word in words[5:]]
        self.layers = []
        for rows, columns in [(3 * self.units, inputs), (3 * self.units, self.units), (middle, self.units + queries), (3, middle)]:
            weights, numbers = numbers[:rows * columns], numbers[rows * columns:]
            biases, numbers = numbers[:rows], numbers[rows:]
            self.layers.append((weights, biases))
        self.state = [0.0] * self.units

    def step(self, inputs):
        u = self.units
        fresh, old = apply(self.layers[0], inputs), apply(self.layers[1], self.state)
        for i in range(u):
            reset = logistic(fresh[i] + old[i])
            update = logistic(fresh[u + i] + old[u + i])
            candidate = tanh(fresh[2 * u + i] + reset * old[2 * u + i])
            self.state[i] = (1 - update) * candidate + update * self.state[i]

    def answer(self, query):
        out = apply(self.layers[3], [tanh(x) for x in apply(self.layers[2], self.state + query)])
        def softplus(value):
            return log(1 + exp(value))
        return out[1] - softplus(out[0]), out[1], out[1] + softplus(out[2])
