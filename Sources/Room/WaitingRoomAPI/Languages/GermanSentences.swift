// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in German.

internal import Admission

enum GermanSentences: Sentences {
    static var tag: String { "de" }
    static var name: String { "Deutsch" }

    static var paused: StaticString { "Die Warteschlange ist angehalten. Ihr Platz bleibt erhalten." }
    static var late: StaticString {
        "Sie waren zweimal an der Reihe und nicht da. Sie warten weiter, hinter allen, die jetzt hier sind."
    }
    static var ready: StaticString { "Sie sind an der Reihe." }
    static var admitted: StaticString { "Sie sind drin." }
    static var left: StaticString { "Sie haben die Warteschlange verlassen." }
    static var expired: StaticString { "Ihr Platz ist abgelaufen. Bitte stellen Sie sich neu an." }
    static var opening: StaticString { "Der Einlass hat noch nicht begonnen. Ihr Platz bleibt erhalten." }
    static var registered: StaticString {
        "Sie sind rechtzeitig da. Die Plätze werden zum Einlass verlost: Wer zuerst kam, spielt keine Rolle."
    }
    static var drawing: StaticString { "Die Plätze werden gerade verlost." }
    static var ended: StaticString { "Der Warteraum ist beendet." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Etwa ", " (Verlässlichkeit: ", ")")
    }
    static var hours: StaticString { " Std." }
    static var minutes: StaticString { " Min." }
    static var seconds: StaticString { " Sek." }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " Sekunde" : " Sekunden" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "hoch"
        case .good: "gut"
        case .fair: "mittel"
        case .low: "gering"
        }
    }

    static var refused: String {
        "Sie sind an der Reihe, aber diese Website hat Ihre Zulassung zweimal abgelehnt. Versuchen Sie "
            + "es in einigen Minuten erneut oder melden Sie es der Website. Grund:"
    }
    static var title: String { "Warteraum" }
    static var queued: String { "Sie sind in der Warteschlange" }
    static var explanation: String {
        "Gerade sind sehr viele Menschen hier. Lassen Sie diese Seite offen: Sie werden automatisch eingelassen."
    }
    static var positionLabel: String { "Ihre Position" }
    static var waitLabel: String { "Geschätzte Wartezeit" }
    static var progressLabel: String { "Fortschritt" }
    static var about: String { "etwa {}" }
    static var lessThan: String { "weniger als {}" }
    static var kept: String { "Wenn Sie diese Seite schließen, bleibt Ihr Platz noch so lange erhalten: {}." }
    static var returned: String { "Menschen vor Ihnen sind auf ihre Plätze zurückgekehrt." }
    static var enter: String { "Jetzt eintreten" }
    static var leave: String { "Warteschlange verlassen" }
    static var leaveQuestion: String { "Warteschlange verlassen? Ihr Platz geht verloren." }
    static var stay: String { "Bleiben" }
    static var rejoin: String { "Neu anstellen" }
    static var notify: String { "Benachrichtigen, wenn ich dran bin" }
    static var rings: String { "Sie werden benachrichtigt, wenn Sie an der Reihe sind." }
    static var languageLabel: String { "Sprache" }
    static var updated: String { "Aktualisiert" }
    static var degraded: String { "Die Position ist vielleicht nicht ganz aktuell. Ihr Platz bleibt erhalten." }
    static var trouble: String { "Verbindungsprobleme. Ihr Platz bleibt erhalten, neuer Versuch…" }
    static var unreachable: String { "Die Warteschlange ist gerade nicht erreichbar. Neuer Versuch…" }
    static var closed: String { "Der Warteraum ist zurzeit geschlossen. Diese Seite versucht es von selbst wieder." }
    static var full: String { "Die Warteschlange ist gerade voll. Diese Seite versucht es von selbst wieder." }
    static var limited: String {
        "Gerade kommen viele Menschen aus Ihrem Netz. Diese Seite versucht es von selbst erneut."
    }
    static var preparing: String { "Ihr Platz wird vorbereitet…" }
    static var cookies: String {
        "Bitte erlauben Sie Cookies für diese Website und stellen Sie sich neu an: Ihr Platz steht in einem Cookie."
    }
    static var tokenMissing: String {
        "Hier gibt es einen Platz je Person: Melden Sie sich auf dieser Website an und öffnen Sie diese Seite erneut."
    }
    static var tokenInvalid: String {
        "Ihre Anmeldung gilt hier nicht mehr: Melden Sie sich erneut an und öffnen Sie diese Seite noch einmal."
    }

    static var loadAgain: String { "Jetzt laden" }
    static var allowCookies: String {
        "Bitte erlauben Sie Cookies für diese Website: Ihr Platz steht in einem Cookie."
    }
    static func needsScript(_ seconds: Int) -> String {
        "Der Andrang ist so groß, dass dieser Raum gerade JavaScript braucht. Bitte schalten Sie es "
            + "ein. Diese Seite versucht es in \(seconds) s wieder."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript ist aus: Diese Seite lädt sich in \(seconds) s neu."
    }
    static var keptMeanwhile: String { "Ihr Platz bleibt so lange erhalten." }

    static var formKept: String {
        "Was Sie gesendet haben, bleibt in dieser Seite und wird erneut gesendet, sobald Sie eingelassen sind. "
            + "Lassen Sie diese Seite geöffnet."
    }
    static var formFrom: String {
        "{} hat Sie mit einem Formular hierher geschickt. Möchten Sie es an diese Website senden?"
    }
    static var formOtherSite: String { "Eine andere Website" }
    static var formSend: String { "Senden" }
    static var formPlain: String {
        "JavaScript ist aus: Drücken Sie die Taste, um zu sehen, ob Sie an der Reihe sind. Was Sie gesendet "
            + "haben, geht mit."
    }
    static var formLook: String { "Nachsehen, ob ich an der Reihe bin" }
    static var formLost: String {
        "Was Sie gesendet haben, kann beim Warten nicht aufbewahrt werden: Es enthält eine Datei oder ist zu "
            + "groß. Gehen Sie nach dem Einlass zurück und senden Sie es noch einmal."
    }
    static var formBack: String { "Sie sind eingelassen. Gehen Sie zurück und senden Sie es noch einmal." }
    static var formCopied: String { "Kopiert." }
    static var formText: String { "Was Sie gesendet haben" }
    static var formCopy: String { "Kopieren, was Sie gesendet haben" }
    static var formGoBack: String { "Zurück" }
    static var opensIn: String { "Einlass in {}." }
    static var enterIn: String { "Bitte treten Sie innerhalb von {} ein." }
    static var drawn: String { "Ihr Platz wurde ausgelost." }
    static var drawRecord: String { "Das Protokoll der Verlosung" }
}
