// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Spanish.

internal import Admission

enum SpanishSentences: Sentences {
    static var tag: String { "es" }
    static var name: String { "Español" }

    static var paused: StaticString { "La cola está en pausa. Su lugar se conserva." }
    static var late: StaticString {
        "Ha perdido su turno dos veces. Sigue esperando, detrás de quienes están aquí ahora."
    }
    static var ready: StaticString { "Es su turno." }
    static var admitted: StaticString { "Ya puede entrar." }
    static var left: StaticString { "Ha salido de la cola." }
    static var expired: StaticString { "Su lugar ha caducado. Vuelva a unirse." }
    static var opening: StaticString { "Todavía no se ha abierto. Conserva su lugar." }
    static var registered: StaticString {
        "Ha llegado a tiempo. Los lugares se sortean al abrir: el orden de llegada no importa."
    }
    static var drawing: StaticString { "Se están sorteando los lugares." }
    static var ended: StaticString { "La sala de espera ha terminado." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Unos ", " (fiabilidad: ", ")")
    }
    static var hours: StaticString { " h" }
    static var minutes: StaticString { " min" }
    static var seconds: StaticString { " s" }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " segundo" : " segundos" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "alta"
        case .good: "buena"
        case .fair: "media"
        case .low: "baja"
        }
    }

    static var refused: String {
        "Ya puede entrar, pero este sitio ha rechazado su pase dos veces. Inténtelo de nuevo en unos "
            + "minutos o avise al sitio. Motivo:"
    }
    static var title: String { "Sala de espera" }
    static var queued: String { "Está en la cola" }
    static var explanation: String {
        "Hay muchas personas en este momento. Mantenga abierta esta página: entrará automáticamente."
    }
    static var positionLabel: String { "Su posición" }
    static var waitLabel: String { "Espera estimada" }
    static var progressLabel: String { "Progreso" }
    static var about: String { "unos {}" }
    static var lessThan: String { "menos de {}" }
    static var kept: String { "Si cierra esta página, su lugar se conserva durante {}." }
    static var returned: String { "Personas que estaban delante han vuelto a sus lugares." }
    static var enter: String { "Entrar ahora" }
    static var leave: String { "Salir de la cola" }
    static var leaveQuestion: String { "¿Salir de la cola? Perderá su lugar." }
    static var stay: String { "Quedarme" }
    static var rejoin: String { "Volver a unirse" }
    static var notify: String { "Avisarme cuando sea mi turno" }
    static var rings: String { "Le avisaremos cuando sea su turno." }
    static var languageLabel: String { "Idioma" }
    static var updated: String { "Actualizado" }
    static var degraded: String { "La posición puede estar algo desactualizada. Su lugar se conserva." }
    static var trouble: String { "Problemas de conexión. Su lugar se conserva; se vuelve a intentar…" }
    static var unreachable: String { "No se puede acceder a la cola en este momento. Se vuelve a intentar…" }
    static var closed: String {
        "La sala de espera está cerrada en este momento. Esta página lo vuelve a intentar sola."
    }
    static var full: String { "La cola está llena en este momento. Esta página lo vuelve a intentar sola." }
    static var limited: String {
        "Muchas personas acceden ahora desde su red. Esta página vuelve a intentarlo sola."
    }
    static var preparing: String { "Preparando su lugar…" }
    static var cookies: String { "Permita las cookies de este sitio y vuelva a unirse: su lugar se guarda en una." }
    static var tokenMissing: String {
        "Hay un lugar por persona: inicie sesión en este sitio y vuelva a abrir esta página."
    }
    static var tokenInvalid: String {
        "Su sesión ya no es válida: inicie sesión de nuevo en este sitio y vuelva a abrir esta página."
    }

    static var loadAgain: String { "Cargar ahora" }
    static var allowCookies: String { "Permita las cookies de este sitio: su lugar se guarda en una." }
    static func needsScript(_ seconds: Int) -> String {
        "Hay tanta afluencia que esta sala necesita JavaScript en este momento. Actívelo. Esta página "
            + "lo vuelve a intentar en \(seconds) s."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript está desactivado: esta página se recarga en \(seconds) s."
    }
    static var keptMeanwhile: String { "Su lugar se conserva mientras tanto." }

    static var formKept: String {
        "Lo que envió se guarda en esta página y se vuelve a enviar en cuanto entre. Mantenga abierta esta página."
    }
    static var formFrom: String { "{} le ha traído aquí con un formulario. ¿Quiere enviarlo a este sitio?" }
    static var formOtherSite: String { "Otro sitio" }
    static var formSend: String { "Enviarlo" }
    static var formPlain: String {
        "JavaScript está desactivado: pulse el botón para ver si es su turno. Lo que envió va incluido."
    }
    static var formLook: String { "Ver si es mi turno" }
    static var formLost: String {
        "Lo que envió no se puede guardar mientras espera: contiene un archivo o es demasiado grande. Cuando "
            + "haya entrado, vuelva atrás y envíelo de nuevo."
    }
    static var formBack: String { "Ya está dentro. Vuelva atrás y envíelo de nuevo." }
    static var formCopied: String { "Copiado." }
    static var formText: String { "Lo que envió" }
    static var formCopy: String { "Copiar lo que envió" }
    static var formGoBack: String { "Volver atrás" }
    static var opensIn: String { "Se abre en {}." }
    static var enterIn: String { "Entre antes de {}." }
    static var drawn: String { "Su lugar se decidió por sorteo." }
    static var drawRecord: String { "El acta del sorteo" }
}
