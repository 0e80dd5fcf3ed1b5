// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Chinese in traditional characters.

internal import Admission

enum TraditionalChineseSentences: Sentences {
    static var tag: String { "zh-Hant" }
    static var name: String { "繁體中文" }

    static var paused: StaticString { "排隊已暫停。您的位置會保留。" }
    static var late: StaticString { "您已兩次錯過入場機會。您仍在排隊，位於目前所有等候者之後。" }
    static var ready: StaticString { "輪到您了。" }
    static var admitted: StaticString { "您可以進入了。" }
    static var left: StaticString { "您已離開隊列。" }
    static var expired: StaticString { "您的位置已過期。請重新排隊。" }
    static var opening: StaticString { "尚未開放。您的位置會保留。" }
    static var registered: StaticString { "您已準時到達。開放時將抽籤決定順序，與到達先後無關。" }
    static var drawing: StaticString { "正在抽籤決定順序。" }
    static var ended: StaticString { "等候室已結束。" }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("約 ", "（可信度：", "）")
    }
    static var hours: StaticString { " 小時" }
    static var minutes: StaticString { " 分鐘" }
    static var seconds: StaticString { " 秒" }
    static func secondsAlone(_: Int) -> StaticString { " 秒" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "高"
        case .good: "較高"
        case .fair: "普通"
        case .low: "低"
        }
    }

    static var refused: String { "您已獲准進入，但此網站兩次拒絕了您的通行證。請幾分鐘後重試，或告知網站。原因：" }
    static var title: String { "等候室" }
    static var queued: String { "您正在排隊" }
    static var explanation: String { "目前訪問人數眾多。請保持此頁面開啟，輪到您時會自動進入。" }
    static var positionLabel: String { "您的位置" }
    static var waitLabel: String { "預計等候時間" }
    static var progressLabel: String { "進度" }
    static var about: String { "約 {}" }
    static var lessThan: String { "少於 {}" }
    static var kept: String { "若您關閉此頁面，您的位置將保留 {}。" }
    static var returned: String { "排在您前面的人回到了他們的位置。" }
    static var enter: String { "立即進入" }
    static var leave: String { "離開隊列" }
    static var leaveQuestion: String { "要離開隊列嗎？您將失去目前的位置。" }
    static var stay: String { "繼續等候" }
    static var rejoin: String { "重新排隊" }
    static var notify: String { "輪到我時通知我" }
    static var rings: String { "輪到您時會通知您。" }
    static var languageLabel: String { "語言" }
    static var updated: String { "更新於" }
    static var degraded: String { "顯示的位置可能稍有延遲。您的位置會保留。" }
    static var trouble: String { "連線出現問題。您的位置會保留，正在重試…" }
    static var unreachable: String { "暫時無法連線到隊列。正在重試…" }
    static var closed: String { "等候室目前已關閉。此頁面會自動重試。" }
    static var full: String { "隊列目前已滿。此頁面會自動重試。" }
    static var limited: String { "您所在網路的訪問人數較多。此頁面會自動重試。" }
    static var preparing: String { "正在準備您的位置…" }
    static var cookies: String { "請允許此網站使用 Cookie，然後重新排隊：您的位置儲存在 Cookie 中。" }
    static var tokenMissing: String { "每人一個位置：請先在此網站登入，然後重新開啟此頁面。" }
    static var tokenInvalid: String { "您的登入已失效：請在此網站重新登入，然後重新開啟此頁面。" }

    static var loadAgain: String { "立即載入" }
    static var allowCookies: String { "請允許此網站使用 Cookie：您的位置儲存在 Cookie 中。" }
    static func needsScript(_ seconds: Int) -> String { "目前訪問量很大，此等候室需要 JavaScript。請啟用它。此頁面將在 \(seconds) 秒後重試。" }
    static func loadsAgain(_ seconds: Int) -> String { "JavaScript 已關閉：此頁面將在 \(seconds) 秒後重新載入。" }
    static var keptMeanwhile: String { "在此期間您的位置會保留。" }

    static var formKept: String { "您送出的內容保存在此頁面中，入場後會自動重新送出。請勿關閉此頁面。" }
    static var formFrom: String { "{} 帶著一份表單將您送到這裡。要送給本網站嗎？" }
    static var formOtherSite: String { "另一個網站" }
    static var formSend: String { "送出" }
    static var formPlain: String { "JavaScript 已關閉：請按按鈕查看是否輪到您。您送出的內容會一併傳送。" }
    static var formLook: String { "查看是否輪到我" }
    static var formLost: String { "您送出的內容包含檔案或過大，等候期間無法保存。入場後請返回並重新送出。" }
    static var formBack: String { "您已入場。請返回並重新送出。" }
    static var formCopied: String { "已複製。" }
    static var formText: String { "您送出的內容" }
    static var formCopy: String { "複製您送出的內容" }
    static var formGoBack: String { "返回" }
    static var opensIn: String { "{}後開始。" }
    static var enterIn: String { "請在{}內入場。" }
    static var drawn: String { "您的位置由抽籤決定。" }
    static var drawRecord: String { "抽籤記錄" }
}
