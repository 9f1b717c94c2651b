//! What strangers bring as images and as files: each is refused or harmless.

use super::corpus::Input;
use super::{Evidence, Found, Outcome, Run};
use crate::image::{self, HEADER_BYTES, SUM_AT, checksum};
use crate::{Engine, Event, Machine};
use keyvm_isa::image::Image;
use keyvm_oracle::random::hostile::spoil;
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::random::{Random, own};
use keyvm_oracle::{Report, Subject, caught};

/// Answers a pending request, as a function of the image's own count of gas: the same at the same point of a run.
pub fn answer(machine: &mut Machine) {
    let at = machine.budget().gas_used;
    Subject::answer(machine, at);
}

/// A consistent image, which a machine was in after a random while: control may be deep in a chain, processes
/// suspended, a request pending.
///
/// # Panics
/// If that image is refused.
pub fn snapshot(random: &mut Random) -> Image<'static> {
    let shape = Shape::random(random);
    let image = scene(random, shape);
    let mut machine = Machine::new(&image).expect("scenes are consistent");
    for _ in 0..random.below(6) {
        let slice = random.pick(&[1, 30, 100, 300, 1000]);
        match machine.run(random.within(1, slice + 1)) {
            Event::Request if random.percent(70) => answer(&mut machine),
            _ => {}
        }
        if random.percent(10) {
            // Cut short by the prime meter.
            let used = machine.budget().gas_used;
            machine.set_gas_limit(used + random.below(20));
        }
    }
    own(&machine.image())
}

/// The file of an image.
fn file(image: &Image<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A vector takes everything.
    let _ = image::write(image, &mut bytes);
    bytes
}

/// Runs a machine for a bounded while, in pieces that follow from its state.
fn exercise(machine: &mut Machine) -> Report {
    const GAS: u64 = 400;
    let mut random = Random::new(machine.state_hash().words()[0]);
    for _ in 0..12 {
        let used = machine.total_gas();
        if used >= GAS {
            break;
        }
        match machine.run(random.within(1, GAS + 1).min(GAS - used)) {
            Event::Request => answer(machine),
            Event::Paused | Event::Yielded(_) | Event::Returned(_) => {}
            _ => break,
        }
    }
    Report { instructions: machine.instructions(), ..Report::default() }
}

/// Takes an image in that may be anything, and runs it for a while. Whether it was not refused.
///
/// # Errors
/// What it does that no image may do.
pub fn refused_or_harmless(image: &Image<'_>) -> Result<bool, String> {
    check(image, &Engine::default()).map(|report| report.is_some())
}

/// Takes an image in that may be anything: `None` if it is refused.
///
/// # Errors
/// What it does that no image may do.
pub(super) fn check(image: &Image<'_>, engine: &Engine) -> Result<Option<Report>, String> {
    let checked = caught(|| {
        let Ok(mut machine) = Machine::with_engine(image, engine) else { return Ok(None) };
        if machine.image() != *image {
            return Err("what was taken in is not what is given out".to_owned());
        }
        Subject::check(&mut machine)?;
        let report = exercise(&mut machine);
        machine.check_all()?;
        Ok(Some(report))
    });
    checked.unwrap_or_else(Err)
}

/// As [`check`], of a file.
///
/// # Errors
/// As [`check`].
pub(super) fn check_file(bytes: &[u8], engine: &Engine) -> Result<Option<Report>, String> {
    match caught(|| image::read(bytes)) {
        Ok(Ok(image)) => check(&image, engine),
        Ok(Err(error)) => caught(|| drop(error.to_string())).map(|()| None),
        Err(what) => Err(what),
    }
}

/// Puts the checksum right, if the file is long enough to have one.
fn mend(bytes: &mut [u8]) {
    if bytes.len() > HEADER_BYTES
        && let Some(sum) = checksum(bytes)
    {
        bytes[SUM_AT..SUM_AT + 32].copy_from_slice(&sum.0);
    }
}

pub(super) fn run(random: &mut Random) -> Outcome {
    let mut image = snapshot(random);
    if random.percent(70) {
        spoil(random, &mut image);
        return run_image(image);
    }
    let mut bytes = file(&image);
    damage(random, &mut bytes);
    run_as_is(bytes)
}

pub(super) fn run_image(image: Image<'static>) -> Outcome {
    let engine = Engine::recording();
    match check(&image, &engine) {
        Ok(report) => Ok(Run::of(report, &engine, Some(Input::Image(image)))),
        Err(what) => Err(Box::new(Found { what, evidence: Evidence::Image(image) })),
    }
}

fn run_as_is(bytes: Vec<u8>) -> Outcome {
    let engine = Engine::recording();
    match check_file(&bytes, &engine) {
        Ok(report) => Ok(Run::of(report, &engine, None)),
        Err(what) => Err(Box::new(Found { what, evidence: Evidence::File(bytes) })),
    }
}

/// A file as it is, and with its checksum put right: else little would be read of it.
pub(super) fn run_file(mut bytes: Vec<u8>) -> Outcome {
    run_as_is(bytes.clone())?;
    mend(&mut bytes);
    run_as_is(bytes)
}

/// Spoils a few bytes of a file. The checksum is right again mostly.
pub fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..random.within(1, 4) {
        if bytes.is_empty() {
            return;
        }
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
    }
    if random.percent(90) {
        mend(bytes);
    }
}
