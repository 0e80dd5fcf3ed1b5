// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in French.

internal import Admission

enum FrenchSentences: Sentences {
    static var tag: String { "fr" }
    static var name: String { "Français" }

    static var paused: StaticString { "La file est en pause. Votre place est conservée." }
    static var late: StaticString {
        "Vous avez manqué votre tour deux fois. Vous attendez toujours, derrière les personnes présentes."
    }
    static var ready: StaticString { "C’est votre tour." }
    static var admitted: StaticString { "Vous pouvez entrer." }
    static var left: StaticString { "Vous avez quitté la file." }
    static var expired: StaticString { "Votre place a expiré. Veuillez rejoindre la file à nouveau." }
    static var opening: StaticString { "L’ouverture n’a pas encore eu lieu. Votre place est conservée." }
    static var registered: StaticString {
        "Vous êtes là à temps. Les places sont tirées au sort à l’ouverture : l’ordre d’arrivée ne compte pas."
    }
    static var drawing: StaticString { "Le tirage au sort des places est en cours." }
    static var ended: StaticString { "La salle d’attente est terminée." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Environ ", " (fiabilité : ", ")")
    }
    static var hours: StaticString { " h" }
    static var minutes: StaticString { " min" }
    static var seconds: StaticString { " s" }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " seconde" : " secondes" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "élevée"
        case .good: "bonne"
        case .fair: "moyenne"
        case .low: "faible"
        }
    }

    static var refused: String {
        "Vous pouvez entrer, mais ce site a refusé votre laissez-passer deux fois. Réessayez dans "
            + "quelques minutes ou prévenez le site. Raison :"
    }
    static var title: String { "Salle d’attente" }
    static var queued: String { "Vous êtes dans la file" }
    static var explanation: String {
        "Beaucoup de monde en ce moment. Gardez cette page ouverte : vous entrerez automatiquement."
    }
    static var positionLabel: String { "Votre position" }
    static var waitLabel: String { "Attente estimée" }
    static var progressLabel: String { "Progression" }
    static var about: String { "environ {}" }
    static var lessThan: String { "moins de {}" }
    static var kept: String { "Si vous fermez cette page, votre place est conservée pendant {}." }
    static var returned: String { "Des personnes devant vous ont repris leur place." }
    static var enter: String { "Entrer maintenant" }
    static var leave: String { "Quitter la file" }
    static var leaveQuestion: String { "Quitter la file ? Vous perdrez votre place." }
    static var stay: String { "Rester" }
    static var rejoin: String { "Rejoindre à nouveau" }
    static var notify: String { "M’avertir quand ce sera mon tour" }
    static var rings: String { "Vous serez averti quand ce sera votre tour." }
    static var languageLabel: String { "Langue" }
    static var updated: String { "Mis à jour" }
    static var degraded: String { "La position peut dater un peu. Votre place est conservée." }
    static var trouble: String { "Problème de connexion. Votre place est conservée, nouvel essai…" }
    static var unreachable: String { "La file est injoignable pour le moment. Nouvel essai…" }
    static var closed: String { "La salle d’attente est fermée pour le moment. Cette page réessaie d’elle-même." }
    static var full: String { "La file est pleine pour le moment. Cette page réessaie d’elle-même." }
    static var limited: String {
        "De nombreuses personnes arrivent de votre réseau. Cette page réessaie toute seule."
    }
    static var preparing: String { "Préparation de votre place…" }
    static var cookies: String {
        "Veuillez autoriser les cookies de ce site, puis rejoindre à nouveau : votre place y est conservée."
    }
    static var tokenMissing: String {
        "Une place par personne : connectez-vous sur ce site, puis rouvrez cette page."
    }
    static var tokenInvalid: String {
        "Votre connexion n’est plus valable : reconnectez-vous sur ce site, puis rouvrez cette page."
    }

    static var loadAgain: String { "Charger maintenant" }
    static var allowCookies: String { "Veuillez autoriser les cookies de ce site : votre place y est conservée." }
    static func needsScript(_ seconds: Int) -> String {
        "L’affluence est telle que cette salle nécessite JavaScript en ce moment. Veuillez l’activer. "
            + "Cette page réessaie dans \(seconds) s."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript est désactivé : cette page se recharge dans \(seconds) s."
    }
    static var keptMeanwhile: String { "Votre place est conservée pendant ce temps." }

    static var formKept: String {
        "Ce que vous avez envoyé est conservé dans cette page et sera renvoyé dès votre entrée. Gardez cette "
            + "page ouverte."
    }
    static var formFrom: String { "{} vous a envoyé ici avec un formulaire. Voulez-vous le transmettre à ce site ?" }
    static var formOtherSite: String { "Un autre site" }
    static var formSend: String { "Le transmettre" }
    static var formPlain: String {
        "JavaScript est désactivé : appuyez sur le bouton pour voir si c’est votre tour. Ce que vous avez "
            + "envoyé est joint."
    }
    static var formLook: String { "Voir si c’est mon tour" }
    static var formLost: String {
        "Ce que vous avez envoyé ne peut pas être conservé pendant l’attente : il contient un fichier ou est "
            + "trop volumineux. Une fois entré, revenez en arrière et renvoyez-le."
    }
    static var formBack: String { "Vous êtes entré. Revenez en arrière et renvoyez-le." }
    static var formCopied: String { "Copié." }
    static var formText: String { "Ce que vous avez envoyé" }
    static var formCopy: String { "Copier ce que vous avez envoyé" }
    static var formGoBack: String { "Revenir en arrière" }
    static var opensIn: String { "Ouverture dans {}." }
    static var enterIn: String { "Veuillez entrer dans un délai de {}." }
    static var drawn: String { "Votre place a été tirée au sort." }
    static var drawRecord: String { "Le procès-verbal du tirage" }
}
