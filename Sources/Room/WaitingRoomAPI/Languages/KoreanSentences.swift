// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Korean.

internal import Admission

enum KoreanSentences: Sentences {
    static var tag: String { "ko" }
    static var name: String { "한국어" }

    static var paused: StaticString { "잠시 멈췄습니다. 순서는 그대로 유지됩니다." }
    static var late: StaticString { "두 번의 입장 차례를 놓쳤습니다. 지금 기다리는 다른 분들 다음 순서로 계속 대기합니다." }
    static var ready: StaticString { "입장하실 차례입니다." }
    static var admitted: StaticString { "입장이 허용되었습니다." }
    static var left: StaticString { "대기열에서 나갔습니다." }
    static var expired: StaticString { "대기 순서가 만료되었습니다. 다시 참여해 주세요." }
    static var opening: StaticString { "아직 시작 전입니다. 자리는 유지됩니다." }
    static var registered: StaticString { "제시간에 오셨습니다. 시작 시각에 추첨으로 순서를 정하며, 먼저 온 순서는 상관없습니다." }
    static var drawing: StaticString { "순서를 추첨하고 있습니다." }
    static var ended: StaticString { "대기실이 종료되었습니다." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("약 ", " 예상 (신뢰도: ", ")")
    }
    static var hours: StaticString { "시간" }
    static var minutes: StaticString { "분" }
    static var seconds: StaticString { "초" }
    static func secondsAlone(_: Int) -> StaticString { "초" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "높음"
        case .good: "다소 높음"
        case .fair: "보통"
        case .low: "낮음"
        }
    }

    static var refused: String { "입장이 허가되었지만 사이트가 입장권을 두 번 거부했습니다. 몇 분 후 다시 시도하거나 사이트에 알려 주세요. 사유:" }
    static var title: String { "대기실" }
    static var queued: String { "대기 중입니다" }
    static var explanation: String { "지금 접속자가 많습니다. 이 페이지를 열어 두시면 차례가 되었을 때 자동으로 이동합니다." }
    static var positionLabel: String { "내 순서" }
    static var waitLabel: String { "예상 대기 시간" }
    static var progressLabel: String { "진행 상황" }
    static var about: String { "약 {}" }
    static var lessThan: String { "{} 미만" }
    static var kept: String { "이 페이지를 닫아도 {} 동안 순서가 유지됩니다." }
    static var returned: String { "앞에 계시던 분들이 자리로 돌아왔습니다." }
    static var enter: String { "지금 입장하기" }
    static var leave: String { "대기열에서 나가기" }
    static var leaveQuestion: String { "대기열에서 나가시겠습니까? 순서를 잃게 됩니다." }
    static var stay: String { "계속 기다리기" }
    static var rejoin: String { "다시 참여하기" }
    static var notify: String { "차례가 되면 알림 받기" }
    static var rings: String { "차례가 되면 알려 드립니다." }
    static var languageLabel: String { "언어" }
    static var updated: String { "업데이트" }
    static var degraded: String { "순서가 조금 늦게 표시될 수 있습니다. 순서는 유지됩니다." }
    static var trouble: String { "연결이 원활하지 않습니다. 순서는 유지되며 다시 시도합니다…" }
    static var unreachable: String { "대기열에 연결할 수 없습니다. 다시 시도합니다…" }
    static var closed: String { "지금은 대기실이 닫혀 있습니다. 자동으로 다시 시도합니다." }
    static var full: String { "지금은 대기열이 가득 찼습니다. 자동으로 다시 시도합니다." }
    static var limited: String { "접속하신 네트워크에서 요청이 많습니다. 이 페이지가 자동으로 다시 시도합니다." }
    static var preparing: String { "순서를 준비하고 있습니다…" }
    static var cookies: String { "이 사이트의 쿠키를 허용한 뒤 다시 참여해 주세요. 순서는 쿠키에 보관됩니다." }
    static var tokenMissing: String { "한 사람당 한 자리입니다. 이 사이트에 로그인한 뒤 이 페이지를 다시 열어 주세요." }
    static var tokenInvalid: String { "로그인 확인이 만료되었습니다. 이 사이트에 다시 로그인한 뒤 이 페이지를 다시 열어 주세요." }

    static var loadAgain: String { "다시 불러오기" }
    static var allowCookies: String { "이 사이트의 쿠키를 허용해 주세요. 순서는 쿠키에 보관됩니다." }
    static func needsScript(_ seconds: Int) -> String {
        "지금은 접속이 몰려 이 대기실에 자바스크립트가 필요합니다. 자바스크립트를 켜 주세요. 이 페이지는 \(seconds)초 후 다시 시도합니다."
    }
    static func loadsAgain(_ seconds: Int) -> String { "자바스크립트가 꺼져 있어 이 페이지를 \(seconds)초 후 다시 불러옵니다." }
    static var keptMeanwhile: String { "그동안 순서가 유지됩니다." }

    static var formKept: String { "보내신 내용은 이 페이지에 보관되며, 입장하시면 자동으로 다시 전송됩니다. 이 페이지를 닫지 마세요." }
    static var formFrom: String { "{}에서 양식과 함께 이곳으로 보냈습니다. 이 사이트로 전송하시겠습니까?" }
    static var formOtherSite: String { "다른 사이트" }
    static var formSend: String { "전송하기" }
    static var formPlain: String { "JavaScript가 꺼져 있습니다. 버튼을 누르면 차례인지 확인합니다. 보내신 내용도 함께 전송됩니다." }
    static var formLook: String { "내 차례인지 확인하기" }
    static var formLost: String { "보내신 내용은 파일이 있거나 너무 커서 기다리시는 동안 보관할 수 없습니다. 입장하신 뒤 뒤로 가서 다시 보내 주세요." }
    static var formBack: String { "입장하셨습니다. 뒤로 가서 다시 보내 주세요." }
    static var formCopied: String { "복사했습니다." }
    static var formText: String { "보내신 내용" }
    static var formCopy: String { "보내신 내용 복사하기" }
    static var formGoBack: String { "뒤로 가기" }
    static var opensIn: String { "{} 후에 시작합니다." }
    static var enterIn: String { "{} 안에 입장해 주세요." }
    static var drawn: String { "추첨으로 순서가 정해졌습니다." }
    static var drawRecord: String { "추첨 기록" }
}
