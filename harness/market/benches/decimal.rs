//! Reading a decimal: our own type against `rust_decimal`, the best kept one. The floor is reading the digits into a `u64`.

use std::hint::black_box;
use std::str::FromStr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use market::Decimal;

fn floor(text: &str) -> u64 {
    text.bytes()
        .filter(u8::is_ascii_digit)
        .fold(0u64, |n, byte| n.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')))
}

fn parse(c: &mut Criterion) {
    let prices = ["116539000.00000000", "91154000.0", "3458000", "0.1234", "1025.5"];
    let volumes = ["0.00006043", "0.85870000", "1540.12345678", "12.5", "0.00079276"];
    let exponents = ["1.16539E8", "7.9276E-4", "0E-8", "8.428e-05", "9.1154E7"];
    for (name, texts) in [("prices", prices), ("volumes", volumes), ("exponents", exponents)] {
        let mut group = c.benchmark_group(format!("decimal/{name}"));
        group.throughput(Throughput::Elements(texts.len() as u64));
        group.bench_function("floor: digits", |b| {
            b.iter(|| {
                texts.iter().for_each(|text| {
                    black_box(floor(black_box(text)));
                })
            });
        });
        group.bench_function("market", |b| {
            b.iter(|| {
                texts.iter().for_each(|text| {
                    let _ = black_box(Decimal::parse(black_box(text).as_bytes()));
                })
            });
        });
        group.bench_function("rust_decimal", |b| {
            b.iter(|| {
                for text in &texts {
                    // It reads an exponent only through a function of its own.
                    let _ = black_box(match name {
                        "exponents" => rust_decimal::Decimal::from_scientific(black_box(text)),
                        _ => rust_decimal::Decimal::from_str(black_box(text)),
                    });
                }
            });
        });
        group.finish();
    }
}

fn write(c: &mut Criterion) {
    let ours: Decimal = "116539000.5".parse().expect("a number");
    let other = rust_decimal::Decimal::from_str("116539000.5").expect("a number");
    let mut group = c.benchmark_group("decimal/write");
    let mut buffer = Vec::with_capacity(64);
    group.bench_function("market", |b| {
        b.iter(|| {
            buffer.clear();
            black_box(ours).write_to(&mut buffer);
            black_box(buffer.len())
        });
    });
    group.bench_function("rust_decimal", |b| b.iter(|| black_box(other).to_string().len()));
    group.finish();
}

criterion_group!(benches, parse, write);
criterion_main!(benches);
