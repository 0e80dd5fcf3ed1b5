// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Portuguese.

internal import Admission

enum PortugueseSentences: Sentences {
    static var tag: String { "pt" }
    static var name: String { "Português" }

    static var paused: StaticString { "A fila está em pausa. O seu lugar está guardado." }
    static var late: StaticString {
        "Você perdeu a sua vez duas vezes. Continua à espera, atrás de quem está aqui agora."
    }
    static var ready: StaticString { "É a sua vez." }
    static var admitted: StaticString { "Já pode entrar." }
    static var left: StaticString { "Você saiu da fila." }
    static var expired: StaticString { "O seu lugar expirou. Entre na fila novamente." }
    static var opening: StaticString { "A abertura ainda não começou. O seu lugar está guardado." }
    static var registered: StaticString {
        "Chegou a tempo. Os lugares são sorteados na abertura: a ordem de chegada não importa."
    }
    static var drawing: StaticString { "Os lugares estão a ser sorteados." }
    static var ended: StaticString { "A sala de espera terminou." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Cerca de ", " (confiança: ", ")")
    }
    static var hours: StaticString { " h" }
    static var minutes: StaticString { " min" }
    static var seconds: StaticString { " s" }
    static func secondsAlone(_ count: Int) -> StaticString { count == 1 ? " segundo" : " segundos" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "alta"
        case .good: "boa"
        case .fair: "média"
        case .low: "baixa"
        }
    }

    static var refused: String {
        "Já pode entrar, mas este site recusou o seu passe duas vezes. Tente novamente dentro de alguns "
            + "minutos ou avise o site. Motivo:"
    }
    static var title: String { "Sala de espera" }
    static var queued: String { "Você está na fila" }
    static var explanation: String {
        "Há muitas pessoas neste momento. Mantenha esta página aberta: a entrada é automática."
    }
    static var positionLabel: String { "Sua posição" }
    static var waitLabel: String { "Espera estimada" }
    static var progressLabel: String { "Progresso" }
    static var about: String { "cerca de {}" }
    static var lessThan: String { "menos de {}" }
    static var kept: String { "Se fechar esta página, o seu lugar fica guardado durante {}." }
    static var returned: String { "Pessoas à sua frente voltaram aos seus lugares." }
    static var enter: String { "Entrar agora" }
    static var leave: String { "Sair da fila" }
    static var leaveQuestion: String { "Sair da fila? Você perderá o seu lugar." }
    static var stay: String { "Ficar" }
    static var rejoin: String { "Entrar na fila novamente" }
    static var notify: String { "Avisar quando for a minha vez" }
    static var rings: String { "Você será avisado quando for a sua vez." }
    static var languageLabel: String { "Idioma" }
    static var updated: String { "Atualizado" }
    static var degraded: String { "A posição pode estar um pouco desatualizada. O seu lugar está guardado." }
    static var trouble: String { "Problemas de conexão. O seu lugar está guardado; tentando novamente…" }
    static var unreachable: String { "Não é possível acessar a fila neste momento. Tentando novamente…" }
    static var closed: String { "A sala de espera está fechada neste momento. Esta página tenta novamente sozinha." }
    static var full: String { "A fila está cheia neste momento. Esta página tenta novamente sozinha." }
    static var limited: String {
        "Muitas pessoas estão a aceder a partir da sua rede. Esta página tenta novamente sozinha."
    }
    static var preparing: String { "Preparando o seu lugar…" }
    static var cookies: String {
        "Permita os cookies deste site e entre na fila novamente: o seu lugar fica guardado num deles."
    }
    static var tokenMissing: String {
        "Há um lugar por pessoa: inicie sessão neste site e abra esta página novamente."
    }
    static var tokenInvalid: String {
        "A sua sessão já não é válida: inicie sessão novamente neste site e abra esta página outra vez."
    }

    static var loadAgain: String { "Carregar agora" }
    static var allowCookies: String { "Permita os cookies deste site: o seu lugar fica guardado num deles." }
    static func needsScript(_ seconds: Int) -> String {
        "Há tanta procura que esta sala precisa de JavaScript neste momento. Ative-o. Esta página tenta "
            + "novamente em \(seconds) s."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "O JavaScript está desativado: esta página recarrega em \(seconds) s."
    }
    static var keptMeanwhile: String { "O seu lugar fica guardado enquanto isso." }

    static var formKept: String {
        "O que enviou fica guardado nesta página e é enviado de novo assim que entrar. Mantenha esta página aberta."
    }
    static var formFrom: String { "{} trouxe você aqui com um formulário. Quer enviá-lo a este site?" }
    static var formOtherSite: String { "Outro site" }
    static var formSend: String { "Enviar" }
    static var formPlain: String {
        "O JavaScript está desativado: prima o botão para ver se é a sua vez. O que enviou segue junto."
    }
    static var formLook: String { "Ver se é a minha vez" }
    static var formLost: String {
        "O que enviou não pode ser guardado enquanto espera: contém um ficheiro ou é grande demais. Depois de "
            + "entrar, volte atrás e envie de novo."
    }
    static var formBack: String { "Já entrou. Volte atrás e envie de novo." }
    static var formCopied: String { "Copiado." }
    static var formText: String { "O que enviou" }
    static var formCopy: String { "Copiar o que enviou" }
    static var formGoBack: String { "Voltar atrás" }
    static var opensIn: String { "Abre em {}." }
    static var enterIn: String { "Entre dentro de {}." }
    static var drawn: String { "O seu lugar foi sorteado." }
    static var drawRecord: String { "O registo do sorteio" }
}
