// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Italian.

internal import Admission

enum ItalianSentences: Sentences {
    static var tag: String { "it" }
    static var name: String { "Italiano" }

    static var paused: StaticString { "La coda è in pausa. Il suo posto è conservato." }
    static var late: StaticString { "Ha perso il turno due volte. È ancora in attesa, dietro a chi è qui adesso." }
    static var ready: StaticString { "È il suo turno." }
    static var admitted: StaticString { "Può entrare." }
    static var left: StaticString { "Ha lasciato la coda." }
    static var expired: StaticString { "Il suo posto è scaduto. Si metta di nuovo in coda." }
    static var opening: StaticString { "L’apertura non è ancora iniziata. Il suo posto è conservato." }
    static var registered: StaticString {
        "È arrivato in tempo. I posti vengono sorteggiati all’apertura: l’ordine di arrivo non conta."
    }
    static var drawing: StaticString { "I posti sono in fase di sorteggio." }
    static var ended: StaticString { "La sala d’attesa è terminata." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Circa ", " (affidabilità: ", ")")
    }
    static var hours: StaticString { " h" }
    static var minutes: StaticString { " min" }
    static var seconds: StaticString { " s" }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " secondo" : " secondi" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "alta"
        case .good: "buona"
        case .fair: "media"
        case .low: "bassa"
        }
    }

    static var refused: String {
        "Può entrare, ma questo sito ha rifiutato due volte il suo lasciapassare. Riprovi tra qualche "
            + "minuto o avvisi il sito. Motivo:"
    }
    static var title: String { "Sala d’attesa" }
    static var queued: String { "È in coda" }
    static var explanation: String {
        "In questo momento ci sono molte persone. Tenga aperta questa pagina: entrerà automaticamente."
    }
    static var positionLabel: String { "La sua posizione" }
    static var waitLabel: String { "Attesa stimata" }
    static var progressLabel: String { "Avanzamento" }
    static var about: String { "circa {}" }
    static var lessThan: String { "meno di {}" }
    static var kept: String { "Se chiude questa pagina, il suo posto è conservato per {}." }
    static var returned: String { "Alcune persone davanti a lei sono tornate al loro posto." }
    static var enter: String { "Entra ora" }
    static var leave: String { "Lascia la coda" }
    static var leaveQuestion: String { "Lasciare la coda? Perderà il suo posto." }
    static var stay: String { "Rimani" }
    static var rejoin: String { "Torna in coda" }
    static var notify: String { "Avvisami quando è il mio turno" }
    static var rings: String { "Sarà avvisato quando sarà il suo turno." }
    static var languageLabel: String { "Lingua" }
    static var updated: String { "Aggiornato" }
    static var degraded: String { "La posizione potrebbe non essere aggiornata. Il suo posto è conservato." }
    static var trouble: String { "Problemi di connessione. Il suo posto è conservato, nuovo tentativo…" }
    static var unreachable: String { "La coda non è raggiungibile in questo momento. Nuovo tentativo…" }
    static var closed: String { "La sala d’attesa è chiusa al momento. Questa pagina riprova da sola." }
    static var full: String { "La coda è piena in questo momento. Questa pagina riprova da sola." }
    static var limited: String {
        "Molte persone arrivano dalla sua rete in questo momento. Questa pagina riprova da sola."
    }
    static var preparing: String { "Preparazione del suo posto…" }
    static var cookies: String {
        "Consenta i cookie per questo sito e si metta di nuovo in coda: il suo posto è conservato in uno di essi."
    }
    static var tokenMissing: String { "C’è un posto per persona: acceda a questo sito, poi riapra questa pagina." }
    static var tokenInvalid: String {
        "Il suo accesso non è più valido: acceda di nuovo a questo sito, poi riapra questa pagina."
    }

    static var loadAgain: String { "Carica ora" }
    static var allowCookies: String { "Consenta i cookie per questo sito: il suo posto è conservato in uno di essi." }
    static func needsScript(_ seconds: Int) -> String {
        "C’è così tanta affluenza che questa sala richiede JavaScript in questo momento. Lo attivi. "
            + "Questa pagina riprova tra \(seconds) s."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript è disattivato: questa pagina si ricarica tra \(seconds) s."
    }
    static var keptMeanwhile: String { "Nel frattempo il suo posto è conservato." }

    static var formKept: String {
        "Ciò che ha inviato è conservato in questa pagina e viene inviato di nuovo appena entra. Tenga aperta "
            + "questa pagina."
    }
    static var formFrom: String { "{} l’ha portata qui con un modulo. Vuole inviarlo a questo sito?" }
    static var formOtherSite: String { "Un altro sito" }
    static var formSend: String { "Invia" }
    static var formPlain: String {
        "JavaScript è disattivato: prema il pulsante per vedere se è il suo turno. Ciò che ha inviato viene incluso."
    }
    static var formLook: String { "Vedi se è il mio turno" }
    static var formLost: String {
        "Ciò che ha inviato non può essere conservato durante l’attesa: contiene un file o è troppo grande. "
            + "Una volta dentro, torni indietro e lo invii di nuovo."
    }
    static var formBack: String { "È dentro. Torni indietro e lo invii di nuovo." }
    static var formCopied: String { "Copiato." }
    static var formText: String { "Ciò che ha inviato" }
    static var formCopy: String { "Copia ciò che ha inviato" }
    static var formGoBack: String { "Torna indietro" }
    static var opensIn: String { "Si apre tra {}." }
    static var enterIn: String { "Entri entro {}." }
    static var drawn: String { "Il suo posto è stato sorteggiato." }
    static var drawRecord: String { "Il verbale del sorteggio" }
}
