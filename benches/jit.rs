//! How fast compiled code is, and how fast it is made: five programs, by every engine and in Rust.
//!
//! A machine's speed changes while it measures. Of two engines the ratios tell more, which are printed at the end: all
//! engines run a program in turn, again and again, and are compared within each turn.

mod native;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use keyvm::isa::code::CodeParts;
use keyvm::isa::image::{Body, Image};
use keyvm::isa::{Code, ImmKind, Insn};
use keyvm::{Engine, Tier, asm};
use keyvm_jit::{Compiler, EntryPoint, Level, Levels, Linked, Options, Root};
use native::{Program, Run};

/// Makes ready to run a program with a size, again and again.
type Ready = fn(&Program, u64) -> Run;

/// Optimized at once: without gas checks native code does not leave, and would stay quick.
const WHOLE: Options = Options { speculation_guards: true, gas_checks: true, levels: Levels::Optimized };

/// All that are measured.
const ENGINES: [(&str, Ready); 6] = [
    ("interp", |program, size| on(program, size, &Engine::default())),
    ("jit", |program, size| on(program, size, &Engine::new(Tier::Jit))),
    ("quick", |program, size| compiled(program, size, Options { levels: Levels::Quick, ..WHOLE })),
    ("jit-unguarded", |program, size| {
        compiled(program, size, Options { speculation_guards: false, ..WHOLE })
    }),
    ("jit-unmetered", |program, size| compiled(program, size, Options { gas_checks: false, ..WHOLE })),
    ("native", |program, size| (program.native)(size)),
];

/// Each program with the size it is measured with.
const PROGRAMS: [(Program, u64); 5] = [
    (native::FIB, 27),
    (native::SIEVE, 500_000),
    (native::MATMUL, 100),
    (native::SHA256, 200_000),
    (native::DISPATCH, 500),
];

fn compiled(program: &Program, size: u64, options: Options) -> Run {
    on(program, size, &Engine::with_options(Tier::Jit, options))
}

fn on(program: &Program, size: u64, engine: &Engine) -> Run {
    let mut machine = program.machine(size, engine);
    Box::new(move || native::run(&mut machine))
}

fn programs(c: &mut Criterion) {
    for (program, size) in &PROGRAMS {
        let mut group = c.benchmark_group(program.name);
        group.sample_size(20);
        for (engine, ready) in ENGINES {
            group.bench_function(format!("run/{engine}"), |b| {
                let expected = (program.native)(*size)();
                let mut run = ready(program, *size);
                assert_eq!(run(), expected);
                b.iter(|| assert_eq!(run(), expected));
            });
        }
        group.finish();
    }
}

/// Prints how many times the time of the Rust each engine takes.
fn ratios(_: &mut Criterion) {
    const TURNS: usize = 11;
    /// Seconds that each engine runs before it is measured. Code is compiled meanwhile, and optimized.
    const WARM_UP: f64 = 0.5;
    if std::env::args().skip(1).any(|argument| argument != "--bench" && !"ratios".contains(&argument)) {
        return;
    }
    println!("times the time of Rust{}", ENGINES.map(|(name, _)| format!("{name:>15}")).concat());
    for (program, size) in &PROGRAMS {
        let mut runs = ENGINES.map(|(_, ready)| ready(program, *size));
        let expected = (program.native)(*size)();
        let mut timed = |run: &mut Run| seconds(|| assert_eq!(run(), expected));
        for run in &mut runs {
            let mut spent = 0.0;
            while spent < WARM_UP {
                spent += timed(run);
            }
        }
        let turns: Vec<Vec<f64>> = (0..TURNS).map(|_| runs.iter_mut().map(&mut timed).collect()).collect();
        let median = |engine: usize| {
            let mut ratios: Vec<f64> =
                turns.iter().map(|turn| turn[engine] / turn[ENGINES.len() - 1]).collect();
            ratios.sort_by(f64::total_cmp);
            ratios[TURNS / 2]
        };
        let medians: String = (0..ENGINES.len()).map(|engine| format!("{:>15.2}", median(engine))).collect();
        println!("{:<22}{medians}", program.name);
    }
}

#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "measuring time is what this is for")]
fn seconds(run: impl FnOnce()) -> f64 {
    let began = std::time::Instant::now();
    run();
    began.elapsed().as_secs_f64()
}

/// The parts of a program's code page.
fn parts(image: &Image<'_>) -> CodeParts {
    let words = image.objects.iter().find_map(|object| match &object.body {
        Body::Code(words) => Some(words),
        _ => None,
    });
    let code = Code::new(words.expect("a program has code").to_vec()).expect("the assembler gives code");
    let targets = (0..).map_while(|table| code.switch(table)).map(<[u64]>::to_vec);
    CodeParts {
        instructions: code.words()[..code.len()].to_vec(),
        constants: code.constants().to_vec(),
        types: code.types().to_vec(),
        switches: targets.collect(),
    }
}

/// Puts code behind other code, its indices moved.
fn append(all: &mut CodeParts, more: &CodeParts) {
    let base = |kind| match kind {
        ImmKind::Target => all.instructions.len(),
        ImmKind::Constant => all.constants.len(),
        ImmKind::Type => all.types.len(),
        ImmKind::Switch => all.switches.len(),
        _ => 0,
    };
    let moved = more.instructions.iter().map(|&word| {
        let mut insn = Insn::decode(word).expect("the assembler gives instructions");
        for (value, imm) in insn.imms.iter_mut().zip(insn.op.info().imms) {
            *value += base(imm.kind) as i64;
        }
        insn.word()
    });
    let moved: Vec<u64> = moved.collect();
    let begin = all.instructions.len() as u64;
    all.instructions.extend(moved);
    all.constants.extend(&more.constants);
    all.types.extend(&more.types);
    let tables = more.switches.iter().map(|table| table.iter().map(|target| target + begin).collect());
    all.switches.extend(tables);
}

/// Compiles all that is called from entries, and gives how many instructions these are; where something is inlined, with
/// what that repeats.
fn compile(compiler: &mut Compiler, code: &Code, entries: &[u32], level: Level) -> usize {
    let one = |&index: &u32| {
        let root = Root::Entry(EntryPoint { index, height: 0 });
        compiler.compile(code, root, &Linked::new(), level).expect("it can be compiled").instructions()
    };
    entries.iter().map(one).sum()
}

fn compiling(c: &mut Criterion) {
    let Ok(mut compiler) = Compiler::for_host(WHOLE) else { return };
    let pages = PROGRAMS.map(|(program, _)| {
        let image = asm::assemble(program.source).unwrap_or_else(|errors| panic!("{errors:?}"));
        (program.name, parts(&image))
    });
    let mut group = c.benchmark_group("compile");
    let mut all = CodeParts::default();
    let mut entries = Vec::new();
    while all.instructions.len() < 20_000 {
        for (_, page) in &pages {
            entries.push(u32::try_from(all.instructions.len()).expect("a page is short"));
            append(&mut all, page);
        }
    }
    let pages = pages.map(|(name, page)| (name, page, vec![0]));
    for (name, page, entries) in pages.into_iter().chain([("20,000-instructions", all, entries)]) {
        let code = Code::new(page.words()).expect("the parts add up");
        let instructions = compile(&mut compiler, &code, &entries, Level::Quick);
        group.throughput(Throughput::Elements(instructions as u64)).sample_size(20);
        for (how, level) in [("quick", Level::Quick), ("optimized", Level::Optimized)] {
            group.bench_function(format!("{name}/{how}"), |b| {
                b.iter(|| compile(&mut compiler, &code, &entries, level));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, programs, compiling, ratios);
criterion_main!(benches);
