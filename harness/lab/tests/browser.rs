//! What of the book's pages moves, in a browser: quizzes, the two languages, light and dark, phones, and the reload.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod chromium;
mod shelf;

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use shelf::{PAGE, Shelf};

/// The side of the quiz that is seen.
const QUIZ: &str = "document.querySelector('#quiz-acks-all-or-one form[data-side=en]')";

#[tokio::test]
async fn a_quiz_gives_the_reason_of_what_was_chosen_and_of_what_is_right() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let (shelf, quiz) = (Shelf::new(), QUIZ);
    let server = shelf.serve();
    browser.go(&format!("http://{}/05-acks.html", server.address)).await;
    assert_eq!(
        browser.eval(&format!("{quiz}.querySelector('button').disabled")).await,
        json!(true),
        "there is nothing to check yet"
    );
    let choose = |says: &str| {
        format!("[...{quiz}.querySelectorAll('label')].find((one) => one.textContent.includes({says:?})).click()")
    };
    browser.eval(&choose("idempotent")).await;
    browser.eval(&format!("{quiz}.querySelector('button').click()")).await;
    let said = browser
        .eval(&format!("{quiz}.querySelector('[aria-live]').innerText"))
        .await;
    let said = said.as_str().unwrap();
    assert!(
        said.contains("Not so:") && said.contains("it is about doubling"),
        "no reason of the wrong option: {said}"
    );
    assert!(
        said.contains("Right:") && said.contains("last moments"),
        "the right one is not said: {said}"
    );
    let inside = format!(
        "{quiz}.closest('.quiz').getBoundingClientRect().bottom - {quiz}.querySelector('.result').getBoundingClientRect().bottom"
    );
    assert!(
        browser.eval(&inside).await.as_f64().unwrap() >= 0.0,
        "the result hangs out of the quiz's box"
    );
    browser.eval(&choose("may take the last moments")).await;
    assert_eq!(
        browser
            .eval(&format!("{quiz}.querySelector('.result').innerText"))
            .await,
        json!(""),
        "an old reason stands beside a new choice"
    );
    browser.eval(&format!("{quiz}.querySelector('button').click()")).await;
    let said = browser
        .eval(&format!("{quiz}.querySelector('.result.right').innerText"))
        .await;
    assert!(
        said.as_str().unwrap().contains("Right:") && !said.as_str().unwrap().contains("Not so:"),
        "{said}"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_quiz_is_done_with_the_keyboard_alone_and_the_focus_is_seen() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let (shelf, quiz) = (Shelf::new(), QUIZ);
    let server = shelf.serve();
    let address = format!("http://{}/05-acks.html", server.address);
    browser.go(&address).await;
    // To the last thing before the quiz; from there with Tab.
    browser.eval(&format!("{quiz}.querySelector('input').focus()")).await;
    browser.key(" ").await;
    browser.key("ArrowDown").await;
    browser.key("ArrowRight").await;
    assert_eq!(
        browser.eval("location.href").await,
        json!(address),
        "an arrow key in a quiz turned the page"
    );
    let chosen = format!("[...{quiz}.querySelectorAll('input')].findIndex((one) => one.checked)");
    assert_eq!(browser.eval(&chosen).await, json!(2));
    let seen = "(() => { const style = getComputedStyle(document.activeElement.closest('label') ?? document.activeElement); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; })()";
    assert_eq!(
        browser.eval(seen).await,
        json!(true),
        "the option in focus looks like the others"
    );
    browser.key("Tab").await;
    assert_eq!(
        browser
            .eval(&format!("document.activeElement === {quiz}.querySelector('button')"))
            .await,
        json!(true)
    );
    assert_eq!(
        browser.eval(seen).await,
        json!(true),
        "the button in focus looks as ever"
    );
    browser.key("Enter").await;
    browser
        .until(&format!("{quiz}.querySelector('.result').innerText.includes('Right:')"))
        .await;
}

#[tokio::test]
async fn the_language_of_questions_is_switched_and_remembered() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let shelf = Shelf::new();
    let server = shelf.serve();
    let address = format!("http://{}/05-acks.html", server.address);
    browser.go(&address).await;
    let shown = |side: &str| {
        format!(
            "[...document.querySelectorAll('main [data-side={side}]')].filter((one) => one.checkVisibility()).length"
        )
    };
    let all = browser
        .eval("document.querySelectorAll('main [data-side=en]').length")
        .await;
    assert_eq!(
        (browser.eval(&shown("en")).await, browser.eval(&shown("ko")).await),
        (all.clone(), json!(0))
    );
    browser
        .eval("document.querySelector('.language button[lang=ko]').click()")
        .await;
    assert_eq!(
        (browser.eval(&shown("en")).await, browser.eval(&shown("ko")).await),
        (json!(0), all.clone())
    );
    assert_eq!(
        browser
            .eval("document.querySelector('.language [aria-pressed=true]').textContent")
            .await,
        json!("한국어")
    );
    browser.go(&format!("http://{}/plan.html", server.address)).await;
    browser.go(&address).await;
    assert_eq!(browser.eval(&shown("ko")).await, all, "the language was forgotten");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn without_scripts_everything_is_there_to_read() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let shelf = Shelf::new();
    assert!(shelf.build().status.success());
    browser
        .call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
        .await;
    let page = shelf.root.join("target/book/05-acks.html");
    // The page's own scripts are off; what is evaluated from outside runs.
    browser.go(&format!("file://{}", page.display())).await;
    let reasons =
        "[...document.querySelectorAll('.quiz .reasons summary')].filter((one) => one.checkVisibility()).length";
    assert_eq!(browser.eval(reasons).await, json!(2), "the reasons of both languages");
    assert_eq!(
        browser
            .eval("[...document.querySelectorAll('.quiz button')].filter((one) => one.checkVisibility()).length")
            .await,
        json!(0),
        "a button that does nothing"
    );
}

#[tokio::test]
async fn light_and_dark_follow_the_system_and_the_menu() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let shelf = Shelf::new();
    let server = shelf.serve();
    let address = format!("http://{}/05-acks.html", server.address);
    let bar = "getComputedStyle(document.querySelector('.bar.yours')).fill";
    browser.screen(1280, false).await;
    browser.go(&address).await;
    let light = browser.eval(bar).await;
    browser.screen(1280, true).await;
    browser.go(&address).await;
    let dark = browser.eval(bar).await;
    assert_ne!(light, dark, "charts have the same colours in the dark");
    assert_eq!(
        browser
            .eval("document.documentElement.classList.contains('navy')")
            .await,
        json!(true)
    );
    browser
        .eval("document.getElementById('mdbook-theme-light').click()")
        .await;
    browser.until(&format!("{bar} === {light}")).await;
    browser.go(&address).await;
    assert_eq!(browser.eval(bar).await, light, "the choice was forgotten");
}

#[tokio::test]
async fn a_page_loads_again_when_its_text_or_a_record_has_changed() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let shelf = Shelf::new();
    let server = shelf.serve();
    browser.go(&format!("http://{}/05-acks.html", server.address)).await;
    browser.until("document.querySelector('.n.mine')").await;
    shelf.add(PAGE, "\nA sentence that was not there.\n");
    browser
        .until("document.body.innerText.includes('A sentence that was not there.')")
        .await;
    shelf.write(".lab/records/05-acks.jsonl", "");
    browser
        .until("!document.querySelector('.n.mine') && document.querySelector('.n')")
        .await;
}

#[tokio::test]
async fn every_page_fits_a_phone_and_asks_nobody_else() {
    let Some(mut browser) = chromium::open().await else {
        return;
    };
    let shelf = Shelf::new();
    assert!(shelf.build().status.success());
    // The pages of the workbook itself, too.
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let mut server = tokio::process::Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["book"])
        .env("TICKBOOK_ROOT", &own)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let workbook = address(&mut server).await;
    let toy = shelf.serve();
    for (address, source) in [(workbook, own), (format!("http://{}", toy.address), shelf.root.clone())] {
        for page in pages(&source) {
            for width in [320, 390, 1280] {
                browser.screen(width, false).await;
                browser.go(&format!("{address}/{page}")).await;
                let wide = browser.eval("document.documentElement.scrollWidth - innerWidth").await;
                assert!(
                    wide.as_i64().unwrap() <= 0,
                    "{page} is {wide} px wider than a screen of {width}"
                );
                let small = "[...document.querySelectorAll('main, main *')].filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())).map((one) => [parseFloat(getComputedStyle(one).fontSize), one.outerHTML.slice(0, 80)]).filter(([size]) => size < 11)";
                let small = browser.eval(small).await;
                assert_eq!(small, json!([]), "{page} has letters below 11 px at {width}");
            }
        }
    }
    let elsewhere: Vec<String> = browser
        .asked()
        .into_iter()
        .filter(|asked| {
            !asked.starts_with("http://127.0.0.1:") && !asked.starts_with("data:") && !asked.starts_with("about:")
        })
        .collect();
    assert_eq!(
        elsewhere,
        Vec::<String>::new(),
        "a page asked for something from elsewhere"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// `http://127.0.0.1:PORT` as the server prints it.
async fn address(server: &mut tokio::process::Child) -> String {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    loop {
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("the server ended before it named its address");
        if let Some(word) = line.split_whitespace().find(|word| word.starts_with("http://")) {
            return word.trim_end_matches('/').to_owned();
        }
    }
}

/// The pages that a book's summary names.
fn pages(root: &Path) -> Vec<String> {
    let summary = std::fs::read_to_string(root.join("book/src/SUMMARY.md")).unwrap();
    let links = summary.split("](").skip(1).filter_map(|rest| rest.split_once(".md)"));
    let pages: Vec<String> = links.map(|(page, _)| format!("{page}.html")).collect();
    assert!(!pages.is_empty(), "no page is named by {summary}");
    pages
}
