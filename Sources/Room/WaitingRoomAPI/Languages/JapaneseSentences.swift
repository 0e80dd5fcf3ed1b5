// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Japanese.

internal import Admission

enum JapaneseSentences: Sentences {
    static var tag: String { "ja" }
    static var name: String { "日本語" }

    static var paused: StaticString { "受付を一時停止しています。順番はそのまま保持されます。" }
    static var late: StaticString { "順番を2回逃しました。今お待ちの方々の後ろで引き続きお待ちいただけます。" }
    static var ready: StaticString { "あなたの順番です。" }
    static var admitted: StaticString { "入場できます。" }
    static var left: StaticString { "待機列から退出しました。" }
    static var expired: StaticString { "順番の有効期限が切れました。もう一度お並びください。" }
    static var opening: StaticString { "まだ開始前です。順番は保持されます。" }
    static var registered: StaticString { "開始前にお越しいただきました。順番は開始時に抽選で決まり、先着順ではありません。" }
    static var drawing: StaticString { "順番を抽選しています。" }
    static var ended: StaticString { "待合室は終了しました。" }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("約", " （確度：", "）")
    }
    static var hours: StaticString { "時間" }
    static var minutes: StaticString { "分" }
    static var seconds: StaticString { "秒" }
    static func secondsAlone(_: Int) -> StaticString { "秒" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "高い"
        case .good: "やや高い"
        case .fair: "普通"
        case .low: "低い"
        }
    }

    static var refused: String { "入場は許可されましたが、このサイトが入場証を2回拒否しました。数分後にもう一度お試しいただくか、サイトにお知らせください。理由：" }
    static var title: String { "待合室" }
    static var queued: String { "順番をお待ちください" }
    static var explanation: String { "ただいま大変混み合っています。このページを開いたままお待ちください。順番になると自動的に入場します。" }
    static var positionLabel: String { "あなたの順番" }
    static var waitLabel: String { "予想待ち時間" }
    static var progressLabel: String { "進み具合" }
    static var about: String { "約{}" }
    static var lessThan: String { "{}未満" }
    static var kept: String { "このページを閉じても、順番は{}保持されます。" }
    static var returned: String { "前に並んでいた方が列に戻りました。" }
    static var enter: String { "今すぐ入場" }
    static var leave: String { "列から抜ける" }
    static var leaveQuestion: String { "列から抜けますか？順番は失われます。" }
    static var stay: String { "待ち続ける" }
    static var rejoin: String { "もう一度並ぶ" }
    static var notify: String { "順番が来たら知らせる" }
    static var rings: String { "順番が来たらお知らせします。" }
    static var languageLabel: String { "言語" }
    static var updated: String { "更新" }
    static var degraded: String { "表示されている順番は少し古い可能性があります。順番は保持されています。" }
    static var trouble: String { "接続が不安定です。順番は保持されています。再試行しています…" }
    static var unreachable: String { "現在、待機列に接続できません。再試行しています…" }
    static var closed: String { "ただいま待合室は閉じています。このページは自動的に再試行します。" }
    static var full: String { "ただいま待機列は満員です。このページは自動的に再試行します。" }
    static var limited: String { "ご利用のネットワークからのアクセスが集中しています。このページは自動的に再試行します。" }
    static var preparing: String { "順番を準備しています…" }
    static var cookies: String { "このサイトの Cookie を許可してから、もう一度お並びください。順番は Cookie に保存されます。" }
    static var tokenMissing: String { "お一人様につき1つの順番です。このサイトにログインしてから、もう一度このページを開いてください。" }
    static var tokenInvalid: String { "ログインの有効期限が切れました。もう一度ログインしてから、このページを開いてください。" }

    static var loadAgain: String { "今すぐ読み込む" }
    static var allowCookies: String { "このサイトの Cookie を許可してください。順番は Cookie に保存されます。" }
    static func needsScript(_ seconds: Int) -> String {
        "ただいまアクセスが集中しているため、この待合室には JavaScript が必要です。有効にしてください。このページは \(seconds) 秒後に再試行します。"
    }
    static func loadsAgain(_ seconds: Int) -> String { "JavaScript が無効です。このページは \(seconds) 秒後に再読み込みされます。" }
    static var keptMeanwhile: String { "その間、順番は保持されます。" }

    static var formKept: String { "送信された内容はこのページに保持され、入場後に自動で再送信されます。このページを閉じないでください。" }
    static var formFrom: String { "{}からフォームとともに送られてきました。このサイトに送信しますか？" }
    static var formOtherSite: String { "別のサイト" }
    static var formSend: String { "送信する" }
    static var formPlain: String { "JavaScriptがオフです。ボタンを押すと順番が来たか確認できます。送信された内容も一緒に送られます。" }
    static var formLook: String { "順番が来たか確認する" }
    static var formLost: String { "送信された内容は、ファイルを含むか大きすぎるため、お待ちの間は保持できません。入場後に戻って、もう一度送信してください。" }
    static var formBack: String { "入場しました。戻ってもう一度送信してください。" }
    static var formCopied: String { "コピーしました。" }
    static var formText: String { "送信された内容" }
    static var formCopy: String { "送信された内容をコピー" }
    static var formGoBack: String { "戻る" }
    static var opensIn: String { "あと{}で開始します。" }
    static var enterIn: String { "{}以内に入場してください。" }
    static var drawn: String { "順番は抽選で決まりました。" }
    static var drawRecord: String { "抽選の記録" }
}
