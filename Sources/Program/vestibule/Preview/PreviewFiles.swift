// SPDX-License-Identifier: Apache-2.0
//
// The preview as files that a browser opens from the disk: the page as it is served, and before its script a stand-in
// for `fetch` that gives the answers of the scene.

import Reactor
import StrictJSON
import WaitingRoomAPI

struct PreviewFiles {
    let directory: String
    let room: String
    let settings: RoomSettings

    static func name(_ state: PreviewState, _ language: Language) -> String {
        "\(state.name).\(language.sentences.tag).html"
    }

    /// Writes a file for each state in each language, and an index of them.
    func write(_ states: [PreviewState], _ languages: [Language]) throws {
        try Files.makeDirectory(directory)
        for state in states {
            for language in languages {
                let room = try PreviewRoom(room, settings, language: language, asksForNames: state.asksForNames)
                let scene = try state.play(room)
                try Files.write("\(directory)/\(PreviewFiles.name(state, language))", text(scene))
            }
        }
        try Files.write("\(directory)/index.html", index(states, languages))
    }

    /// The page of a scene.
    private func text(_ scene: PreviewScene) -> String {
        guard scene.runsScript else { return withoutScript(scene.page) }
        let calls = scene.answers.map { call, answers in
            JSONText.literal(call) + ":[" + answers.map(text).joined(separator: ",") + "]"
        }
        // No end tag can stand in a script.
        let data = "{\(calls.joined(separator: ","))}".split(separator: "<", omittingEmptySubsequences: false)
            .joined(separator: "\\u003c")
        let script = """
            <script>
            (function () {
              const answers = \(data);
              sessionStorage.clear();
              localStorage.clear();
              sessionStorage.setItem('vestibule-turns-\(room)', '\(scene.turns) ' + Date.now());
              window.fetch = function (path) {
                const list = answers[String(path).split('?')[0].split('/').pop()] || [[0]];
                const isLast = list.length === 1;
                const [status, json] = isLast ? list[0] : list.shift();
                if (status < 0) { return new Promise(() => {}); }
                if (!status) { return Promise.reject(new TypeError('preview')); }
                if (!isLast) { json.poll_after_ms = 0; }
                return Promise.resolve({ status, ok: status < 300, json: () => Promise.resolve(json) });
              };
            }());
            </script>
            """
        return replacing("<head>", in: scene.page, by: "<head>\n\(script)")
    }

    private func text(_ answer: PreviewRoom.Answer) -> String {
        switch answer {
        case .response(let status, let json): "[\(status),\(json)]"
        case .failure: "[0]"
        case .never: "[-1]"
        }
    }

    /// The page where nothing runs. It does not load itself again: there is nothing to load.
    private func withoutScript(_ page: String) -> String {
        var text = page
        while let start = text.firstRange(of: "<script"),
            let end = text[start.upperBound...].firstRange(of: "</script>")
        {
            text.removeSubrange(start.lowerBound..<end.upperBound)
        }
        // A browser with scripts shows the preview, and would hide what the page has for browsers without.
        text = text.replacing("<noscript>", with: "").replacing("</noscript>", with: "")
        if let start = text.firstRange(of: "<meta http-equiv=\"refresh\""),
            let end = text[start.upperBound...].firstIndex(of: ">")
        {
            text.removeSubrange(start.lowerBound...end)
        }
        return text
    }

    private func replacing(_ part: String, in text: String, by other: String) -> String {
        guard let range = text.firstRange(of: part) else { return text }
        return text[..<range.lowerBound] + other + text[range.upperBound...]
    }

    private func index(_ states: [PreviewState], _ languages: [Language]) -> String {
        let rows = states.map { state in
            let links = languages.map {
                #"<a href="\#(PreviewFiles.name(state, $0))" lang="\#($0.sentences.tag)">\#($0.sentences.name)</a>"#
            }
            return "<tr><th scope=\"row\">\(state.name)<br><small>\(state.about)</small></th>"
                + "<td>\(links.joined(separator: " "))</td></tr>"
        }
        return """
            <!doctype html>
            <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Waiting page of room \(room)</title>
            <style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui;margin:1rem}
            th{text-align:start;padding:.5rem}
            td a{margin-inline-end:.5rem}</style>
            <h1>Waiting page of room \(room)</h1>
            <table>\(rows.joined(separator: "\n"))</table>
            </html>

            """
    }
}
