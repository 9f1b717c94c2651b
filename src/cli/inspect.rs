//! `keyvm inspect`: what is in an image.

use super::authority;
use super::exit::{Exit, Failure};
use super::input::machine;
use super::inspect_json::json;
use super::output::{print, style_results};
use super::survey::{Survey, kind_name, rights_text};
use super::table::Listing;
use super::text::number;
use clap::Args;
use keyvm::image::Hash;
use keyvm::isa::image::{Body, Call, Key, Meter, Number};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Show what is in an image: processes, keys, memories, meters, and where control is.
///
/// With --authority: what each process can reach by following its keys, host keys first, so that an image can be
/// judged before it is resumed. "By itself" is what it holds or can fetch; "through others" is what processes have
/// that it can call, send keys to, mend, or keep, and that may act for it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The image, program or assembly file.
    image: PathBuf,
    /// What each process can reach, or only the one with this number.
    #[arg(long, value_name = "PROCESS", num_args = 0..=1, require_equals = true, value_parser = number)]
    authority: Option<Option<Number>>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  keyvm inspect half.blob
  keyvm inspect stranger.blob --authority
  keyvm inspect stranger.blob --authority=7
  keyvm inspect half.blob --json | jq '.processes[].status'";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut machine = machine(&arguments.image)?;
    let hash = machine.state_hash();
    let image = machine.image();
    let survey = Survey::new(&image);
    let text = match arguments.authority {
        Some(only) => {
            if let Some(number) = only
                && survey.process(number).is_none()
            {
                let message = format_args!("there is no process {number} in the image");
                return Err(Failure::about(format_args!("--authority={number}"), message));
            }
            let authorities = authority::of_all(&survey, only);
            if arguments.json {
                authority::json(&survey, &authorities)
            } else {
                authority::text(&survey, &authorities)
            }
        }
        None if arguments.json => json(&survey, hash),
        None => tables(&survey, hash, style_results()),
    };
    print(&text)?;
    Ok(Exit::Done)
}

/// An image as tables.
fn tables(survey: &Survey<'_, '_>, hash: Hash, framed: bool) -> String {
    let mut text = String::new();
    head(survey, hash, &mut text);
    processes(survey, framed).write(&mut text);
    keys(survey, framed).write(&mut text);
    memories(survey, framed).write(&mut text);
    meters(survey, framed).write(&mut text);
    others(survey, framed).write(&mut text);
    text
}

fn head(survey: &Survey<'_, '_>, hash: Hash, text: &mut String) {
    let image = survey.image;
    // Writing into a string does not fail.
    let _ = writeln!(text, "state hash   {hash}");
    let (root, prime, next) = (image.root, image.prime, image.next_number);
    let objects = image.objects.len();
    let _ = writeln!(
        text,
        "objects      {objects} (root process {root}, prime meter {prime}, next number {next})"
    );
    let control = match image.chain.len() {
        0 => "with the host".to_owned(),
        1 => "in the root process".to_owned(),
        depth => format!("{depth} calls deep"),
    };
    let _ = writeln!(text, "control      {control}");
    for (depth, link) in image.chain.iter().enumerate() {
        let how = match link.call {
            Call::Invoke if depth == 0 => "called by the host".to_owned(),
            Call::Invoke => "invoked, under its own meter".to_owned(),
            Call::Keeper => "as the keeper of the one before".to_owned(),
            Call::Recurse { meter, gas, words } => {
                format!("recursed, under call meter {meter}: {gas} gas and {words} words left")
            }
        };
        let _ = writeln!(text, "             {}: {how}", survey.name(link.process));
    }
    if let Some(request) = &image.request {
        let words: Vec<_> = request.words.iter().map(u64::to_string).collect();
        let keys = request.keys.len();
        let to = survey.name(request.host);
        let _ = writeln!(text, "request      to {to}: words [{}], {keys} keys", words.join(", "));
    }
}

fn processes(survey: &Survey<'_, '_>, framed: bool) -> Listing {
    let columns = [
        ("number", true),
        ("status", false),
        ("index", true),
        ("code", true),
        ("data words", true),
        ("operands", true),
        ("frames", true),
        ("keys", true),
        ("meter", true),
        ("notes", false),
    ];
    let mut listing = Listing::new("Processes", &columns, framed);
    for (number, process) in survey.processes() {
        let mut notes = Vec::new();
        let mut note = |holds: bool, what: String| notes.extend(holds.then_some(what));
        note(number == survey.image.root, "root".to_owned());
        note(process.standing, "standing".to_owned());
        note(process.stopped, "stopped".to_owned());
        note(process.callee != 0, format!("waits for {}", process.callee));
        if let Some(trap) = process.trap {
            note(true, format!("trap {trap}"));
        }
        note(process.amount != 0, format!("needs {}", process.amount));
        if let Some(keeper) = &process.keeper {
            note(true, format!("keeper {}", keeper.object));
        }
        listing.row([
            number.to_string(),
            process.status.to_string(),
            process.index.to_string(),
            process.code.to_string(),
            (process.data.len() / 8).to_string(),
            process.stack.len().to_string(),
            process.frames.len().to_string(),
            process.keys.len().to_string(),
            survey.object(number).map_or(0, |object| object.meter).to_string(),
            notes.join(", "),
        ]);
    }
    listing
}

fn keys(survey: &Survey<'_, '_>, framed: bool) -> Listing {
    let columns = [
        ("holder", false),
        ("slot", true),
        ("object", false),
        ("rights", false),
        ("gate", true),
        ("sealed by", true),
        ("notes", false),
    ];
    let mut listing = Listing::new("Keys", &columns, framed);
    let mut list = |holder: Number, keys: &[Option<Key>]| {
        for (slot, key) in keys.iter().enumerate() {
            let Some(key) = key else {
                continue;
            };
            let number = |number: Number| if number == 0 { "-".to_owned() } else { number.to_string() };
            let note = match key {
                _ if !survey.is_live(key) => "dead",
                _ if key.object == holder => "itself",
                _ => "",
            };
            listing.row([
                survey.name(holder),
                slot.to_string(),
                survey.name(key.object),
                rights_text(key.rights),
                number(key.gate),
                number(key.seal),
                note.to_owned(),
            ]);
        }
    };
    for (number, process) in survey.processes() {
        list(number, &process.keys);
    }
    for object in &survey.image.objects {
        if let Body::Keys(keys) = &object.body {
            list(object.number, keys);
        }
    }
    listing
}

fn memories(survey: &Survey<'_, '_>, framed: bool) -> Listing {
    let columns = [("number", true), ("kind", false), ("words", true), ("meter", true)];
    let mut listing = Listing::new("Pages", &columns, framed);
    for object in &survey.image.objects {
        let size = match &object.body {
            Body::Data(bytes) => (bytes.len() / 8).to_string(),
            Body::Code(words) => words.len().to_string(),
            Body::Keys(keys) => format!("{} slots", keys.len()),
            _ => continue,
        };
        let kind = kind_name(&object.body).to_owned();
        listing.row([object.number.to_string(), kind, size, object.meter.to_string()]);
    }
    listing
}

fn meters(survey: &Survey<'_, '_>, framed: bool) -> Listing {
    let columns = [
        ("meter", false),
        ("gas used", true),
        ("gas limit", true),
        ("words used", true),
        ("words limit", true),
        ("notes", false),
    ];
    let mut listing = Listing::new("Meters", &columns, framed);
    let mut below: BTreeMap<Number, Vec<Number>> = BTreeMap::new();
    for object in survey.image.objects.iter().rev().filter(|object| super::survey::is_meter(&object.body)) {
        below.entry(object.meter).or_default().push(object.number);
    }
    let left: BTreeMap<Number, (u64, u64)> = survey
        .image
        .chain
        .iter()
        .filter_map(|link| match link.call {
            Call::Recurse { meter, gas, words } => Some((meter, (gas, words))),
            _ => None,
        })
        .collect();
    // Depth first, without the native stack: an image may hang call meters a hundred thousand deep.
    let mut stack = vec![(survey.image.prime, 0)];
    while let Some((number, depth)) = stack.pop() {
        let used = survey.words_of_meter(number).to_string();
        let name = format!("{}{number}", ". ".repeat(depth.min(INDENT_MAX)));
        match survey.body(number) {
            Some(Body::Meter(meter)) => listing.row([
                name,
                meter.gas_used.to_string(),
                limit(meter.gas_limit),
                used,
                limit(meter.words_limit),
                notes(meter),
            ]),
            Some(Body::CallMeter { callee, .. }) => {
                let (gas, words) = match left.get(&number) {
                    Some((gas, words)) => (format!("{gas} left"), format!("{words} left")),
                    None => ("-".to_owned(), "-".to_owned()),
                };
                listing.row([
                    name,
                    "-".to_owned(),
                    gas,
                    used,
                    words,
                    format!("of calls of process {callee}"),
                ]);
            }
            _ => {}
        }
        stack.extend(below.get(&number).into_iter().flatten().map(|&meter| (meter, depth + 1)));
    }
    listing
}

/// Levels of the tree of meters that are indented.
const INDENT_MAX: usize = 64;

fn limit(limit: u64) -> String {
    if limit == u64::MAX { "none".to_owned() } else { limit.to_string() }
}

fn notes(meter: &Meter) -> String {
    let mut notes = Vec::new();
    if meter.stopped {
        notes.push("stopped".to_owned());
    }
    if meter.rent_limit != u128::MAX {
        notes.push(format!("rent {} of {}", meter.rent_used, meter.rent_limit));
    }
    if let Some(keeper) = &meter.keeper {
        notes.push(format!("keeper {}", keeper.object));
    }
    notes.join(", ")
}

fn others(survey: &Survey<'_, '_>, framed: bool) -> Listing {
    let columns = [("object", false), ("meter", true), ("notes", false)];
    let mut listing = Listing::new("Gates, brands and hosts", &columns, framed);
    for object in &survey.image.objects {
        let note = match &object.body {
            Body::Gate { parent: 0 } | Body::Brand | Body::Host(_) => String::new(),
            Body::Gate { parent } => format!("below gate {parent}"),
            _ => continue,
        };
        listing.row([survey.name(object.number), object.meter.to_string(), note]);
    }
    listing
}
