//! What strangers bring: random programs, random images, spoilt images, spoilt files. Each is refused or harmless,
//! nothing ever panics, and nothing is allocated on a stranger's word.
//!
//! `KEYVM_FUZZ_SECONDS=60` runs the harness for that long, `KEYVM_FUZZ_RUNS=10000000` for that many counted runs,
//! `KEYVM_FUZZ_SEED=n` from that seed on (one run's failure names its seed).

mod random;

use keyvm::fuzz::{Target, damage, run};
use keyvm::image::read;
use keyvm::isa::image::Image;
use keyvm::{CompilerOptions, Machine};
use keyvm_oracle::random::setting;
use random::hostile::{EXTREMES, HEAD_FIELDS, OBJECT_FIELDS, set_head, set_object, spoil};
use random::scene::{Shape, scene};
use random::{Random, file, naming, own, snapshot};
use std::sync::atomic::{AtomicU64, Ordering};

/// An image that may be anything is refused or harmless.
fn refused_or_harmless(image: &Image<'_>) -> bool {
    keyvm::fuzz::refused_or_harmless(image).unwrap_or_else(|what| panic!("{what}"))
}

#[test]
fn every_field_of_an_image_may_be_anything() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let image = snapshot(&mut random);
        let numbers = image.objects.iter().map(|object| object.number);
        let values: Vec<u64> = EXTREMES.into_iter().chain(numbers).collect();
        for &value in &values {
            for field in 0..HEAD_FIELDS {
                let mut spoilt = own(&image);
                if set_head(&mut spoilt, field, value) {
                    let good = naming(
                        || format!("seed {seed}, head field {field} = {value:#x}"),
                        || refused_or_harmless(&spoilt),
                    );
                    *(if good { &mut accepted } else { &mut refused }) += 1;
                }
            }
            for object in 0..image.objects.len() {
                for field in 0..OBJECT_FIELDS {
                    let mut spoilt = own(&image);
                    if !set_object(&mut spoilt.objects[object], field, value) {
                        continue;
                    }
                    let good = naming(
                        || format!("seed {seed}, object at {object}, field {field} = {value:#x}"),
                        || refused_or_harmless(&spoilt),
                    );
                    *(if good { &mut accepted } else { &mut refused }) += 1;
                }
            }
        }
    }
    println!("{accepted} spoilt images accepted, {refused} refused");
    assert!(accepted > 1000 && refused > 1000);
}

#[test]
fn images_with_several_fields_spoilt_are_refused_or_harmless() {
    let mut accepted = 0;
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        naming(
            || format!("seed {seed}"),
            || {
                let mut image = snapshot(&mut random);
                for _ in 0..4 {
                    let mut spoilt = own(&image);
                    spoil(&mut random, &mut spoilt);
                    if refused_or_harmless(&spoilt) {
                        accepted += 1;
                        image = spoilt;
                    }
                }
            },
        );
    }
    println!("{accepted} of 12000 accepted");
    assert!(accepted > 1000);
}

#[test]
fn spoilt_files_are_refused_or_harmless() {
    let (mut read_again, mut accepted) = (0, 0);
    for seed in 0..400 {
        let mut random = Random::new(seed);
        naming(
            || format!("seed {seed}"),
            || {
                let whole = file(&snapshot(&mut random));
                for _ in 0..40 {
                    let mut bytes = whole.clone();
                    damage(&mut random, &mut bytes);
                    if let Ok(image) = read(&bytes) {
                        read_again += 1;
                        accepted += u64::from(refused_or_harmless(&image));
                    }
                }
            },
        );
    }
    println!("{read_again} of 16000 spoilt files read, {accepted} accepted");
    assert!(accepted > 100);
}

/// The most memory this process ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says how much a process uses");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it says its peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("it is a number") * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn what_an_image_only_claims_is_not_allocated() {
    let image = scene(
        &mut Random::new(1),
        Shape {
            processes: 2,
            keepers: false,
            hidden_prime: true,
            limits: false,
            groups: 1,
            computing: 0,
            looping: None,
            turns: 1,
        },
    );
    for (name, field, value) in [("stack", 5, 1 << 28), ("key", 23, 1 << 24), ("frame", 10, 1 << 27)] {
        let mut claims = own(&image);
        for object in &mut claims.objects {
            if set_object(object, 2 + 6, 1 << 28) {
                set_object(object, 2 + field, value);
            }
        }
        let before = peak_bytes();
        refused_or_harmless(&claims);
        let more = peak_bytes().saturating_sub(before);
        assert!(more < 256 << 20, "a claimed {name} capacity cost {more} bytes");
    }
}

/// What the harness has done.
#[derive(Default)]
struct Tally {
    runs: AtomicU64,
    counted: AtomicU64,
    instructions: AtomicU64,
    refused: AtomicU64,
}

/// One run: a spoilt image in one case of four, else one that is run for a bounded while, cut and in one piece.
fn one_run(seed: u64, tally: &Tally) {
    let target = if seed % 4 == 3 { Target::Image } else { Target::Kernel };
    let run = run::<Machine>(target, seed, CompilerOptions::default())
        .unwrap_or_else(|finding| panic!("{finding}"));
    tally.runs.fetch_add(1, Ordering::Relaxed);
    tally.refused.fetch_add(u64::from(!run.accepted), Ordering::Relaxed);
    tally.instructions.fetch_add(run.report.instructions, Ordering::Relaxed);
    // What traps within 20 instructions does not count.
    tally.counted.fetch_add(u64::from(run.report.instructions > 20), Ordering::Relaxed);
}

/// For some seconds, or for so many counted runs, on all cores.
#[test]
#[allow(
    clippy::disallowed_types,
    reason = "a time budget is this test's purpose; no outcome depends on the clock"
)]
fn random_images_and_programs_never_panic() {
    let start = std::time::Instant::now();
    let wanted = setting("KEYVM_FUZZ_RUNS");
    let seconds = setting("KEYVM_FUZZ_SECONDS").unwrap_or(5);
    let first = setting("KEYVM_FUZZ_SEED").unwrap_or(0);
    let (next, tally) = (AtomicU64::new(first), Tally::default());
    let done = || match wanted {
        Some(wanted) => tally.counted.load(Ordering::Relaxed) >= wanted,
        None => start.elapsed().as_secs() >= seconds,
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !done() {
                    let batch = next.fetch_add(64, Ordering::Relaxed);
                    for seed in batch..batch + 64 {
                        naming(
                            || format!("run {seed}: KEYVM_FUZZ_SEED={seed} KEYVM_FUZZ_SECONDS=1"),
                            || {
                                one_run(seed, &tally);
                            },
                        );
                    }
                }
            });
        }
    });
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let elapsed = start.elapsed().as_secs_f64();
    println!(
        "{} runs, {} refused, {} counted, {} instructions, {elapsed:.1} s, {:.0} counted runs a second",
        of(&tally.runs),
        of(&tally.refused),
        of(&tally.counted),
        of(&tally.instructions),
        of(&tally.counted) as f64 / elapsed,
    );
    assert!(of(&tally.counted) * 2 > of(&tally.runs), "most runs do something");
}
