// SPDX-License-Identifier: Apache-2.0
//
// What visitors read in Vietnamese.

internal import Admission

enum VietnameseSentences: Sentences {
    static var tag: String { "vi" }
    static var name: String { "Tiếng Việt" }

    static var paused: StaticString { "Hàng chờ đang tạm dừng. Chỗ của bạn được giữ." }
    static var late: StaticString { "Bạn đã lỡ lượt hai lần. Bạn vẫn đang chờ, sau tất cả những người đang có mặt." }
    static var ready: StaticString { "Đã đến lượt bạn." }
    static var admitted: StaticString { "Bạn có thể vào." }
    static var left: StaticString { "Bạn đã rời hàng chờ." }
    static var expired: StaticString { "Chỗ của bạn đã hết hạn. Vui lòng xếp hàng lại." }
    static var opening: StaticString { "Chưa đến giờ mở cửa. Chỗ của bạn được giữ." }
    static var registered: StaticString {
        "Bạn đến đúng giờ. Thứ tự được bốc thăm khi mở cửa, không tính ai đến trước."
    }
    static var drawing: StaticString { "Đang bốc thăm thứ tự." }
    static var ended: StaticString { "Phòng chờ đã kết thúc." }
    static var forecast: (beforeDuration: StaticString, beforeConfidence: StaticString, end: StaticString) {
        ("Khoảng ", " (độ tin cậy: ", ")")
    }
    static var hours: StaticString { " giờ" }
    static var minutes: StaticString { " phút" }
    static var seconds: StaticString { " giây" }
    static func secondsAlone(_: Int) -> StaticString { " giây" }
    static func word(_ confidence: Confidence) -> StaticString {
        switch confidence {
        case .high: "cao"
        case .good: "khá"
        case .fair: "trung bình"
        case .low: "thấp"
        }
    }

    static var refused: String {
        "Bạn đã được vào, nhưng trang này đã từ chối giấy vào của bạn hai lần. Hãy thử lại sau vài phút "
            + "hoặc báo cho trang. Lý do:"
    }
    static var title: String { "Phòng chờ" }
    static var queued: String { "Bạn đang trong hàng chờ" }
    static var explanation: String { "Hiện có rất nhiều người. Hãy giữ trang này mở: bạn sẽ được vào tự động." }
    static var positionLabel: String { "Vị trí của bạn" }
    static var waitLabel: String { "Thời gian chờ dự kiến" }
    static var progressLabel: String { "Tiến độ" }
    static var about: String { "khoảng {}" }
    static var lessThan: String { "dưới {}" }
    static var kept: String { "Nếu bạn đóng trang này, chỗ của bạn được giữ trong {}." }
    static var returned: String { "Những người phía trước đã quay lại chỗ của họ." }
    static var enter: String { "Vào ngay" }
    static var leave: String { "Rời hàng chờ" }
    static var leaveQuestion: String { "Rời hàng chờ? Bạn sẽ mất chỗ." }
    static var stay: String { "Ở lại" }
    static var rejoin: String { "Xếp hàng lại" }
    static var notify: String { "Báo cho tôi khi đến lượt" }
    static var rings: String { "Bạn sẽ được báo khi đến lượt." }
    static var languageLabel: String { "Ngôn ngữ" }
    static var updated: String { "Cập nhật" }
    static var degraded: String { "Vị trí có thể hơi cũ. Chỗ của bạn được giữ." }
    static var trouble: String { "Sự cố kết nối. Chỗ của bạn được giữ, đang thử lại…" }
    static var unreachable: String { "Hiện không thể kết nối tới hàng chờ. Đang thử lại…" }
    static var closed: String { "Phòng chờ hiện đang đóng. Trang này sẽ tự thử lại." }
    static var full: String { "Hàng chờ hiện đã đầy. Trang này sẽ tự thử lại." }
    static var limited: String { "Hiện có nhiều người truy cập từ mạng của bạn. Trang này sẽ tự thử lại." }
    static var preparing: String { "Đang chuẩn bị chỗ của bạn…" }
    static var cookies: String {
        "Vui lòng cho phép cookie của trang này rồi xếp hàng lại: chỗ của bạn được lưu trong đó."
    }
    static var tokenMissing: String { "Mỗi người một chỗ: hãy đăng nhập vào trang này rồi mở lại trang." }
    static var tokenInvalid: String {
        "Phiên đăng nhập của bạn không còn hiệu lực: hãy đăng nhập lại rồi mở lại trang này."
    }

    static var loadAgain: String { "Tải ngay" }
    static var allowCookies: String { "Vui lòng cho phép cookie của trang này: chỗ của bạn được lưu trong đó." }
    static func needsScript(_ seconds: Int) -> String {
        "Đang có rất nhiều người vào nên phòng này cần JavaScript. Vui lòng bật lên. Trang này thử lại "
            + "sau \(seconds) giây."
    }
    static func loadsAgain(_ seconds: Int) -> String {
        "JavaScript đang tắt: trang này tự tải lại sau \(seconds) giây."
    }
    static var keptMeanwhile: String { "Chỗ của bạn được giữ trong lúc đó." }

    static var formKept: String {
        "Nội dung bạn gửi được giữ trong trang này và sẽ được gửi lại ngay khi bạn vào. Hãy để mở trang này."
    }
    static var formFrom: String { "{} đã đưa bạn đến đây cùng một biểu mẫu. Gửi tiếp đến trang này?" }
    static var formOtherSite: String { "Một trang khác" }
    static var formSend: String { "Gửi tiếp" }
    static var formPlain: String {
        "JavaScript đang tắt: hãy nhấn nút để xem đã đến lượt bạn chưa. Nội dung bạn gửi sẽ đi cùng."
    }
    static var formLook: String { "Xem đã đến lượt tôi chưa" }
    static var formLost: String {
        "Không thể giữ nội dung bạn gửi trong lúc chờ: có tệp, hoặc quá lớn. Khi đã vào, hãy quay lại và gửi lần nữa."
    }
    static var formBack: String { "Bạn đã vào. Hãy quay lại và gửi lần nữa." }
    static var formCopied: String { "Đã sao chép." }
    static var formText: String { "Nội dung bạn gửi" }
    static var formCopy: String { "Sao chép nội dung bạn gửi" }
    static var formGoBack: String { "Quay lại" }
    static var opensIn: String { "Mở cửa sau {}." }
    static var enterIn: String { "Vui lòng vào trong {}." }
    static var drawn: String { "Vị trí của bạn được bốc thăm." }
    static var drawRecord: String { "Biên bản bốc thăm" }
}
