//! Runs a local server, or a download, so that it dies with its owner. `stack` compiles this file with plain `rustc`,
//! because a test program cannot rely on cargo having built another package's binary: hence one file, and std only.
//!
//! * `keep --run RUN -- COMMAND…` starts COMMAND with its output on our standard error, prints its process id, and ends
//!   with it. When our standard input ends, the owner is gone, however it went: COMMAND and what it started are killed,
//!   and the last keeper of RUN removes it, as far as RUN/keep does not say otherwise.
//! * `after --run RUN -- COMMAND…` runs COMMAND when its owner is gone, and then removes RUN likewise: for servers that are
//!   nobody's child, as containers are.
//! * `clickhouse LIBRARY ARGUMENTS…` loads the ClickHouse engine and becomes its server.
//!
//! A keeper, and not PR_SET_PDEATHSIG in the owner: that signal fires when the *thread* that started the child ends,
//! and async runtimes end threads at will. A keeper, and not only a pipe that the server reads: servers read no pipe.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often the keeper looks whether the server has ended. Blocking in `wait` instead would leave no safe way to kill
/// by process id: between the reaping and our exit the id could already be another's.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let rest: Vec<_> = arguments.collect();
    let outcome = match mode.to_str() {
        Some("keep") => keep(rest),
        Some("after") => after(rest),
        Some("clickhouse") => engine::serve(rest),
        _ => Err(io::Error::other(
            "usage: launcher keep|after --run RUN -- COMMAND… | launcher clickhouse LIBRARY …",
        )),
    };
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "launcher: {error}");
        ExitCode::from(2)
    })
}

/// The keeper. Runs on the main thread, which lives as long as the process: the death signal below hangs on it.
fn keep(arguments: Vec<OsString>) -> io::Result<ExitCode> {
    let (run, program, command) = asked(&arguments)?;
    let turn = Turn::join(&run)?;

    let log = || io::stderr().as_fd().try_clone_to_owned().map(Stdio::from);
    // A group of its own: what the command starts can be killed with it.
    let mut child = dies_with_us(Command::new(program).args(command).process_group(0))
        .stdin(Stdio::null())
        .stdout(log()?)
        .stderr(log()?)
        .spawn()
        .map_err(|error| io::Error::other(format!("cannot start {}: {error}", program.display())))?;
    // An owner that no longer listens is noticed below, where its files are removed too.
    let _ = writeln!(io::stdout(), "{}", child.id()).and_then(|()| io::stdout().flush());

    let (owner_gone, listen) = mpsc::channel();
    thread::spawn(move || {
        until_owner_is_gone();
        let _ = owner_gone.send(());
    });
    loop {
        match listen.recv_timeout(LOOK) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                end(&mut child)?;
                if turn.was_last() {
                    tidy(&run);
                }
                return Ok(ExitCode::SUCCESS);
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = child.try_wait()? {
                    writeln!(io::stderr(), "launcher: {} ended: {status}", program.display())?;
                    return Ok(ExitCode::from(code(status)));
                }
            }
        }
    }
}

/// The keeper of what is no child of anybody's: waits, and then has COMMAND end it.
fn after(arguments: Vec<OsString>) -> io::Result<ExitCode> {
    let (run, program, command) = asked(&arguments)?;
    let turn = Turn::join(&run)?;
    until_owner_is_gone();
    let ended = Command::new(program).args(command).stdin(Stdio::null()).status()?;
    if turn.was_last() {
        tidy(&run);
    }
    Ok(ExitCode::from(code(ended)))
}

/// RUN, and the program of COMMAND with its arguments.
fn asked(arguments: &[OsString]) -> io::Result<(PathBuf, &OsString, &[OsString])> {
    match arguments {
        [run_flag, run, dashes, program, command @ ..] if run_flag == "--run" && dashes == "--" => {
            Ok((PathBuf::from(run), program, command))
        }
        _ => Err(io::Error::other("usage: launcher keep|after --run RUN -- COMMAND…")),
    }
}

/// Nothing is ever written to us: reading returns 0 when the last holder of the other end is gone.
fn until_owner_is_gone() {
    let mut sink = [0; 64];
    while !matches!(io::stdin().read(&mut sink), Ok(0) | Err(_)) {}
}

/// Kills the child and what it started. Nobody has reaped it yet, so its id, and its group's, is its own.
#[allow(unsafe_code)]
fn end(child: &mut Child) -> io::Result<()> {
    use std::ffi::c_int;
    unsafe extern "C" {
        fn kill(process: c_int, signal: c_int) -> c_int;
    }
    const SIGKILL: c_int = 9;
    if let Ok(id) = c_int::try_from(child.id()) {
        // SAFETY: a system call that touches no memory of ours; a group that is gone is an error, and no harm.
        unsafe { kill(-id, SIGKILL) };
    }
    child.kill()?;
    child.wait().map(drop)
}

/// Who of a run's keepers is the last: each holds a shared lock on RUN/keepers, which the system gives back however it
/// ends. Counting the servers' folders instead would wait for ever for one whose server was killed long before.
struct Turn(File);

impl Turn {
    fn join(run: &Path) -> io::Result<Self> {
        let path = run.join("keepers");
        let told = |error| io::Error::other(format!("cannot lock {}: {error}", path.display()));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(told)?;
        file.lock_shared().map_err(told)?;
        Ok(Self(file))
    }

    /// Lets go first: of two that end at once and both held on, neither would be the last.
    fn was_last(self) -> bool {
        self.0.unlock().is_ok() && self.0.try_lock().is_ok()
    }
}

/// As a shell says it: the code, or 128 and the signal's number.
fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Removes what the owner can no longer remove: the whole folder, whoever put what into it. RUN/keep says `all` to keep
/// everything, and `logs` to keep files and logs and no data; `RunDir::remove` of `stack` does the same.
fn tidy(run: &Path) {
    match fs::read_to_string(run.join("keep")).as_deref().map(str::trim) {
        Ok("logs") => {
            for part in folders(run) {
                let stays = |folder: &PathBuf| {
                    ["logs", "config.d", "users.d"]
                        .iter()
                        .any(|name| folder.ends_with(name))
                };
                for data in folders(&part).filter(|folder| !stays(folder)) {
                    remove(&data);
                }
            }
        }
        Ok(_) => {}
        Err(_) => remove(run),
    }
}

fn folders(of: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir())
}

/// More than once: a process of the owner that is only now ending may still put a file where one was just removed.
fn remove(folder: &Path) {
    for _ in 0..100 {
        let _ = fs::remove_dir_all(folder);
        if !folder.exists() {
            return;
        }
        thread::sleep(LOOK);
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn dies_with_us(command: &mut Command) -> &mut Command {
    use std::ffi::{c_int, c_ulong};
    use std::os::unix::process::parent_id;
    unsafe extern "C" {
        fn prctl(option: c_int, signal: c_ulong, ...) -> c_int;
    }
    const PR_SET_PDEATHSIG: c_int = 1;
    const SIGKILL: c_ulong = 9;
    const PR_SET_PTRACER: c_int = 0x5961_6d61;
    const PR_SET_PTRACER_ANY: c_ulong = c_ulong::MAX;
    let keeper = std::process::id();
    // SAFETY: between fork and exec only prctl and getppid run, both async-signal-safe system calls that touch no
    // memory of ours; on failure an error made of a constant is returned, without allocation.
    unsafe {
        command.pre_exec(move || {
            // Where Yama lets only ancestors trace (Ubuntu), a test's strace is a cousin. Yama keeps this by task, and
            // has no hook in exec, so the server still has it. Without Yama this fails, and nothing is lost.
            prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
            if prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // Had the keeper died before the call above, no signal would ever come.
            if parent_id() == keeper {
                Ok(())
            } else {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        })
    }
}

/// Elsewhere there is no such signal: only a keeper that is itself killed leaves its server behind.
#[cfg(not(target_os = "linux"))]
fn dies_with_us(command: &mut Command) -> &mut Command {
    command
}

#[cfg(not(target_os = "linux"))]
mod engine {
    use std::ffi::OsString;
    use std::io;
    use std::process::ExitCode;

    pub(super) fn serve(_: Vec<OsString>) -> io::Result<ExitCode> {
        Err(io::Error::other("the ClickHouse engine is loaded on Linux only"))
    }
}

/// The ClickHouse server out of the library that carries it.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod engine {
    use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
    use std::io;
    use std::os::unix::ffi::OsStringExt;
    use std::process::ExitCode;
    use std::ptr;

    unsafe extern "C" {
        fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
        fn dlsym(library: *mut c_void, symbol: *const c_char) -> *mut c_void;
        fn dlerror() -> *const c_char;
        fn _exit(code: c_int) -> !;
    }

    const RTLD_LAZY: c_int = 1;
    /// The library brings its own C++ runtime and allocator: its own symbols must win over ours.
    const RTLD_DEEPBIND: c_int = 8;

    /// The library is a Python module, and the loader resolves data symbols at once, lazy or not. The server never
    /// looks at these; they must only exist. Functions of CPython are bound when called, which is never.
    macro_rules! python_data {
        ($($name:ident)*) => {$(
            // SAFETY: no_mangle is unsafe because of clashes; no other definition of CPython's names is linked in.
            #[used]
            #[allow(non_upper_case_globals)]
            #[unsafe(no_mangle)]
            static $name: [u64; 64] = [1; 64];
        )*};
    }
    python_data! {
        PyBool_Type PyByteArray_Type PyCapsule_Type PyDict_Type PyExc_ImportError PyExc_RuntimeError
        PyExc_SystemError PyExc_TypeError PyExc_ValueError PyFloat_Type PyFrozenSet_Type PyMemoryView_Type PySet_Type
        _Py_FalseStruct _Py_NoneStruct _Py_TrueStruct
    }

    /// `int mainEntryClickHouseServer(int argc, char ** argv)`, as the C++ compiler spells it.
    const SERVER_MAIN: &CStr = c"_Z25mainEntryClickHouseServeriPPc";
    type ServerMain = unsafe extern "C" fn(c_int, *mut *mut c_char) -> c_int;

    pub(super) fn serve(arguments: Vec<OsString>) -> io::Result<ExitCode> {
        let mut texts = Vec::with_capacity(arguments.len());
        for argument in arguments {
            texts.push(CString::new(argument.into_vec())?);
        }
        let Some((library, arguments)) = texts.split_first() else {
            return Err(io::Error::other("usage: launcher clickhouse LIBRARY ARGUMENTS…"));
        };
        // SAFETY: the path is NUL-terminated and outlives the call; running the library's initialisers is the point.
        let handle = unsafe { dlopen(library.as_ptr(), RTLD_LAZY | RTLD_DEEPBIND) };
        if handle.is_null() {
            return Err(last_error());
        }
        // SAFETY: a live handle, never closed, and a NUL-terminated name.
        let symbol = unsafe { dlsym(handle, SERVER_MAIN.as_ptr()) };
        if symbol.is_null() {
            return Err(last_error());
        }
        // SAFETY: not null, and the mangled name spells this very signature.
        let server_main = unsafe { std::mem::transmute::<*mut c_void, ServerMain>(symbol) };

        let mut argv = vec![c"clickhouse-server".as_ptr().cast_mut()];
        argv.extend(arguments.iter().map(|argument| argument.as_ptr().cast_mut()));
        let argc = c_int::try_from(argv.len()).map_err(io::Error::other)?;
        argv.push(ptr::null_mut());
        // SAFETY: argv holds argc NUL-terminated strings and a null, all alive until the process ends. The server
        // parses them and writes to none.
        let code = unsafe { server_main(argc, argv.as_mut_ptr()) };
        // SAFETY: ends the process without running destructors: the engine's own have run, ours hold nothing, and a
        // second round through both C++ runtimes is what crashes.
        unsafe { _exit(code) }
    }

    fn last_error() -> io::Error {
        // SAFETY: dlerror is null or a string that lives until the next dl call, and it is copied before that.
        let text = unsafe {
            let text = dlerror();
            if text.is_null() {
                return io::Error::other("the loader says nothing");
            }
            CStr::from_ptr(text).to_string_lossy().into_owned()
        };
        io::Error::other(text)
    }
}
