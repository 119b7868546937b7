//! `./lab watch` on a toy workbook: a verdict for each save, keys at a terminal, and nobody left behind.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

use toy::{TASK_1, Toy, eventually};

/// The command, watching.
struct Watch {
    child: Child,
    said: Arc<Mutex<String>>,
    /// How much of it was waited for already.
    heard: usize,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().unwrap(), Arc::clone(&said));
        listen(child.stderr.take().unwrap(), Arc::clone(&said));
        Self { child, said, heard: 0 }
    }

    /// Waits until it says these words, after those that were waited for before.
    fn says(&mut self, words: &str) {
        let (said, heard) = (Arc::clone(&self.said), self.heard);
        let mut found = heard;
        eventually(&format!("it never said {words:?}"), || {
            let said = said.lock().unwrap();
            let at = said[heard..].find(words).ok_or_else(|| said[heard..].to_owned())?;
            found = heard + at + words.len();
            Ok(())
        });
        self.heard = found;
    }

    fn all(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("it does not end", || {
            status = self.child.try_wait().unwrap();
            status.map(|_| ()).ok_or_else(|| "it still runs".to_owned())
        });
        status.unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(mut pipe: impl Read + Send + 'static, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(1..) = pipe
            .read(&mut piece)
            .inspect(|read| bytes.extend_from_slice(&piece[..*read]))
        {
            // A letter may come in two pieces.
            let whole = match std::str::from_utf8(&bytes) {
                Ok(_) => bytes.len(),
                Err(error) => error.valid_up_to(),
            };
            let text: Vec<u8> = bytes.drain(..whole).collect();
            said.lock().unwrap().push_str(&String::from_utf8_lossy(&text));
        }
    });
}

fn piped(toy: &Toy) -> Watch {
    let mut call = toy.call(&["watch", "07"]);
    call.stdin(Stdio::null());
    Watch::start(call)
}

#[test]
fn each_save_is_answered_also_after_files_and_the_whole_lab_were_away() {
    let toy = Toy::new();
    let mut watch = piped(&toy);
    watch.says("07-toy is watched: save a file in labs/07-toy/src");
    watch.says("0 of the 5 tests of the tasks pass.");

    toy.edit("labs/07-toy/src/lib.rs", TASK_1.0, "left.wrapping_add(right)");
    watch.says("Look at adding::task1_nothing_wraps");
    watch.says("The other tests are run when those of task 1 pass. Next: ./lab hint 07");
    toy.edit("labs/07-toy/src/lib.rs", "wrapping_add", "saturating_add");
    watch.says("Task 1 is built: Adding");
    watch.says("Next: task 2, labs/07-toy/src/lib.rs");

    // An editor that writes beside and renames.
    let source = toy.path("labs/07-toy/src/lib.rs");
    let text = toy.read("labs/07-toy/src/lib.rs");
    toy.write("labs/07-toy/src/.lib.rs.swp", &text.replace("saturating_add", "adding"));
    fs::rename(toy.path("labs/07-toy/src/.lib.rs.swp"), &source).unwrap();
    watch.says("It cannot be built:");
    watch.says("Next: mend it");

    fs::remove_file(&source).unwrap();
    watch.says("It cannot be built:");
    fs::write(&source, &text).unwrap();
    watch.says("2 of the 5 tests of the tasks pass.");

    // A branch that does not have the lab, and back.
    fs::rename(toy.path("labs/07-toy"), toy.path("away")).unwrap();
    watch.says("It cannot be built:");
    fs::rename(toy.path("away"), toy.path("labs/07-toy")).unwrap();
    watch.says("2 of the 5 tests of the tasks pass.");
    toy.build_task_2();
    watch.says("Lab 07 is built.");

    watch.signal(Signal::TERM);
    assert_eq!(watch.end().code(), Some(0), "{}", watch.all());
    toy.nobody_left();
}

#[test]
fn a_signal_in_the_middle_of_a_build_or_a_test_leaves_nobody_behind() {
    let toy = Toy::new();
    let mut watch = piped(&toy);
    watch.says("is watched");
    toy.runs(" test --manifest-path ");
    watch.signal(Signal::INT);
    assert_eq!(watch.end().code(), Some(0), "{}", watch.all());
    toy.nobody_left();

    toy.edit("labs/07-toy/src/lib.rs", TASK_1.0, "loop { std::hint::spin_loop() }");
    let mut watch = piped(&toy);
    toy.runs(" --exact ");
    watch.signal(Signal::TERM);
    assert_eq!(watch.end().code(), Some(0), "{}", watch.all());
    toy.nobody_left();
}

#[test]
fn a_save_in_the_middle_of_a_run_ends_it_and_is_answered() {
    let toy = Toy::new();
    toy.edit("labs/07-toy/src/lib.rs", TASK_1.0, "loop { std::hint::spin_loop() }");
    let mut watch = piped(&toy);
    toy.runs(" --exact ");
    toy.edit("labs/07-toy/src/lib.rs", "loop { std::hint::spin_loop() }", TASK_1.1);
    watch.says("Task 1 is built: Adding");
    assert!(
        !watch.all().contains("it did not end within"),
        "the old run went on: {}",
        watch.all()
    );
    watch.signal(Signal::TERM);
    watch.end();
    toy.nobody_left();
}

#[test]
fn at_a_terminal_keys_show_hints_the_next_task_and_test_again() {
    let version = Command::new("script").arg("--version").output();
    if !version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("util-linux")) {
        eprintln!("there is no util-linux's `script` on this machine, and so no terminal: keys are not tested");
        return;
    }
    let toy = Toy::new();
    let call = toy.call(&["watch", "07"]);
    // `script` gives what it runs a terminal, and passes on what is written to it.
    let mut script = toy.under("script", &["--quiet", "--return", "--command"]);
    let words: Vec<&str> = std::iter::once(call.get_program())
        .chain(call.get_args())
        .map(|word| word.to_str().unwrap())
        .collect();
    script.arg(words.join(" ")).arg("/dev/null").stdin(Stdio::piped());
    let mut watch = Watch::start(script);
    let mut keyboard = watch.child.stdin.take().unwrap();
    let mut press = |key: &str| keyboard.write_all(key.as_bytes()).unwrap();

    watch.says("0 of the 5 tests of the tasks pass.");
    watch.says("h hint   n next task   t test again   b bench   q quit");
    press("h");
    watch.says("What is more than the most?");
    press("n");
    watch.says("task 1 of 2: Adding");
    press("t");
    watch.says("0 of the 5 tests of the tasks pass.");
    watch.says("q quit");

    // A key in the middle of a run is answered, and the run goes on.
    toy.edit(
        "labs/07-toy/src/lib.rs",
        TASK_1.0,
        "std::thread::sleep(std::time::Duration::from_secs(2));\n    left.saturating_add(right)",
    );
    toy.runs(" --exact ");
    press("h");
    watch.says("hint 2/3");
    watch.says("Task 1 is built");
    watch.says("q quit");

    press("q");
    assert!(watch.end().success(), "{}", watch.all());
    toy.nobody_left();
}
