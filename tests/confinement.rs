//! Confinement and balance, looked for: random processes in processes, looked at wherever control moves. What keys do not
//! reach has not changed, no key has more rights than what it was copied from, and the books balance; and cuts inside
//! children and inside keepers, with the image saved, loaded and handed to the other engine, do not show.
//!
//! The search is that of `keyvm fuzz --target kernel`; here is a short one, and whether it is one: programs succeed in most of
//! what they try, try every operation of the kernel, and are cut where control is deep.

use keyvm::fuzz::{Target, run};
use keyvm::isa::image::{Body, Image, Process};
use keyvm::isa::{Insn, Op, Status};
use keyvm::{CompilerOptions, Engine, Event, Machine};
use keyvm_oracle::confinement::survey;
use keyvm_oracle::random::colony::colony;
use keyvm_oracle::random::{Random, setting};
use keyvm_oracle::{Report, Subject};
use std::collections::BTreeMap;

/// The process that runs, and where it is.
fn running<'a>(image: &'a Image<'_>) -> Option<(u64, &'a Process<'a>)> {
    let number = image.chain.last()?.process;
    match &image.object(number)?.body {
        Body::Process(process) => Some((number, process)),
        _ => None,
    }
}

fn next_op(image: &Image<'_>) -> Option<(u64, u64, Op)> {
    let (number, process) = running(image)?;
    let Body::Code(words) = &image.object(process.code)?.body else { return None };
    let word = words.get(usize::try_from(process.index).ok()?)?;
    Some((number, process.index, Insn::decode(*word)?.op))
}

/// How often each operation of the kernel was tried, and how often it did what it is for.
#[derive(Default)]
struct Tried(BTreeMap<&'static str, (u64, u64)>);

impl Tried {
    /// Runs a colony instruction by instruction.
    fn watch(&mut self, image: &Image<'_>, gas: u64) {
        let mut machine = Machine::new(image).expect("a colony is consistent");
        let (mut slice, mut used) = (1, 0);
        while used < gas && slice < gas {
            let before = next_op(&machine.image());
            let depth = machine.depth();
            let event = machine.run(slice);
            let now = machine.total_gas();
            if now == used && event == Event::Paused && machine.depth() == depth {
                slice += 1;
                continue;
            }
            let is_dry = now == used;
            (used, slice) = (now, 1);
            if let Some((process, index, op)) = before.filter(|at| at.2 >= Op::Memresize)
                && !is_dry
            {
                let worked = worked(&machine.image(), process, index, op, depth);
                let tried = self.0.entry(op.info().mnemonic).or_default();
                tried.0 += 1;
                tried.1 += u64::from(worked);
            }
            match event {
                Event::Request => Subject::answer(&mut machine, used),
                Event::Paused | Event::Yielded(_) | Event::Returned(_) => {}
                _ => break,
            }
        }
    }
}

/// Whether what stood at an index of a process has not trapped, and, if it calls, whether somebody was called.
fn worked(image: &Image<'_>, process: u64, index: u64, op: Op, depth: usize) -> bool {
    let Some(Body::Process(now)) = image.object(process).map(|object| &object.body) else { return true };
    if now.status == Status::Trapped && now.index == index {
        return false;
    }
    let calls = matches!(op, Op::Recurse | Op::Invoke);
    !calls || image.chain.len() > depth || now.status == Status::Pending
}

#[test]
fn programs_of_colonies_do_everything_and_mostly_succeed() {
    let mut tried = Tried::default();
    for seed in 0..250 {
        tried.watch(&colony(&mut Random::new(seed)), 1500);
    }
    let (mut all, mut good) = (0, 0);
    for (name, (tried, worked)) in &tried.0 {
        println!("{name:12} {tried:6} tried, {worked:6} worked");
        // These always work, and there are many of them.
        if !["numkeys", "keydrop", "random"].contains(name) {
            all += tried;
            good += worked;
        }
    }
    println!("{good} of {all} operations of the kernel worked: {} of 100", good * 100 / all);
    for op in keyvm::isa::OPS.iter().map(|info| info.op).filter(|&op| op >= Op::Keyinfo) {
        let (_, worked) = tried.0.get(op.info().mnemonic).copied().unwrap_or_default();
        assert!(worked >= 5, "{} worked {worked} times", op.info().mnemonic);
    }
    assert!(good * 5 >= all * 4, "{good} of {all}");
}

/// A short search, and what it is to see: much is out of reach, control goes deep, and it is cut where it is deep.
#[test]
#[allow(
    clippy::disallowed_types,
    reason = "a time budget is this test's purpose; no outcome depends on the clock"
)]
fn nothing_changes_that_keys_do_not_reach_and_the_books_balance() {
    let start = std::time::Instant::now();
    let seconds = setting("KEYVM_FUZZ_SECONDS").unwrap_or(6);
    let first = setting("KEYVM_FUZZ_SEED").unwrap_or(0);
    let mut all = Report::default();
    let mut runs = 0_u32;
    for seed in first.. {
        if start.elapsed().as_secs() >= seconds && runs >= 300 {
            break;
        }
        match run::<Machine>(Target::Kernel, seed, CompilerOptions::default()) {
            // The others are cut wherever.
            Ok(run) if run.report.transfers > 0 => all.add(&run.report),
            Ok(_) => {}
            Err(finding) => {
                let found = std::time::Instant::now();
                panic!("{}", finding.shrunk::<Machine>(&|| found.elapsed().as_secs() < 30));
            }
        }
        runs += 1;
    }
    let Report { cuts, called_cuts, kept_cuts, swaps, transfers, loose, calls, beyond, .. } = all;
    println!(
        "{runs} runs, {:.0} a second: {transfers} transfers of control looked at, {loose} of them from afar; {calls} calls \
         that were over, {beyond} objects out of reach; {cuts} cuts, {called_cuts} of them in a child, {kept_cuts} while a \
         keeper was at work; saved and loaded {swaps} times; {} instructions native",
        f64::from(runs) / start.elapsed().as_secs_f64(),
        all.native,
    );
    assert!(called_cuts * 2 > cuts && kept_cuts * 8 > cuts, "cuts fall where control is deep");
    assert!(loose * 5 < transfers, "most transfers are looked at alone");
    assert!(beyond > 5 * calls, "much is out of reach of what is called");
    assert!(swaps * 3 > cuts && all.native > 0, "the engines change at the cuts");
}

/// Control goes deeper than the four generations that a sandbox in a sandbox has at least.
#[test]
fn control_goes_deep_in_colonies() {
    let engine = Engine::default();
    let (mut deep, mut kept) = (0, 0);
    for seed in 0..60 {
        let image = colony(&mut Random::new(seed));
        let surveyed =
            survey::<Machine>(&image, &engine, 2000).unwrap_or_else(|found| panic!("{seed}: {found}"));
        let surveyed = surveyed.expect("a colony is consistent");
        deep += u32::from(surveyed.stretches.iter().any(|stretch| stretch.depth >= 4));
        kept += u32::from(surveyed.stretches.iter().any(|stretch| stretch.is_kept));
    }
    println!("of 60 colonies control is four deep in {deep}, and with a keeper in {kept}");
    assert!(deep >= 20 && kept >= 30);
}
