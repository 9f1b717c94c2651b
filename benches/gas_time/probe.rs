//! What is measured: short turns of a loop, each built around one instruction, and the places they run in.

use keyvm::asm;
use keyvm::isa::Trap::{DivideByZero, IntegerOverflow, InvalidConversion};
use keyvm::isa::image::Image;
use keyvm::isa::{Flow, OPS, OpInfo};
use keyvm_oracle::random::Random;
use std::fmt::{self, Display, Formatter, Write};

/// Where a turn runs: all that could make an instruction dearer without showing in its gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Standing meters above the process's own.
    meters: u64,
    /// Processes that wait for it, one above the other.
    callers: u64,
    /// Gates that the key to its page comes through.
    gates: u64,
    /// Words of that page.
    words: u64,
    /// Objects that there are besides.
    objects: u64,
    /// Objects that died with a meter just before it begins, and are taken away only when others are made.
    dead: u64,
    /// Times the turn stands in the loop.
    copies: u64,
}

impl Place {
    /// The shallowest and smallest.
    pub(crate) const PLAIN: Self =
        Self { meters: 0, callers: 0, gates: 0, words: 8192, objects: 0, dead: 0, copies: 8 };

    /// Any.
    pub(crate) fn random(random: &mut Random) -> Self {
        Self {
            meters: random.pick(&[0, 8, 60]),
            callers: random.pick(&[0, 0, 1, 40, 1_000]),
            gates: random.pick(&[0, 1, 15]),
            words: random.pick(&[600, 8192, 1 << 17, 1 << 22]),
            objects: random.pick(&[0, 0, 20_000]),
            dead: random.pick(&[0, 0, 20_000]),
            copies: random.pick(&[1, 8, 64, 512]),
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { meters, callers, gates, words, objects, dead, copies } = self;
        let counts = [
            (meters, "meters"),
            (callers, "callers"),
            (gates, "gates"),
            (words, "words"),
            (objects, "objects"),
            (dead, "dead"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| **count > 0) {
            write!(f, "{count} {what}, ")?;
        }
        write!(f, "{copies} copies")
    }
}

/// Pages that there are in any place, with a key to each.
const PAGES: u64 = 200;

/// A turn around one instruction.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) name: &'static str,
    /// What runs once.
    setup: &'static str,
    /// What runs again and again, and leaves operands and keys as it found them. `@` is the number of the copy, `$` an offset
    /// in bytes in the page, another in each copy, and `%` one of [`PAGES`].
    turn: String,
}

/// Turns around the instructions of the kernel, and of memory in states of its own.
const KERNEL: &[(&str, &str, &str)] = &[
    ("keyinfo", "", "keyinfo(PAGE); drop; drop"),
    ("keysame", "", "drop(keysame(PAGE, SMALL))"),
    ("attenuate", "", "keydrop(attenuate(PAGE, right.read))"),
    ("keymove", "", "keymove(PAGE, FREE); keymove(FREE, PAGE)"),
    ("keyroom", "", "keyroom(100000); keyroom(240)"),
    ("transferkey", "", "drop(transferkey(TAKER, PAGE)); recurse (TAKER, 10000, 1000); drop; drop"),
    ("keyget", "keyput(PAGE, SLOTS, 3)", "keydrop(keyget(SLOTS, 3))"),
    ("keyput", "", "keyput(PAGE, SLOTS, 3)"),
    ("gate", "", "gate(PAGE); destroy; drop"),
    ("revoke", "", "gate(PAGE); dup; revoke; keydrop; drop"),
    ("brand", "", "destroy(brand)"),
    ("seal and unseal", "", "seal(SMALL, BRAND); keydrop(unseal(dup, BRAND)); keydrop"),
    ("destroy", "", "destroy(pagenew(0))"),
    ("stop and start", "", "stop(CALLEE); start(CALLEE)"),
    ("stop and start of a meter", "", "stop(OTHER); start(OTHER)"),
    ("pagenew", "", "destroy(pagenew(64))"),
    ("pagenew, then filled", "", "pagenew(4096); fill NEW (0, 1, 32768); destroy"),
    (
        "pagenew, then written",
        "",
        "pagenew(4096); store64at NEW, 4096 (1); store64at NEW, 20000 (1); destroy",
    ),
    ("keypage", "", "destroy(keypage(64))"),
    ("pagesize", "", "drop(pagesize(PAGE))"),
    ("keyresize", "", "keyresize(SLOTS, 4000); keyresize(SLOTS, 8)"),
    ("codeseal", "", "pagenew(4); drop(codeseal(dup)); destroy"),
    ("statehash of a page", "", "statehash(SMALL); drop; drop; drop; drop"),
    ("statehash of a large page", "", "statehash(PAGE); drop; drop; drop; drop"),
    ("statehash of a process", "", "statehash(CALLEE); drop; drop; drop; drop"),
    ("create", "", "destroy(create(CODE, 0))"),
    ("create with data", "", "destroy(create(CODE, 4096))"),
    ("fork", "", "destroy(fork)"),
    ("fork, then written", "", "fork; store64at 2, 0 (1); store64at 2, 4096 (1); destroy"),
    ("recurse", "", "recurse (CALLEE, 1000, 1000); drop; drop"),
    ("recurse of a new process", "", "create(CODE, 0); dup; recurse (1000, 1000); drop; drop; destroy"),
    ("recurse with 255 words", "call(:many)", "recurse 255 (ECHO, 100000, 1000); drop; drop"),
    (
        "recurse with 16 keys",
        "",
        "recurse 0, 16 (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, TAKER, 10000, 1000); drop; drop",
    ),
    ("recurse that runs dry", "", "create(CODE, 0); dup; recurse (1, 1000); drop; drop; drop; destroy"),
    ("recurse that traps", "", "create(FAILING, 0); dup; recurse (100, 1000); drop; drop; drop; destroy"),
    ("invoke", "", "invoke (INVOKED); drop; drop"),
    ("invoke of who is busy", "", "recurse (0, 100, 100); drop; drop"),
    ("peek", "", "drop(peek(CALLEE, 0, meta.INDEX))"),
    ("poke", "", "poke(CALLEE, 2, 0, 1)"),
    ("grow", "", "drop(grow(INVOKED, 4000)); drop(grow(INVOKED, 8))"),
    ("setmeter", "", "setmeter(INVOKED, METER); setmeter(INVOKED, OTHER)"),
    ("setkeeper", "", "setkeeper(CALLEE, INVOKED)"),
    ("meter", "", "destroy(meter(METER))"),
    ("meterread", "", "drop(meterread(METER, meter.GAS_USED))"),
    ("meterlimit", "", "meterlimit(OTHER, meter.GAS_LIMIT, 1000)"),
    ("meterlimit of rent", "", "meterlimit(OTHER, 6, 1000)"),
    ("memresize", "", "memresize(M, 64); memresize(M, 4096)"),
    (
        "memresize, then written",
        "",
        "memresize(M, 64); memresize(M, 4096); store64at M, 4096 (1); store64at M, 20000 (1)",
    ),
    ("copy", "", "copy M, M (0, 8, WORK)"),
    ("copy of a byte", "", "copy M, M (0, $, 1)"),
    ("fill", "", "fill M (0, 7, WORK)"),
    ("fill of a byte", "", "fill M ($, 7, 1)"),
    ("random", "", "drop(random(@, -1))"),
    ("load64at all over", "", "drop(load64at M, $)"),
    ("load64at of many pages", "", "drop(load64at % + MANY + 4, 0)"),
    ("store64at all over", "", "store64at M, $ (@)"),
    ("load64 at random", "", "drop(load64 M (random(0, BYTES)))"),
    ("store64 at random", "", "store64 M (random(0, BYTES), @)"),
    ("mempush", "", "drop(mempush(0, meta.GAS))"),
    ("mempush of a page", "", "drop(mempush(M, @))"),
    ("mempush of words left", "", "drop(mempush(0, meta.WORDS))"),
    ("mempush of code", "", "drop(mempush(1, @))"),
    ("memwrite", "", "memwrite(M, @, 1)"),
    ("memlen", "", "drop(memlen(M))"),
    ("size", "", "drop(size M)"),
    ("memsize", "", "drop(memsize)"),
    ("numkeys", "", "drop(numkeys)"),
    ("height", "", "drop(height)"),
    ("slide", "call(:many)", "7; slide 0, 1"),
    ("slide of many", "call(:many)", "7; swap; slide 255, 0; swap; drop"),
    ("call", "", "call(:leaf)"),
    ("call with many locals", "", "call(:wide)"),
    ("call, deep", "", "call(2000, :down)"),
    ("callto", "", "callto 0->0 (:leaf)"),
    ("tailcall", "", "call(:tails)"),
    ("jumpto", "", "jumpto(:next@); nop; nop; nop; next@: nop"),
    ("switch", "", "switch [:zero@, :one@] (1); zero@: nop; one@: nop"),
    ("a trap that a keeper mends", "", "unreachable"),
];

/// All probes.
pub(crate) fn all() -> Vec<Probe> {
    let kernel = KERNEL.iter().map(|&(name, setup, turn)| Probe { name, setup, turn: turn.to_owned() });
    let computing =
        OPS.iter().filter(|info| info.flow == Flow::Next && info.imms.is_empty() && computes(info));
    computing.map(Probe::computing).chain(kernel).collect()
}

/// Whether an instruction only computes with its operands.
fn computes(info: &OpInfo) -> bool {
    let own = |trap| matches!(trap, &DivideByZero | &IntegerOverflow | &InvalidConversion);
    info.traps.iter().all(own) && !matches!(info.mnemonic, "memsize" | "numkeys" | "height")
}

impl Probe {
    /// A turn of an instruction that only computes: its operands come from memory, its result goes there, so that nothing can
    /// be computed beforehand.
    fn computing(info: &'static OpInfo) -> Self {
        let first = if info.mnemonic.starts_with("f32to") { 24 } else { 0 };
        let loads = [format!("load64at 2, {first}"), "load64at 2, 8".to_owned(), "load64at 2, 16".to_owned()];
        let list = loads[..usize::from(info.pops)].join(" (), ");
        let operands = if list.is_empty() { String::new() } else { format!("({list} ())") };
        let call = format!("{}{operands}", info.mnemonic);
        let turn = match info.pushes {
            0 => call,
            more => format!("{call}; store64at 2, 32{}", "; drop".repeat(usize::from(more) - 1)),
        };
        let setup = "store64at 2, 0 (1.5); store64at 2, 8 (0x3fdeadbeef123455); store64at 2, 16 (1); store64at 2, 24 (1.5f32)";
        Self { name: info.mnemonic, setup, turn }
    }

    /// A program that runs it for ever in a place.
    pub(crate) fn image(&self, place: &Place) -> Image<'static> {
        let text = self.text(place);
        asm::assemble(&text).unwrap_or_else(|errors| panic!("{}: {errors}", self.name))
    }

    fn text(&self, place: &Place) -> String {
        let mut text = format!(
            "const PAGE = 1\nconst SMALL = 2\nconst SLOTS = 3\nconst CALLEE = 4\nconst CODE = 5\nconst METER = 6\n\
             const OTHER = 7\nconst ECHO = 8\nconst TAKER = 9\nconst BRAND = 10\nconst FREE = 11\nconst FAILING = 12\n\
             const INVOKED = 13\nconst MANY = 14\nconst DOOMED = MANY + {PAGES}\nconst M = PAGE + 4\nconst NEW = MANY + 204\nconst BYTES = {}\n\
             const WORK = {}\n",
            place.words * 8 - 8,
            place.words * 8 - 64,
        );
        text += &self.objects(place);
        text += &format!("code probe {{\ndestroy(DOOMED)\n{}\nagain:\n", self.setup.replace("; ", "\n"));
        for copy in 0..place.copies {
            let offset = copy.wrapping_mul(0x9e37_79b9) % (place.words - 1) * 8;
            let turn = self.turn.replace("; ", "\n").replace('$', &offset.to_string());
            text += &turn.replace('@', &copy.to_string()).replace('%', &(copy % PAGES).to_string());
            text += "\n";
        }
        let many: String = (0..255).map(|word| format!("{word}\n")).collect();
        text + &format!(
            "jump :again\nfunc leaf 0 -> 0\nret\nfunc wide 0 -> 0, 4000\nret\nfunc tails 0 -> 0\ntailcall :leaf\n\
             func down 1 -> 0\njumpz(get 0, :bottom)\ncall(sub(get 0, 1), :down)\nbottom: ret\n\
             func many 0 -> 255\n{many}ret\n}}\n"
        )
    }

    /// All objects but the code of the probe itself.
    fn objects(&self, place: &Place) -> String {
        let mut text = String::from("meter prime {}\n");
        let mut own = "prime".to_owned();
        for i in 0..place.meters {
            let limits = "gas_limit 1 << 60  words_limit 1 << 60  rent_limit 1 << 120";
            writeln!(text, "meter m{i} {{ under {own}  {limits} }}").expect(TAKES);
            own = format!("m{i}");
        }
        let mut via = String::new();
        for i in 0..place.gates {
            let parent = via.replace(" via ", "parent ");
            writeln!(text, "gate g{i} {{ {parent} }}").expect(TAKES);
            via = format!(" via g{i}");
        }
        write!(
            text,
            "meter other {{ under {own} }}\nmeter doomed {{ under {own} }}\npage page {{ words {} }}\npage small {{ words 64 }}\nkeys slots {{ slots 8 }}\n\
             brand mark\ncode returning {{\nreturn\n}}\ncode echoing {{\nreturn 255\n}}\ncode failing {{\nunreachable\n}}\n\
             code taking {{\nmore: jumpif(eq(numkeys, 1), :done)\nkeydrop(sub(numkeys, 1))\njump :more\ndone: return\n}}\n\
             code mending {{\nparams status, index, amount\n\
             poke(sub(numkeys, 1), 0, meta.INDEX, add(get index, 1))\nkeydrop(sub(numkeys, 1))\nreturn 1 (1)\n}}\n\
             process callee {{ under {own}  code returning  data {{ words 8 }} }}\n\
             process invoked {{ under other  standing  code returning  data {{ words 8 }} }}\n\
             process echo {{ under {own}  code echoing  stack_capacity 256 }}\n\
             process taker {{ under {own}  code taking  key_capacity 64 }}\n\
             process mender {{ under {own}  standing  code mending  key_capacity 64 }}\n",
            place.words,
        )
        .expect(TAKES);
        for i in 0..PAGES {
            writeln!(text, "page many{i} {{ words 64 }}").expect(TAKES);
        }
        for i in 0..place.dead {
            writeln!(text, "brand ghost{i} under doomed").expect(TAKES);
        }
        for i in 0..place.objects {
            writeln!(text, "brand stranger{i}").expect(TAKES);
        }
        for i in 0..place.callers {
            let next = if i + 1 == place.callers { "probing".to_owned() } else { format!("caller{}", i + 1) };
            writeln!(
                text,
                "process caller{i} {{ under {own}  standing  code calling  keys {{ 1: {next}(call|mend) }} }}"
            )
            .expect(TAKES);
        }
        let keeper = if self.turn.contains("unreachable") { "keeper mender(call)" } else { "" };
        write!(
            text,
            "code calling {{\nrecurse (1, -1, -1)\nhalt\n}}\n\
             process probing {{ under {own}  standing  code probe  data {{ words 2048 }}  key_capacity 240  {keeper}\nkeys {{\n\
             1: page(all){via}\n2: small(all)\n3: slots(all)\n4: callee(all)\n5: returning(all)\n6: {own}(all)\n\
             7: other(all)\n8: echo(all)\n9: taker(all)\n10: mark(all)\n11: null\n12: failing(all)\n13: invoked(all)\n",
        )
        .expect(TAKES);
        for i in 0..PAGES {
            writeln!(text, "{}: many{i}(all)", 14 + i).expect(TAKES);
        }
        writeln!(text, "{}: doomed(all)", 14 + PAGES).expect(TAKES);
        let root = if place.callers > 0 { "caller0" } else { "probing" };
        text + &format!("}} }}\nimage {{ root {root} }}\n")
    }
}

const TAKES: &str = "a text takes everything";
