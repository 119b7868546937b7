//! python: the same feed of trades by tokio and by Python's asyncio, with and without uvloop; and how Python is asked at all.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use measure::Teller;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, BufReader};

use crate::decode::Plain;
use crate::part::Part;
use crate::run::{Figures, Run, cpu, one_thread};
use market::{Decode as _, Frame};

/// Names the Python to use, such as one of an environment that has uvloop.
const NAMED_BY: &str = "TICKBOOK_PYTHON";

/// A Python that can be asked.
pub(crate) struct Python {
    program: String,
}

impl Python {
    /// # Errors
    /// A sentence that says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let program = std::env::var(NAMED_BY).unwrap_or_else(|_| "python3".into());
        let asked = Command::new(&program)
            .args(["-c", "import sys; sys.exit(sys.version_info < (3, 8))"])
            .stdin(Stdio::null())
            .output();
        match asked {
            Ok(output) if output.status.success() => Ok(Self { program }),
            Ok(_) => Err(format!(
                "{program} is older than Python 3.8, so there are no figures of Python; {NAMED_BY} may name another."
            )),
            Err(why) => Err(format!(
                "There are no figures of Python, because {program} cannot be started ({why}); {NAMED_BY} may name another."
            )),
        }
    }

    /// Runs a script and gives what it prints: one line of JSON.
    pub(crate) fn run(&self, script: &str, words: &[&str]) -> anyhow::Result<Value> {
        self.below(&[], script, words)
    }

    /// The same below a wrapper such as `taskset -c 0`.
    pub(crate) fn below(&self, wrapper: &[&str], script: &str, words: &[&str]) -> anyhow::Result<Value> {
        let mut command = match wrapper {
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
            [] => Command::new(&self.program),
        };
        // The script comes by standard input: no file of it has to be anywhere.
        let mut child = command
            .arg("-")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("Python cannot be started")?;
        child.stdin.take().context("no input")?.write_all(script.as_bytes())?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "Python failed: {}", said.trim());
        serde_json::from_slice(&output.stdout).context("Python said no JSON")
    }
}

/// Clients of the feed, whether they read each trade's fields, and how many processes at once.
const CLIENTS: [(&str, &str, usize); 11] = [
    ("tokio", "no", 1),
    ("tokio", "json", 1),
    ("asyncio-streams", "no", 1),
    ("asyncio-streams", "json", 1),
    ("asyncio-protocol", "no", 1),
    ("asyncio-protocol", "json", 1),
    ("uvloop-streams", "no", 1),
    ("uvloop-streams", "json", 1),
    ("uvloop-protocol", "json", 1),
    ("blocking-socket", "json", 1),
    ("asyncio-protocol", "json", 2),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let python = Python::find();
    let (rounds, count) = run.pick((5, 200_000), (1, 60_000), (1, 300));
    let mut teller = Teller::new(rounds * CLIENTS.len());
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (client, parse, processes) in CLIENTS {
            teller.step(&format!("{client}, parse: {parse}, processes: {processes}"));
            let server = Part::start(&format!("prefixed {count}"))?;
            let port = server.address()?.port();
            let seen = match (client, &python) {
                ("tokio", _) => vec![tokio_client(port, parse == "json", count)?],
                (_, Ok(python)) => {
                    let words = [client, parse, &port.to_string(), &count.to_string()];
                    let ask = || python.run(include_str!("python/feed.py"), &words);
                    let all = std::thread::scope(|scope| {
                        let asked: Vec<_> = (0..processes).map(|_| scope.spawn(ask)).collect();
                        let joined = asked
                            .into_iter()
                            .map(|one| one.join().map_err(|_| anyhow::anyhow!("a panic"))?);
                        joined.collect::<anyhow::Result<Vec<Value>>>()
                    })?;
                    if let Some(what) = all.iter().find_map(|seen| seen.get("missing")?.as_str()) {
                        figures.lacks(format!(
                            "There are no figures of {what}: this Python has no such package. In an environment that has it, \
                             {NAMED_BY} names its Python."
                        ));
                        continue;
                    }
                    all
                }
                (_, Err(why)) => {
                    figures.lacks(why.clone());
                    continue;
                }
            };
            let arm = format!("client={client} parse={parse} processes={processes}");
            let of = |name: &str| -> f64 { seen.iter().filter_map(|one| one.get(name)?.as_f64()).sum() };
            ensure!(
                of("count") as usize == count * processes,
                "{arm}: {} trades of {count} came",
                of("count")
            );
            let n = (count * processes) as u64;
            let rates = seen
                .iter()
                .filter_map(|one| Some(count as f64 / one.get("seconds")?.as_f64()?));
            figures.add(&arm, "rate", rates.sum(), n);
            figures.add(&arm, "cpu", of("cpu") * 1e6 / n as f64, n);
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// The same in Rust, on one thread: a length, that many bytes, and if asked their fields.
fn tokio_client(port: u16, parse: bool, count: usize) -> anyhow::Result<Value> {
    one_thread()?.block_on(async {
        let socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        let mut socket = BufReader::with_capacity(64 << 10, socket);
        let (began, used) = (Instant::now(), cpu());
        let (mut body, mut seen) = (Vec::new(), 0usize);
        for _ in 0..count {
            let length = socket.read_u32().await? as usize;
            body.resize(length, 0);
            socket.read_exact(&mut body).await?;
            let whole = !parse || matches!(Plain.frame(&body), Ok(Frame::Trade { .. }));
            seen += usize::from(whole);
        }
        Ok(serde_json::json!({
            "count": seen,
            "seconds": began.elapsed().as_secs_f64(),
            "cpu": (cpu() - used).as_secs_f64(),
        }))
    })
}
