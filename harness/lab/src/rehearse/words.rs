//! What the rehearsal itself says, in both languages.

use std::time::Duration;

use super::session::{Asked, Stage, Step};
use crate::bank::Side;
use crate::text::clock;

/// The keys that a stage knows, for the foot of the screen: key and what it does. Where an answer is `typed` none is said aloud.
pub(crate) fn keys(stage: Stage, typed: bool, side: Side) -> Vec<(&'static str, &'static str)> {
    let ko = |en, ko| side.of(en, ko);
    match stage {
        Stage::Ask { .. } if typed => vec![
            ("Ctrl-D", ko("done", "답변 끝")),
            ("Enter", ko("new line", "줄바꿈")),
            ("Ctrl-C", ko("end, answers kept", "끝내기(답변 저장됨)")),
        ],
        Stage::Ask { .. } => vec![
            ("Ctrl-D", ko("done", "답변 끝")),
            ("Tab", ko("said aloud", "말로 답함")),
            ("Enter", ko("new line", "줄바꿈")),
            ("Ctrl-C", ko("end, answers kept", "끝내기(답변 저장됨)")),
        ],
        Stage::Points { .. } => vec![
            ("1, 2 …", ko("named", "말한 것")),
            ("↑↓ Space", ko("the same", "고르기")),
            ("Enter", ko("next", "다음")),
            ("PgDn", ko("more", "더 보기")),
            ("q", ko("end", "끝내기")),
        ],
        Stage::Model { .. } => vec![
            ("↑↓", ko("scroll", "스크롤")),
            ("Enter", ko("score it", "채점하기")),
            ("q", ko("end", "끝내기")),
        ],
        Stage::Score { .. } => vec![
            ("1-4", ko("what a listener heard", "듣는 사람이 들은 것")),
            ("←", ko("back", "뒤로")),
            ("q", ko("end", "끝내기")),
        ],
        Stage::Done => vec![("↑↓", ko("scroll", "스크롤")), ("q", ko("leave", "나가기"))],
    }
}

/// What kind of question it is.
pub(crate) fn kind(step: &Step, side: Side) -> &'static str {
    step.kind.map_or(side.of("question", "질문"), |kind| kind.name(side))
}

/// Numbers that are not drilled, and the commands that measure them.
pub(crate) fn gaps(asked: &Asked, side: Side) -> Vec<String> {
    let said = asked.gaps.iter().map(|gap| {
        let why = gap.why.clause(side);
        side.of(
            format!(
                "A number of this question is {why}, so it is not drilled. {} measures it.",
                gap.measure
            ),
            format!("이 질문의 숫자 하나는 연습하지 않습니다({why}). 측정: {}", gap.measure),
        )
    });
    said.collect()
}

pub(crate) fn points_title(side: Side) -> &'static str {
    side.of("Which of these did you name?", "다음 중 무엇을 말했나요?")
}

pub(crate) fn your_answer(side: Side) -> &'static str {
    side.of("your answer", "내 답변")
}

pub(crate) fn said_aloud(took: Duration, side: Side) -> String {
    let took = clock(took);
    side.of(format!("said aloud, {took}"), format!("말로 답함, {took}"))
}

pub(crate) fn nothing(side: Side) -> &'static str {
    side.of("nothing", "답변 없음")
}

pub(crate) fn model_title(side: Side) -> &'static str {
    side.of("A model answer", "모범 답변")
}

pub(crate) fn wrong_title(side: Side) -> &'static str {
    side.of("Common wrong answers", "자주 나오는 틀린 답변")
}

pub(crate) fn source_title(side: Side) -> &'static str {
    side.of("Source", "출처")
}

/// What of the key points was named, as the evidence for a score.
pub(crate) fn named(asked: &Asked, side: Side) -> String {
    let (own, of_own) = asked.named(|step| step.kind.is_none());
    let (ladder, of_ladder) = asked.named(|step| step.kind.is_some());
    side.of(
        format!("named {own} of {of_own} points, {ladder} of {of_ladder} in the ladder"),
        format!("핵심 {own}/{of_own}, 꼬리질문 {ladder}/{of_ladder}"),
    )
}
