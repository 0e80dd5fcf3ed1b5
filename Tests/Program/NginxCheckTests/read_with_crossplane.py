#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Prints what PyPI's crossplane reads in configuration files, as CrossplaneTests compares it:
#   pip install crossplane==0.5.8; read_with_crossplane.py FILE... > expected.txt
# A line a directive: its depth, line and words, each word with what nginx's own reader makes of its escapes.
import os
import sys

import crossplane

ESCAPES = {'"': '"', "'": "'", "\\": "\\", "t": "\t", "r": "\r", "n": "\n"}


def unescaped(word):
    result, index = "", 0
    while index < len(word):
        if word[index] == "\\" and index + 1 < len(word) and word[index + 1] in ESCAPES:
            result += ESCAPES[word[index + 1]]
            index += 1
        else:
            result += word[index]
        index += 1
    return result


def show(block, depth):
    for directive in block:
        words = [directive["directive"]] + directive["args"]
        if not words[0].endswith("_by_lua_block"):
            words = [unescaped(word) for word in words]
        print(depth, directive["line"], *[repr_of(word) for word in words])
        show(directive.get("block", []), depth + 1)


def repr_of(word):
    return "<" + word.strip().replace("\n", "\\n").replace("\t", "\\t") + ">"


for path in sys.argv[1:]:
    result = crossplane.parse(path, single=True, check_ctx=False, check_args=False, strict=False)
    assert result["status"] == "ok", (path, result["errors"])
    print("==", path if path.startswith("/") else os.path.relpath(path, os.path.dirname(__file__)))
    show(result["config"][0]["parsed"], 0)
