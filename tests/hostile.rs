//! What strangers bring: random programs, random images, spoilt images, spoilt files. Each is refused or harmless,
//! nothing ever panics, and nothing is allocated on a stranger's word.
//!
//! `KEYVM_FUZZ_SECONDS=60` runs the harness for that long, `KEYVM_FUZZ_RUNS=10000000` for that many counted runs,
//! `KEYVM_FUZZ_SEED=n` from that seed on (one run's failure names its seed).

mod random;

use keyvm::image::{HEADER_BYTES, SUM_AT, checksum, read, state_hash};
use keyvm::isa::image::Image;
use keyvm::{Event, Machine};
use keyvm_oracle::random::setting;
use random::hostile::{EXTREMES, HEAD_FIELDS, OBJECT_FIELDS, set_head, set_object, spoil};
use random::scene::{Shape, scene};
use random::{Random, answer, file, is_final, naming, own, snapshot};
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs a machine for a bounded while, in pieces.
fn exercise(machine: &mut Machine, random: &mut Random, gas: u64) -> Vec<Event> {
    let mut events = Vec::new();
    let mut used = 0;
    for _ in 0..12 {
        let before = machine.total_gas();
        let event = machine.run(random.within(1, gas + 1).min(gas - used));
        used += machine.total_gas() - before;
        match event {
            Event::Request => answer(machine),
            Event::Paused if used >= gas => break,
            _ => {}
        }
        let last = is_final(&event);
        events.push(event);
        if last || used >= gas {
            break;
        }
    }
    events
}

/// What must hold of a machine at any stop: its books balance, it is kept up as defined, and it can be saved and loaded.
fn sound(machine: &mut Machine) {
    assert_eq!(machine.audit(), Ok(()), "the books do not balance");
    let hash = machine.state_hash();
    let image = machine.image();
    assert_eq!(hash, state_hash(&image), "the hash kept up is not the hash from scratch");
    match Machine::new(&image) {
        Ok(mut again) => assert!(again.image() == image, "what comes out is not what went in"),
        Err(error) => panic!("the machine's own image is refused: {error}"),
    }
}

/// An image that may be anything is refused or harmless.
fn refused_or_harmless(image: &Image<'_>, random: &mut Random) -> bool {
    let Ok(mut machine) = Machine::new(image) else { return false };
    assert!(machine.image() == *image, "what was taken in is not what is given out");
    assert_eq!(machine.audit(), Ok(()), "the books do not balance at once");
    exercise(&mut machine, random, 400);
    sound(&mut machine);
    true
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
                        || refused_or_harmless(&spoilt, &mut random),
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
                        || refused_or_harmless(&spoilt, &mut random),
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
                    if refused_or_harmless(&spoilt, &mut random) {
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
                    for _ in 0..random.within(1, 4) {
                        let at = random.index(bytes.len());
                        match random.below(5) {
                            0 => bytes.truncate(at),
                            1 => bytes[at] ^= 1 << random.below(8),
                            2 => bytes[at] = random.pick(&[0, 1, 0x7f, 0xff]),
                            _ => {
                                // A whole number in the tables.
                                let at = at / 8 * 8;
                                let word = random.word().to_le_bytes();
                                if let Some(place) = bytes.get_mut(at..at + 8) {
                                    place.copy_from_slice(&word);
                                }
                            }
                        }
                        if bytes.is_empty() {
                            break;
                        }
                    }
                    if random.percent(90)
                        && bytes.len() > HEADER_BYTES
                        && let Some(sum) = checksum(&bytes)
                    {
                        bytes[SUM_AT..SUM_AT + 32].copy_from_slice(&sum.0);
                    }
                    if let Ok(image) = read(&bytes) {
                        read_again += 1;
                        accepted += u64::from(refused_or_harmless(&image, &mut random));
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
        if let Ok(mut machine) = Machine::new(&claims) {
            exercise(&mut machine, &mut Random::new(2), 1000);
            sound(&mut machine);
        }
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

/// One run: a random image, spoilt in one case of four, run for a bounded while.
fn one_run(seed: u64, tally: &Tally) {
    let mut random = Random::new(seed);
    let shape = Shape::random(&mut random);
    let mut image = scene(&mut random, shape);
    if seed % 4 == 3 {
        spoil(&mut random, &mut image);
    }
    tally.runs.fetch_add(1, Ordering::Relaxed);
    let Ok(mut machine) = Machine::new(&image) else {
        tally.refused.fetch_add(1, Ordering::Relaxed);
        assert!(seed % 4 == 3, "a consistent image was refused");
        return;
    };
    let gas = random.pick(&[200, 500, 1500, 4000]);
    let events = exercise(&mut machine, &mut random, gas);
    assert_eq!(machine.audit(), Ok(()), "the books do not balance");
    if seed % 16 < 2 {
        sound(&mut machine);
    }
    let instructions = machine.instructions();
    tally.instructions.fetch_add(instructions, Ordering::Relaxed);
    // What traps within 20 instructions does not count.
    if instructions > 20 || !matches!(events.last(), Some(Event::Trapped(_))) && instructions > 0 {
        tally.counted.fetch_add(1, Ordering::Relaxed);
    }
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
