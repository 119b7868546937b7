//! Questions of the bank in a page: a quiz to click through, and the list of a chapter with ladders and folded answers.

use sha2::{Digest as _, Sha256};

use super::html::{escape, markdown, sentence};
use super::numbers;
use crate::bank::template::{self, Blank, Part};
use crate::bank::{Bank, Question, Side, Text};
use crate::measuring::Known;

/// `{{#quiz ID}}`.
///
/// # Errors
/// A sentence: there is no such question.
pub(super) fn quiz(bank: &Bank, id: &str) -> Result<String, String> {
    let question = bank.question(id).ok_or_else(|| {
        format!(
            "the bank has no question {id:?}; correct the id, or write it into {}",
            crate::bank::FOLDER
        )
    })?;
    let sides: String = Side::BOTH.into_iter().map(|side| form(question, side)).collect();
    Ok(format!(
        "<section class=\"quiz\" id=\"quiz-{0}\" aria-label=\"Quiz\">\n<p class=\"box-title\">Quiz</p>\n{sides}</section>",
        escape(id)
    ))
}

/// An option: what it says, and why it is wrong unless it is right.
struct Choice<'a> {
    says: &'a str,
    why: Option<&'a str>,
}

/// The options in an order that has nothing to do with which is right, and is the same in both languages and each time.
fn options<'a>(id: &str, text: &'a Text) -> Vec<Choice<'a>> {
    let right = Choice {
        says: &text.right,
        why: None,
    };
    let wrong = text.wrong.iter().map(|wrong| Choice {
        says: &wrong.says,
        why: Some(&wrong.why),
    });
    let mut all: Vec<(Vec<u8>, Choice<'a>)> = [right]
        .into_iter()
        .chain(wrong)
        .enumerate()
        .map(|(nth, option)| (Sha256::digest(format!("{id} {nth}")).to_vec(), option))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|(_, option)| option).collect()
}

fn form(question: &Question, side: Side) -> String {
    let (text, lang) = (question.text(side), side.key());
    let options = options(&question.id, text);
    let right = options
        .iter()
        .position(|option| option.why.is_none())
        .unwrap_or_default();
    let (mut labels, mut reasons) = (String::new(), String::new());
    for (nth, option) in options.iter().enumerate() {
        labels.push_str(&format!(
            "<label><input type=\"radio\" name=\"quiz-{}-{lang}\" value=\"{nth}\"><span>{}</span></label>\n",
            escape(&question.id),
            sentence(option.says)
        ));
        let (word, why) = match option.why {
            None => (side.of("Right:", "정답:"), source(question, side)),
            Some(why) => (side.of("Not so:", "오답:"), format!("<p>{}</p>", sentence(why))),
        };
        reasons.push_str(&format!(
            "<div data-option=\"{nth}\"><p><strong>{word}</strong> {}</p>{why}</div>\n",
            sentence(option.says)
        ));
    }
    format!(
        "<form class=\"quiz-side\" data-side=\"{lang}\" lang=\"{lang}\" data-right=\"{right}\">\n\
         {stale}<fieldset>\n<legend>{ask}</legend>\n{labels}</fieldset>\n<button type=\"submit\">{check}</button>\n\
         <div class=\"result\" role=\"status\" aria-live=\"polite\"></div>\n\
         <details class=\"reasons\"><summary>{all}</summary>\n{reasons}</details>\n</form>\n",
        stale = stale(question, side),
        ask = sentence(&text.ask),
        check = side.of("Check", "확인"),
        all = side.of("Each answer, with its reason", "보기마다 이유 보기"),
    )
}

fn source(question: &Question, side: Side) -> String {
    let source = &question.source;
    format!(
        "<p class=\"source\">{}: <a href=\"{}\">{}</a>, {}</p>",
        side.of("Source", "출처"),
        escape(&source.url),
        escape(&source.title),
        escape(&source.date)
    )
}

fn stale(question: &Question, side: Side) -> String {
    if !question.stale().contains(&side) {
        return String::new();
    }
    let says = side.of(
        "The Korean side has changed since this one was brought up to it.",
        "영어 쪽이 바뀐 뒤로 이 번역은 아직 맞추지 않았습니다.",
    );
    format!("<p><span class=\"mark\">{says}</span></p>\n")
}

/// `{{#questions 05}}`, on a page that lies `up` folders deep.
///
/// # Errors
/// A sentence: the bank has none of that chapter.
pub(super) fn list(bank: &Bank, known: &Known, chapter: &str, up: &str) -> Result<String, String> {
    let all: Vec<String> = bank.chapter(chapter).map(|question| one(question, known, up)).collect();
    if all.is_empty() {
        return Err(format!(
            "the bank has no question of chapter {chapter:?}; a chapter is its number, such as 05"
        ));
    }
    Ok(format!("<div class=\"questions\">\n{}</div>", all.concat()))
}

fn one(question: &Question, known: &Known, up: &str) -> String {
    let sides: String = Side::BOTH
        .into_iter()
        .map(|side| of_side(question, known, side, up))
        .collect();
    format!(
        "<section class=\"question\" id=\"question-{0}\" aria-label=\"Question {0}\">\n<p class=\"box-title\"><code>{0}</code></p>\n{sides}</section>\n",
        escape(&question.id)
    )
}

fn of_side(question: &Question, known: &Known, side: Side, up: &str) -> String {
    let (text, lang) = (question.text(side), side.key());
    let points = |points: &[String]| {
        let items: String = points
            .iter()
            .map(|point| format!("<li>{}</li>\n", filled(known, point, sentence)))
            .collect();
        format!("<ul>\n{items}</ul>\n")
    };
    let steps: String = text
        .ladder
        .iter()
        .map(|step| {
            format!(
                "<li><span class=\"kind\">{}</span> {}\n<details><summary>{}</summary>\n{}</details></li>\n",
                step.kind.name(side),
                sentence(&step.ask),
                side.of("What to say", "말할 것"),
                points(&step.points)
            )
        })
        .collect();
    format!(
        "<div data-side=\"{lang}\" lang=\"{lang}\">\n{stale}<p class=\"ask\">{ask}</p>\n\
         <details><summary>{key}</summary>\n{points}</details>\n\
         <details><summary>{model}</summary>\n{answer}\n</details>\n\
         <ol class=\"ladder\">\n{steps}</ol>\n{links}</div>\n",
        links = links(question, side, up),
        stale = stale(question, side),
        ask = sentence(&text.ask),
        key = side.of("What a good answer contains", "좋은 답변에 들어가는 것"),
        points = points(&text.points),
        model = side.of("A model answer", "모범 답변"),
        answer = filled(known, &text.answer, markdown),
    )
}

/// What begins and ends the number of a blank while Markdown is made into HTML: letters that stand for nothing.
const MARKS: [char; 2] = ['\u{E000}', '\u{E001}'];

/// A template as HTML, its blanks filled.
fn filled(known: &Known, text: &str, render: fn(&str) -> String) -> String {
    // A bank that was read has no other templates.
    let parts = template::parse(text).unwrap_or_else(|_| vec![Part::Text(text)]);
    let (mut bare, mut blanks) = (String::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(text) => bare.push_str(text),
            Part::Blank(blank) => {
                bare.push_str(&format!("{}{}{}", MARKS[0], blanks.len(), MARKS[1]));
                blanks.push(blank);
            }
        }
    }
    let mut html = render(&bare);
    for (nth, blank) in blanks.iter().enumerate() {
        let words = blank.to_string();
        let number = match blank {
            Blank::Figure(_) => numbers::number(known, &words),
            Blank::Ratio(..) => numbers::ratio(known, &words),
        };
        // `./lab check book` says what is wrong with a blank; a page shows the gap.
        let number = number.unwrap_or_else(|_| format!("<span class=\"n none\">{}</span>", escape(&words)));
        html = html.replace(&format!("{}{nth}{}", MARKS[0], MARKS[1]), &number);
    }
    html
}

fn links(question: &Question, side: Side, up: &str) -> String {
    let (links, chapter) = (&question.links, &question.chapter);
    let mut all = Vec::new();
    if let Some(page) = &links.page {
        let (file, anchor) = page
            .split_once('#')
            .map_or((page.as_str(), String::new()), |(file, anchor)| {
                (file, format!("#{anchor}"))
            });
        let address = format!("{up}{}.html{anchor}", file.trim_end_matches(".md"));
        let word = side.of("where it is explained", "설명한 곳");
        all.push(format!("<a href=\"{}\">{word}</a>", escape(&address)));
    }
    if let Some(task) = links.task {
        all.push(side.of(
            format!("task {task} of lab {chapter}"),
            format!("실습 {chapter}의 과제 {task}"),
        ));
    }
    if let Some(mutant) = &links.mutant {
        all.push(format!(
            "{} <code>{}</code>",
            side.of("the mistake", "실수"),
            escape(mutant)
        ));
    }
    if let Some(experiment) = &links.experiment {
        all.push(format!(
            "{} <code>{}</code>",
            side.of("the experiment", "실험"),
            escape(experiment)
        ));
    }
    let source = &question.source;
    all.push(format!(
        "<a href=\"{}\">{}</a>, {}",
        escape(&source.url),
        escape(&source.title),
        escape(&source.date)
    ));
    format!("<p class=\"links\">{}</p>\n", all.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_options_is_the_same_in_both_languages_and_says_nothing() {
        let text = |mark: &str| Text {
            ask: format!("{mark}?"),
            points: vec![],
            answer: String::new(),
            right: format!("{mark} right"),
            wrong: (0..3)
                .map(|nth| crate::bank::Wrong {
                    says: format!("{mark} {nth}"),
                    why: "no".into(),
                })
                .collect(),
            ladder: vec![],
        };
        let place = |id: &str, mark: &str| {
            options(id, &text(mark))
                .iter()
                .position(|option| option.why.is_none())
                .unwrap()
        };
        let ids: Vec<String> = (0..40).map(|nth| format!("question-{nth}")).collect();
        let mut seen = [0; 4];
        for id in &ids {
            assert_eq!(place(id, "en"), place(id, "ko"), "{id}");
            seen[place(id, "en")] += 1;
        }
        assert!(
            seen.iter().all(|count| *count >= 4),
            "the right one stands at some places hardly ever: {seen:?}"
        );
    }
}
