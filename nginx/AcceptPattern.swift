// SPDX-License-Identifier: Apache-2.0
//
// How nginx finds a media type in an Accept header: the regular expressions around the type's name, which the maps of
// HTML and of JSON in vestibule-http-common.conf have in common. AcceptHeader.swift is the same for the workers.

enum AcceptPattern {
    /// From the beginning of the header to the type: whole items. A comma in quotes cuts none.
    static let before = #"^(?:[^\x22,]*+\#(quoted)[^\x22,]*+)*+,)*?[ \t]*"#
    /// From the type to the end of its item; `$1` is its first weight that is well written.
    static let weight =
        #"[ \t]*(?:[ \t]*+;[ \t]*+(?!q=)[^\x22,;]*+\#(quoted)[^\x22,;]*+)*+)*+"#
        + #"(?:\z|,|[ \t]*;[ \t]*q=(1(?:\.0{0,3})?|0(?:\.[0-9]{0,3})?)[ \t]*(?:\z|,|;))"#

    /// The beginning of a group: a text in quotes, which may lack its end.
    private static let quoted = #"(?:\x22(?:[^\x22\x5c]|\x5c.?)*+(?:\x22|\z)"#
}
