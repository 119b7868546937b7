//! Debian's chromium without a window, driven over its DevTools protocol.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // helpers of tests: a panic is the failure, and what was not run is said
#![allow(dead_code, unreachable_pub)] // each test program takes what it needs

use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// What a page may take to become what a test waits for, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Set where these tests must run, as in CI: then a missing chromium is a failure.
const REQUIRED: &str = "TICKBOOK_BROWSER";

/// A browser with one page, gone with the test.
pub struct Browser {
    _child: Child,
    _profile: TempDir,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    last: u64,
    /// What the browser told meanwhile, oldest first.
    pub events: Vec<Value>,
}

/// `None` where no chromium is installed and none is required; that is said.
pub async fn open() -> Option<Browser> {
    let profile = tempfile::tempdir().unwrap();
    let spawned = Command::new("chromium")
        // It opens pages of this test alone, and a container's root may have no sandbox.
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ])
        .args(["--remote-debugging-port=0", "about:blank"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if std::env::var_os(REQUIRED).is_some() => {
            panic!("chromium cannot be started ({error}); `apt-get install -y chromium` installs it")
        }
        Err(error) => {
            eprintln!("NOT RUN: chromium cannot be started ({error}); `apt-get install -y chromium` installs it");
            return None;
        }
    };
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = tokio::time::timeout(LIMIT, async {
        loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("chromium ended before it listened");
            if let Some((_, address)) = line.split_once("DevTools listening on ") {
                break address.to_owned();
            }
        }
    });
    let address = address.await.expect("chromium did not listen in time");
    // It goes on to complain; nobody reads it, and a full pipe would stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
    let mut browser = Browser {
        _child: child,
        _profile: profile,
        socket,
        session: None,
        last: 0,
        events: Vec::new(),
    };
    let page = browser
        .call("Target.createTarget", json!({ "url": "about:blank" }))
        .await;
    let attach = json!({ "targetId": page["targetId"], "flatten": true });
    let session = browser.call("Target.attachToTarget", attach).await;
    browser.session = session["sessionId"].as_str().map(str::to_owned);
    for domain in ["Page", "Runtime", "Network", "Log"] {
        browser.call(&format!("{domain}.enable"), json!({})).await;
    }
    Some(browser)
}

impl Browser {
    /// A command's answer; a refusal fails the test.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        answer.unwrap_or_else(|refused| panic!("{method}: {refused}"))
    }

    /// A command's answer, or what chromium says why there is none.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).await.unwrap();
        let answer = async {
            loop {
                let message = self.socket.next().await.expect("chromium hung up").unwrap();
                let Ok(text) = message.to_text() else { continue };
                let Ok(value) = serde_json::from_str::<Value>(text) else {
                    continue;
                };
                if value["id"] == json!(self.last) {
                    break value;
                }
                self.events.push(value);
            }
        };
        let answer = tokio::time::timeout(LIMIT, answer).await;
        let mut answer = answer.unwrap_or_else(|_| panic!("chromium does not answer {method}"));
        match answer.get_mut("error") {
            Some(refused) => Err(refused.take()),
            None => Ok(answer["result"].take()),
        }
    }

    /// What an expression is in the page.
    pub async fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", asked).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        let from = Instant::now();
        loop {
            let asked = json!({ "expression": format!("Boolean({expression})"), "returnByValue": true });
            // While a page is being replaced there is nobody to ask, and chromium may refuse: no reason to give up.
            let answer = self.ask("Runtime.evaluate", asked).await;
            if answer
                .as_ref()
                .is_ok_and(|answer| answer["result"]["value"] == json!(true))
            {
                return;
            }
            assert!(
                from.elapsed() < LIMIT,
                "this did not become true: {expression}; chromium's last word: {answer:?}"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Opens a page and waits until its scripts have run.
    pub async fn go(&mut self, address: &str) {
        self.call("Page.navigate", json!({ "url": address })).await;
        self.until(&format!(
            "location.href.startsWith({address:?}) && document.readyState === 'complete'"
        ))
        .await;
    }

    /// A screen of this width, and whether its owner prefers dark.
    pub async fn screen(&mut self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Presses and releases a key, as a keyboard does.
    pub async fn key(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            " " => ("Space", 32, " "),
            "ArrowDown" => ("ArrowDown", 40, ""),
            "ArrowRight" => ("ArrowRight", 39, ""),
            other => panic!("no key {other:?} here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event =
                json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "text": text });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Addresses that were asked for.
    pub fn asked(&self) -> Vec<String> {
        let of = |event: &Value| event["params"]["request"]["url"].as_str().map(str::to_owned);
        self.events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .filter_map(of)
            .collect()
    }

    /// What went wrong in a page's scripts, and what the browser refused.
    pub fn complaints(&self) -> Vec<String> {
        let bad = |event: &&Value| {
            event["method"] == "Runtime.exceptionThrown"
                || (event["method"] == "Log.entryAdded" && event["params"]["entry"]["level"] == "error")
        };
        self.events
            .iter()
            .filter(bad)
            .map(|event| event["params"].to_string())
            .collect()
    }
}
