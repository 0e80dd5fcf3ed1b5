// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Chinese in simplified characters.

internal import Admission

enum SimplifiedChineseSentences: Sentences {
    static var tag: String { "zh-Hans" }
    static var name: String { "简体中文" }

    static var paused: StaticString { "排队已暂停。您的位置会保留。" }
    static var late: StaticString { "您已两次错过入场机会。您仍在排队，位于目前所有等候者之后。" }
    static var ready: StaticString { "轮到您了。" }
    static var admitted: StaticString { "您可以进入了。" }
    static var left: StaticString { "您已离开队列。" }
    static var expired: StaticString { "您的位置已过期。请重新排队。" }
    static var opening: StaticString { "尚未开放。您的位置会保留。" }
    static var registered: StaticString { "您已按时到达。开放时将抽签决定顺序，与到达先后无关。" }
    static var drawing: StaticString { "正在抽签决定顺序。" }
    static var ended: StaticString { "等候室已结束。" }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("约 ", "（可信度：", "）")
    }
    static var hours: StaticString { " 小时" }
    static var minutes: StaticString { " 分钟" }
    static var seconds: StaticString { " 秒" }
    static func secondsAlone(_: Int) -> StaticString { " 秒" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "高"
        case .good: "较高"
        case .fair: "一般"
        case .low: "低"
        }
    }

    static var refused: String { "您已获准进入，但此网站两次拒绝了您的通行证。请几分钟后重试，或告知网站。原因：" }
    static var title: String { "等候室" }
    static var queued: String { "您正在排队" }
    static var explanation: String { "当前访问人数较多。请保持此页面打开，轮到您时会自动进入。" }
    static var positionLabel: String { "您的位置" }
    static var waitLabel: String { "预计等待时间" }
    static var progressLabel: String { "进度" }
    static var about: String { "约 {}" }
    static var lessThan: String { "少于 {}" }
    static var kept: String { "如果您关闭此页面，您的位置将保留 {}。" }
    static var returned: String { "排在您前面的人回到了他们的位置。" }
    static var enter: String { "立即进入" }
    static var leave: String { "离开队列" }
    static var leaveQuestion: String { "要离开队列吗？您将失去当前位置。" }
    static var stay: String { "继续等候" }
    static var rejoin: String { "重新排队" }
    static var notify: String { "轮到我时提醒我" }
    static var rings: String { "轮到您时会提醒您。" }
    static var languageLabel: String { "语言" }
    static var updated: String { "更新于" }
    static var degraded: String { "显示的位置可能稍有延迟。您的位置会保留。" }
    static var trouble: String { "连接出现问题。您的位置会保留，正在重试…" }
    static var unreachable: String { "暂时无法连接到队列。正在重试…" }
    static var closed: String { "等候室目前已关闭。此页面会自动重试。" }
    static var full: String { "队列目前已满。此页面会自动重试。" }
    static var limited: String { "您所在网络的访问人数较多。此页面会自动重试。" }
    static var preparing: String { "正在准备您的位置…" }
    static var cookies: String { "请允许此网站使用 Cookie，然后重新排队：您的位置保存在 Cookie 中。" }
    static var tokenMissing: String { "每人一个位置：请先在此网站登录，然后重新打开此页面。" }
    static var tokenInvalid: String { "您的登录已失效：请在此网站重新登录，然后重新打开此页面。" }

    static var loadAgain: String { "立即加载" }
    static var allowCookies: String { "请允许此网站使用 Cookie：您的位置保存在 Cookie 中。" }
    static func needsScript(_ seconds: Int) -> String { "当前访问量很大，此等候室需要 JavaScript。请启用它。此页面将在 \(seconds) 秒后重试。" }
    static func loadsAgain(_ seconds: Int) -> String { "JavaScript 已关闭：此页面将在 \(seconds) 秒后重新加载。" }
    static var keptMeanwhile: String { "在此期间您的位置会保留。" }

    static var formKept: String { "您提交的内容保存在此页面中，入场后会自动重新提交。请勿关闭此页面。" }
    static var formFrom: String { "{} 带着一份表单将您送到这里。要提交给本网站吗？" }
    static var formOtherSite: String { "另一个网站" }
    static var formSend: String { "提交" }
    static var formPlain: String { "JavaScript 已关闭：请按按钮查看是否轮到您。您提交的内容会一并发送。" }
    static var formLook: String { "查看是否轮到我" }
    static var formLost: String { "您提交的内容包含文件或过大，等候期间无法保存。入场后请返回并重新提交。" }
    static var formBack: String { "您已入场。请返回并重新提交。" }
    static var formCopied: String { "已复制。" }
    static var formText: String { "您提交的内容" }
    static var formCopy: String { "复制您提交的内容" }
    static var formGoBack: String { "返回" }
    static var opensIn: String { "{}后开始。" }
    static var enterIn: String { "请在{}内入场。" }
    static var drawn: String { "您的位置由抽签决定。" }
    static var drawRecord: String { "抽签记录" }
}
