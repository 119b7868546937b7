//! The book as it is built and served: the same site whoever builds it, mistakes with their places, and nothing but the site.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod shelf;

use std::io::{BufRead, BufReader};

use mdbook_driver::MDBook;
use rustix::process::{Pid, Signal, kill_process};
use shelf::{PAGE, Shelf, files};

#[test]
fn mdbook_and_the_lab_build_the_same_site() {
    let shelf = Shelf::new();
    let built = shelf.build();
    assert!(built.status.success(), "{built:?}");
    let site = shelf.root.join("target/book");
    let ours = files(&site);
    std::fs::remove_dir_all(&site).unwrap();
    // As the mdbook command does it, which makes the path absolute first: the preprocessor is a program of its own.
    MDBook::load(shelf.root.join("book")).unwrap().build().unwrap();
    let theirs = files(&site);
    let names = |of: &std::collections::BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for (name, bytes) in &ours {
        assert!(theirs[name] == *bytes, "{name} differs");
    }
    let page = String::from_utf8_lossy(&ours["05-acks.html"]).into_owned();
    assert!(!page.contains("{{"), "a directive is left in the page");
}

#[test]
fn a_mistake_is_told_with_its_place_and_nothing_is_written() {
    let shelf = Shelf::new();
    let page = shelf.read(PAGE);
    let line = page.lines().count() + 2;
    for (text, says) in [
        (
            "{{#wrong}}",
            "there is no directive {{#wrong}}; there are experiment, n,",
        ),
        (
            "{{#n gone p99 acks=1}}",
            "no lab.toml declares the experiment \"gone\"; there are acks-cost, lateness",
        ),
        (
            "{{#n acks-cost p98 acks=all brokers=3}}",
            "acks-cost has no metric \"p98\"; it has",
        ),
        (
            "{{#n acks-cost p99 acks=2 brokers=3}}",
            "no record of acks-cost has p99 for \"acks=2 brokers=3\"; there is acks=0 brokers=1",
        ),
        ("{{#n acks-cost}}", "names no figure"),
        ("{{#ratio acks-cost p99 acks=1 brokers=3}}", "is no ratio"),
        (
            "{{#range acks-cost p98 acks=1 brokers=3}}",
            "acks-cost has no metric \"p98\"",
        ),
        ("{{#term waterfall}}", "the glossary has no term \"waterfall\""),
        ("{{#verdict gone}}", "book/claims has no claim \"gone\""),
        ("{{#claims 77}}", "has no claim of chapter \"77\""),
        ("{{#quiz gone}}", "the bank has no question \"gone\""),
        ("{{#questions 77}}", "the bank has no question of chapter \"77\""),
        ("{{#stop gone}}\nx\n{{/stop}}", "book/claims has no claim \"gone\""),
        ("{{#answer A}}\nx", "{{#answer}} is not closed"),
        ("{{/answer}}", "{{/answer}} closes nothing"),
        ("and {{#glossary}} here", "stands on a line of its own"),
        ("{{#n acks-cost", "has no }} on its line"),
        ("{{#include ../../gone.rs}}", "../../gone.rs cannot be included"),
        (
            "{{#include ../../solutions/05-acks/src/lib.rs:two}}",
            "has no `ANCHOR: two`",
        ),
    ] {
        shelf.write(PAGE, &format!("{page}\n{text}\n"));
        let _ = std::fs::remove_dir_all(shelf.root.join("target"));
        let built = shelf.build();
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        assert_eq!(built.status.code(), Some(1), "{text}: {said}");
        let wanted = format!("lab: {PAGE}:{line}: ");
        assert!(
            said.contains(&wanted) && said.contains(says),
            "{text}: no {wanted:?} with {says:?} in {said}"
        );
        if !text.starts_with("{{#include") {
            assert!(
                !shelf.root.join("target/book/index.html").exists(),
                "{text}: a site with a mistake was written"
            );
            assert!(
                MDBook::load(shelf.root.join("book")).unwrap().build().is_err(),
                "{text}: plain mdbook takes it"
            );
        }
    }
}

#[test]
fn a_dead_link_fails_the_build_with_its_page_and_target() {
    let shelf = Shelf::new();
    shelf.add(PAGE, "\n[a](plan.md#nowhere) [b](gone.md) ![c](gone.png)\n");
    let built = shelf.build();
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert_eq!(built.status.code(), Some(1), "{said}");
    for wanted in [
        "05-acks.html: \"plan.html#nowhere\" leads nowhere: plan.html has no anchor of that name",
        "05-acks.html: \"gone.html\" leads nowhere: there is no such file",
        "05-acks.html: \"gone.png\" leads nowhere: there is no such file",
    ] {
        assert!(said.contains(wanted), "no {wanted:?} in {said}");
    }
}

#[test]
fn broken_records_claims_and_questions_cost_themselves_and_are_told() {
    let shelf = Shelf::new();
    // Cut short by a crash: the reader's, so that the build goes on.
    shelf.add(".lab/records/05-acks.jsonl", "{\"experiment\":\"acks-co");
    let built = shelf.build();
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(
        built.status.success() && said.contains(".lab/records/05-acks.jsonl:3: "),
        "{built:?}"
    );
    assert!(
        shelf.read("target/book/05-acks.html").contains("class=\"n mine\""),
        "the whole lines were not used"
    );
    // The book's own: the build fails.
    shelf.add("book/claims/05-acks.toml", "\n[[claim]]\nid = \"half\"\n");
    shelf.add("book/questions/05-acks.toml", "\n[[question]]\nid = \"half\"\n");
    let built = shelf.build();
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert_eq!(built.status.code(), Some(1), "{said}");
    assert!(
        said.contains("book/claims/05-acks.toml:") && said.contains("book/questions/05-acks.toml:"),
        "{said}"
    );
}

#[test]
fn what_is_served_is_the_site_and_a_script() {
    let shelf = Shelf::new();
    assert!(shelf.build().status.success());
    let server = shelf.serve();
    let (head, body) = server.get("/05-acks.html");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/html; charset=utf-8"),
        "{head}"
    );
    assert!(head.contains("cache-control: no-store"), "{head}");
    let script = body
        .lines()
        .find(|line| line.contains("/-/reload.js"))
        .unwrap()
        .trim()
        .to_owned()
        + "\n";
    let bare = |body: String| body.replace(&script, "");
    assert!(
        bare(body.clone()) == shelf.read("target/book/05-acks.html"),
        "served is another page than built"
    );
    assert!(
        bare(server.get("/").1) == shelf.read("target/book/index.html"),
        "and the first one, too"
    );
    let css = body.split('"').find(|word| word.starts_with("theme/tickbook")).unwrap();
    assert!(
        server.get(&format!("/{css}")).0.contains("content-type: text/css"),
        "{css}"
    );
    assert!(server.get("/-/reload.js").1.contains("EventSource"));
    assert!(server.get("/below/deep.html").0.starts_with("HTTP/1.1 200"));
    let (head, body) = server.get("/gone.html");
    assert!(
        head.starts_with("HTTP/1.1 404") && body.contains("not found"),
        "{head}\n{body}"
    );
}

#[test]
fn nothing_outside_of_the_site_is_served() {
    let shelf = Shelf::new();
    shelf.write("secret.txt", "secret");
    shelf.write("book/secret.txt", "secret");
    let server = shelf.serve();
    let port = server.address.rsplit_once(':').unwrap().1.to_owned();
    let root = shelf.root.display();
    for path in [
        "/../secret.txt",
        "/../../secret.txt",
        "/below/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E%2Fsecret.txt",
        "/..%2fsecret.txt",
        "/.%2e/secret.txt",
        "//etc/passwd",
        "/etc/passwd",
        &format!("{root}/secret.txt"),
        &format!("/{root}/secret.txt"),
        "/book.toml",
        "/src/05-acks.md",
        "/05-acks.md",
    ] {
        let (head, body) = server.get(path);
        assert!(!head.starts_with("HTTP/1.1 200"), "{path} is served: {head}");
        assert!(!body.contains("secret") && !body.contains("root:"), "{path}: {body}");
    }
    for folder in ["/below", "/below/", "/theme/"] {
        assert!(server.get(folder).0.starts_with("HTTP/1.1 404"), "{folder} is listed");
    }
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1.evil.example",
        "192.168.0.7",
        "localhost.",
        "",
    ] {
        let (head, body) = server.raw(&format!(
            "GET /05-acks.html HTTP/1.1\r\nHost: {host}\r\nConnection: close"
        ));
        let refused = head.starts_with("HTTP/1.1 403") || head.starts_with("HTTP/1.1 400");
        assert!(refused && !body.contains("Acks"), "{host:?}: {head}");
    }
    let (head, _) = server.raw(&format!(
        "GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close"
    ));
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    for host in [
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ] {
        let (head, _) = server.raw(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close"));
        assert!(head.starts_with("HTTP/1.1 200"), "{host}: {head}");
    }
    let (head, _) = server.raw(&format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close",
        server.address
    ));
    assert!(
        head.starts_with("HTTP/1.1 405") && head.contains("allow: GET, HEAD"),
        "{head}"
    );
}

#[test]
fn a_mistake_is_served_in_its_place_and_the_page_comes_back_when_it_is_mended() {
    let shelf = Shelf::new();
    let server = shelf.serve();
    let request = format!("GET /-/changes HTTP/1.1\r\nHost: {}", server.address);
    let mut lines = BufReader::new(server.open(&request)).lines();
    let mut version = || loop {
        let line = lines
            .next()
            .expect("the changes ended")
            .expect("no change was told in time");
        if let Some(version) = line.strip_prefix("data: ") {
            break version.to_owned();
        }
    };
    let first = version();
    let whole = shelf.read(PAGE);
    shelf.add(PAGE, "\n{{#wrong}}\n");
    let second = version();
    assert_ne!(first, second);
    let (head, body) = server.get("/05-acks.html");
    assert!(
        head.starts_with("HTTP/1.1 200") && body.contains("class=\"broken\"") && body.contains("book/src/05-acks.md:"),
        "{body}"
    );
    assert!(
        body.contains("id=\"quiz-acks-all-or-one\""),
        "the rest of the page is gone"
    );
    // What keeps mdbook from building at all is a page, too.
    let summary = shelf.read("book/src/SUMMARY.md");
    shelf.write("book/src/SUMMARY.md", "# Summary\n\n- [Gone](gone.md)\n");
    version();
    let (head, body) = server.get("/05-acks.html");
    assert!(
        head.starts_with("HTTP/1.1 500") && body.contains("gone.md") && body.contains("/-/reload.js"),
        "{head}\n{body}"
    );
    shelf.write(PAGE, &whole);
    shelf.write("book/src/SUMMARY.md", &summary);
    version();
    // Two saves may be two builds.
    while server.get("/05-acks.html").1.contains("class=\"broken\"") {
        version();
    }
    // Other code is a change, too: what was measured of the last is stale.
    let code = shelf.read("labs/05-acks/src/lib.rs");
    shelf.add("labs/05-acks/src/lib.rs", "fn more() {}\n");
    version();
    assert!(
        !server.get("/05-acks.html").1.contains("class=\"n mine\""),
        "a stale number is quoted"
    );
    shelf.write("labs/05-acks/src/lib.rs", &code);
    version();
    // And a measurement.
    let records = ".lab/records/05-acks.jsonl";
    shelf.write(records, "");
    version();
    assert!(
        !server.get("/05-acks.html").1.contains("class=\"n mine\""),
        "the records were not read again"
    );
}

#[test]
fn a_port_that_is_taken_is_refused_in_a_sentence_and_ctrl_c_ends_it_cleanly() {
    let shelf = Shelf::new();
    let server = shelf.serve();
    let port = server.address.rsplit_once(':').unwrap().1.to_owned();
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["book", "--port", &port])
        .env("TICKBOOK_ROOT", &shelf.root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        second.status.code() == Some(2) && said.contains("leave --port away"),
        "{said}"
    );
    // With a page that waits for changes.
    let _page = server.open(&format!("GET /-/changes HTTP/1.1\r\nHost: {}", server.address));
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(server.ended(), Some(0));
}
