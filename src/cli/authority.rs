//! What each process can reach by following keys: what somebody wants to know before an image is resumed.
//!
//! *By itself* a process reaches what it holds keys to, what it can fetch with them out of key pages and out of the key
//! lists of processes, and what it can unseal: the keys as they would come out, weak ones weakened. *Through others*
//! it reaches what those processes reach by themselves that it can call, send keys to, or mend, or whose keeper it is,
//! and theirs in turn. Whether they do anything for it is up to their code; more than they have nobody can give.

use super::inspect_json::line;
use super::output::style_results;
use super::survey::{Survey, kind, kind_name, right_names, rights_text};
use super::table::Listing;
use super::text::count;
use keyvm::isa::Rights;
use keyvm::isa::image::{Body, Key, Number};
use keyvm::isa::layout::Kind;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Rights to objects. Sets of rights are united bit by bit: two keys to an object together allow what either does.
type Reach = BTreeMap<Number, Rights>;

/// What a process can reach.
pub(super) struct Authority {
    process: Number,
    itself: Reach,
    others: BTreeMap<Number, Through>,
}

/// What is reached through others.
#[derive(Clone, Copy)]
struct Through {
    rights: Rights,
    /// The nearest process that has it.
    process: Number,
}

fn united(a: Rights, b: Rights) -> Rights {
    Rights::from_bits(u64::from(a.bits() | b.bits()))
}

fn add(reach: &mut Reach, object: Number, rights: Rights) {
    let all = reach.entry(object).or_insert(Rights::NONE);
    *all = united(*all, rights);
}

/// What has been followed so far.
#[derive(Default)]
struct Trail {
    /// Keys that something has been fetched through: object and rights. Two keys to an object are two ways in.
    entered: BTreeSet<(Number, u16)>,
    /// Keys that cannot be unsealed yet.
    sealed: Vec<Key>,
    /// Brands that can be read.
    brands: BTreeSet<Number>,
}

impl Trail {
    /// Follows the keys that a process holds, and tells of each key that comes out.
    fn follow(&mut self, survey: &Survey<'_, '_>, process: Number, mut found: impl FnMut(Number, Rights)) {
        let Some(holder) = survey.process(process) else {
            return;
        };
        let mut work: Vec<Key> = holder.keys.iter().flatten().copied().collect();
        while let Some(key) = work.pop() {
            if !survey.is_live(&key) {
                continue;
            }
            if key.seal != 0 && !self.brands.contains(&key.seal) {
                self.sealed.push(key);
                continue;
            }
            found(key.object, key.rights);
            if !key.rights.has(Rights::READ) || !self.entered.insert((key.object, key.rights.bits())) {
                continue;
            }
            match survey.body(key.object) {
                Some(Body::Keys(keys)) => fetch(keys, key.rights, &mut work),
                Some(Body::Process(other)) => fetch(&other.keys, key.rights, &mut work),
                Some(Body::Brand) => {
                    self.brands.insert(key.object);
                    work.extend(self.sealed.extract_if(.., |held| held.seal == key.object));
                }
                _ => {}
            }
        }
    }
}

/// The keys of a list as they come out through a key with these rights.
fn fetch(keys: &[Option<Key>], through: Rights, work: &mut Vec<Key>) {
    let mask = if through.has(Rights::STRONG) { Rights::ALL } else { Rights::WEAKENED };
    let copyable = keys.iter().flatten().filter(|key| key.rights.has(Rights::COPY));
    work.extend(copyable.map(|key| Key { rights: key.rights.and(mask), ..*key }));
}

/// Whether a key is what every process has of itself.
fn is_own(process: Number, object: Number, rights: Rights) -> bool {
    process == object && Rights::OWN.has(rights)
}

/// The processes that each process keeps: whose traps and dryness it is called for.
fn kept(survey: &Survey<'_, '_>) -> BTreeMap<Number, Vec<Number>> {
    let mut kept: BTreeMap<Number, Vec<Number>> = BTreeMap::new();
    for (number, process) in survey.processes() {
        if let Some(keeper) = process.keeper.filter(|key| survey.is_live(key)) {
            kept.entry(keeper.object).or_default().push(number);
        }
        // Keepers of meters are called for whatever runs below.
        let charged = survey.object(number).map_or(0, |object| object.meter);
        let mut meter = survey.standing_meter(charged);
        while let Some(object) = survey.object(meter) {
            if let Body::Meter(found) = &object.body
                && let Some(keeper) = found.keeper.filter(|key| survey.is_live(key))
            {
                kept.entry(keeper.object).or_default().push(number);
            }
            meter = survey.standing_meter(object.meter);
        }
    }
    kept
}

/// Rights with which a process can make another act.
const MOVING: [Rights; 3] = [Rights::CALL, Rights::SEND, Rights::MEND];

/// What all processes can reach, or only one; the root first.
pub(super) fn of_all(survey: &Survey<'_, '_>, only: Option<Number>) -> Vec<Authority> {
    let kept = kept(survey);
    let wanted = survey.processes().map(|(number, _)| number);
    let wanted = wanted.filter(|&number| only.is_none_or(|only| only == number));
    wanted.map(|process| of(survey, &kept, process)).collect()
}

fn of(survey: &Survey<'_, '_>, kept: &BTreeMap<Number, Vec<Number>>, process: Number) -> Authority {
    let keeping = |actor: Number| kept.get(&actor).into_iter().flatten().map(|&kept| (kept, Rights::KEEPER));
    let mut itself = Reach::new();
    let mut trail = Trail::default();
    trail.follow(survey, process, |object, rights| {
        if !is_own(process, object, rights) {
            add(&mut itself, object, rights);
        }
    });
    for (object, rights) in keeping(process) {
        add(&mut itself, object, rights);
    }

    // The others, in order of distance, so that the nearest is the one named. What they fetch is followed anew; seals are
    // common: what one holds sealed and another can unseal, both together can use.
    let mut others: BTreeMap<Number, Through> = BTreeMap::new();
    let mut trail = Trail { entered: BTreeSet::new(), ..trail };
    let mut seen = BTreeSet::from([process]);
    let moves = |object: Number, rights: Rights| {
        MOVING.iter().any(|&right| rights.has(right)) && survey.process(object).is_some()
    };
    let mut near: Vec<Number> = itself
        .iter()
        .filter(|&(&object, &rights)| moves(object, rights) && seen.insert(object))
        .map(|(&object, _)| object)
        .collect();
    let mut at = 0;
    while let Some(&actor) = near.get(at) {
        at += 1;
        let mut found = |object: Number, rights: Rights| {
            if object == process || is_own(actor, object, rights) {
                return;
            }
            let through = others.entry(object).or_insert(Through { rights: Rights::NONE, process: actor });
            through.rights = united(through.rights, rights);
            if moves(object, rights) && seen.insert(object) {
                near.push(object);
            }
        };
        keeping(actor).for_each(|(object, rights)| found(object, rights));
        trail.follow(survey, actor, found);
    }
    Authority { process, itself, others }
}

/// One object that a process reaches.
struct Row {
    object: Number,
    itself: Rights,
    others: Option<Through>,
}

impl Authority {
    /// What is reached, hosts first, then processes, then the rest, each by number.
    fn rows(&self, survey: &Survey<'_, '_>) -> Vec<Row> {
        let objects: BTreeSet<_> = self.itself.keys().chain(self.others.keys()).copied().collect();
        let mut rows: Vec<_> = objects
            .into_iter()
            .map(|object| Row {
                object,
                itself: self.itself.get(&object).copied().unwrap_or(Rights::NONE),
                others: self.others.get(&object).copied(),
            })
            .collect();
        rows.sort_by_key(|row| {
            let rank = survey.body(row.object).map_or(u8::MAX, |body| match kind(body) {
                Kind::Host => 0,
                Kind::Process => 1,
                other => 2 + other as u8,
            });
            (rank, row.object)
        });
        rows
    }
}

/// The authorities as tables, after what there is to know about the hosts.
pub(super) fn text(survey: &Survey<'_, '_>, authorities: &[Authority]) -> String {
    let mut text = String::new();
    let columns = [("host", false), ("by itself", false), ("only through others", false)];
    let framed = style_results();
    let mut hosts = Listing::new("Who can reach the outside", &columns, framed);
    for object in survey.image.objects.iter().filter(|object| matches!(object.body, Body::Host(_))) {
        let number = object.number;
        let can = |row: &&Authority| row.itself.get(&number).is_some_and(|rights| rights.has(Rights::CALL));
        let through = |row: &&Authority| {
            !can(row) && row.others.get(&number).is_some_and(|through| through.rights.has(Rights::CALL))
        };
        hosts.row([
            survey.name(number),
            some_processes(authorities.iter().filter(can)),
            some_processes(authorities.iter().filter(through)),
        ]);
    }
    hosts.write(&mut text);
    if text.is_empty() {
        text.push_str("There are no hosts in this image: nothing can reach the outside\n");
    }
    for authority in authorities {
        let root = if authority.process == survey.image.root { ", the root" } else { "" };
        let rows = authority.rows(survey);
        // Writing into a string does not fail.
        if rows.is_empty() {
            let _ = writeln!(text, "\nProcess {}{root}: reaches nothing but itself", authority.process);
            continue;
        }
        let number = rows.len() as u64;
        let objects = count(number, "object", "objects");
        let _ = writeln!(text, "\nProcess {}{root}: reaches {objects}", authority.process);
        let columns =
            [("object", false), ("by itself", false), ("through others", false), ("nearest", false)];
        let mut listing = Listing::untitled(&columns, framed);
        for row in rows {
            let rights =
                |rights: Rights| if rights == Rights::NONE { "-".to_owned() } else { rights_text(rights) };
            let others = row.others.map_or(Rights::NONE, |through| through.rights);
            let nearest = row.others.map_or("-".to_owned(), |through| survey.name(through.process));
            listing.row([survey.name(row.object), rights(row.itself), rights(others), nearest]);
        }
        listing.write(&mut text);
    }
    text
}

/// The numbers of processes; of many, the first and how many more.
fn some_processes<'a>(processes: impl Iterator<Item = &'a Authority>) -> String {
    const SHOWN: usize = 8;
    let numbers: Vec<_> = processes.map(|authority| authority.process.to_string()).collect();
    match numbers.len() {
        0 => "nobody".to_owned(),
        n if n > SHOWN => format!("{} and {} more", numbers[..SHOWN].join(" "), n - SHOWN),
        _ => numbers.join(" "),
    }
}

#[derive(Serialize)]
struct Json {
    authority: Vec<ProcessJson>,
}

#[derive(Serialize)]
struct ProcessJson {
    process: Number,
    root: bool,
    reaches: Vec<RowJson>,
}

#[derive(Serialize)]
struct RowJson {
    object: Number,
    kind: Option<&'static str>,
    host: Option<String>,
    by_itself: Vec<&'static str>,
    through_others: Vec<&'static str>,
    nearest: Option<Number>,
}

/// The authorities as one line of JSON.
pub(super) fn json(survey: &Survey<'_, '_>, authorities: &[Authority]) -> String {
    let row = |row: Row| RowJson {
        object: row.object,
        kind: survey.body(row.object).map(kind_name),
        host: match survey.body(row.object) {
            Some(Body::Host(name)) => Some(name.clone()),
            _ => None,
        },
        by_itself: right_names(row.itself).collect(),
        through_others: row.others.map_or(Vec::new(), |through| right_names(through.rights).collect()),
        nearest: row.others.map(|through| through.process),
    };
    let authority = authorities.iter().map(|authority| ProcessJson {
        process: authority.process,
        root: authority.process == survey.image.root,
        reaches: authority.rows(survey).into_iter().map(row).collect(),
    });
    line(&Json { authority: authority.collect() })
}
