//! requests: the same work in a row, in threads, and in tasks on one thread; waiting for others, and computing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use measure::Teller;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::part::Part;
use crate::run::{Figures, Run, cpu, millis, one_thread, thread_cpu};
use crate::serve::REQUEST;

/// What one piece of the work is.
#[derive(Clone, Copy)]
enum Piece {
    /// A request that a server answers after so long.
    Wait(Duration),
    /// So many steps of arithmetic.
    Compute(u64),
}

const WAYS: [&str; 3] = ["in-a-row", "threads", "tasks"];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let server = Part::start("answer")?;
    let address = server.address()?;
    let ms = Duration::from_millis;
    let (pieces, wait, compute) = run.pick((100, ms(50), ms(5)), (100, ms(50), ms(5)), (4, ms(5), ms(1)));
    let guide = run.pick([ms(3_000), ms(2_000)], [ms(3_000), ms(2_000)], [ms(3), ms(2)]);
    let steps = steps_of(compute);
    let works: [(&str, Vec<Piece>); 3] = [
        ("100-waits-of-50ms", vec![Piece::Wait(wait); pieces]),
        ("3s-and-2s", guide.map(Piece::Wait).to_vec()),
        ("100-computations-of-5ms", vec![Piece::Compute(steps); pieces]),
    ];
    let rounds = run.pick(5, 2, 1);
    let mut teller = Teller::new(rounds * (works.len() * WAYS.len() + 1));
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (work, pieces) in &works {
            for way in WAYS {
                teller.step(&format!("{work}, {way}"));
                let (began, used) = (Instant::now(), cpu());
                match way {
                    "in-a-row" => in_a_row(address, pieces)?,
                    "threads" => threads(address, pieces)?,
                    _ => one_thread()?.block_on(tasks(address, pieces))?,
                }
                let arm = format!("work={work} way={way}");
                figures.add(&arm, "total", millis(began.elapsed()), pieces.len() as u64);
                figures.add(&arm, "cpu", millis(cpu() - used), pieces.len() as u64);
            }
        }
        teller.step("a socket on which nothing has come yet");
        for (way, returned) in looks(address, wait)? {
            figures.add(&format!("work=recv way={way}"), "returned", millis(returned), 1);
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// How many steps take so long here.
fn steps_of(time: Duration) -> u64 {
    let (used, steps) = (thread_cpu(), 20_000_000);
    compute(steps);
    let took = thread_cpu() - used;
    (steps as f64 * time.as_secs_f64() / took.as_secs_f64().max(1e-6)) as u64
}

fn compute(steps: u64) {
    let mut value = 88_172_645_463_325_252u64;
    for _ in 0..steps {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    std::hint::black_box(value);
}

fn request(number: u64, after: Duration) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    request[..8].copy_from_slice(&number.to_be_bytes());
    request[8..].copy_from_slice(&(after.as_millis() as u32).to_be_bytes());
    request
}

fn check(number: u64, answer: [u8; 8]) -> anyhow::Result<()> {
    anyhow::ensure!(u64::from_be_bytes(answer) == number, "another request's answer");
    Ok(())
}

/// One piece, by a thread that does nothing else meanwhile.
fn blocking(address: SocketAddr, number: u64, piece: Piece) -> anyhow::Result<()> {
    match piece {
        Piece::Compute(steps) => compute(steps),
        Piece::Wait(after) => {
            let mut socket = TcpStream::connect(address)?;
            socket.write_all(&request(number, after))?;
            let mut answer = [0; 8];
            socket.read_exact(&mut answer)?;
            check(number, answer)?;
        }
    }
    Ok(())
}

/// The same, by a task that lets others go on while it waits.
async fn awaited(address: SocketAddr, number: u64, piece: Piece) -> anyhow::Result<()> {
    match piece {
        Piece::Compute(steps) => compute(steps),
        Piece::Wait(after) => {
            let mut socket = tokio::net::TcpStream::connect(address).await?;
            socket.write_all(&request(number, after)).await?;
            let mut answer = [0; 8];
            socket.read_exact(&mut answer).await?;
            check(number, answer)?;
        }
    }
    Ok(())
}

fn in_a_row(address: SocketAddr, pieces: &[Piece]) -> anyhow::Result<()> {
    for (number, piece) in (0..).zip(pieces) {
        blocking(address, number, *piece)?;
    }
    Ok(())
}

fn threads(address: SocketAddr, pieces: &[Piece]) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..)
            .zip(pieces)
            .map(|(number, piece)| scope.spawn(move || blocking(address, number, *piece)))
            .collect();
        started
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked")))
    })
}

async fn tasks(address: SocketAddr, pieces: &[Piece]) -> anyhow::Result<()> {
    let started: Vec<_> = (0..)
        .zip(pieces)
        .map(|(number, piece)| tokio::spawn(awaited(address, number, *piece)))
        .collect();
    for task in started {
        task.await??;
    }
    Ok(())
}

/// How long a read takes to return on a socket on which an answer comes after `after`.
fn looks(address: SocketAddr, after: Duration) -> anyhow::Result<[(&'static str, Duration); 2]> {
    let mut answer = [0; 8];
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(&request(1, after))?;
    let began = Instant::now();
    socket.read_exact(&mut answer)?;
    let blocking = began.elapsed();

    socket.write_all(&request(2, after))?;
    socket.set_nonblocking(true)?;
    let began = Instant::now();
    let said = socket.read(&mut answer);
    let nonblocking = began.elapsed();
    anyhow::ensure!(
        said.is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
        "something had come already"
    );
    Ok([("blocking", blocking), ("nonblocking", nonblocking)])
}
