//! Vectors: one instruction, its operands, and what becomes of them.
//!
//! A line of a `.txt` file is a vector; `#` begins a comment.
//!
//! ```text
//! MNEMONIC IMMEDIATES | OPERANDS | SETTINGS => OUTCOME ; GAS
//! ```
//!
//! Operands and results are words, the lowest first: `7`, `-1`, `0x7ff8_0000_0000_0000`, `2.5` (an f64), `2.5f32`,
//! `inf`, `nan`, `inf32`, `nan32`; `0*5` is five zeroes, `1..4` is 1 2 3 4. A `/` among the operands is the base of a
//! subroutine that has been entered: those above it are its arguments. `.word W` stands for any word of code.
//!
//! The instruction stands at index [`INSN`]; around it every word is a `yield` of all that is above the base, up to
//! [`END`]; before it the operands are pushed. A subroutine returns to [`RETURN`]. Settings, with commas between them:
//!
//! * `data W…`, `page W…` — the process's data (memory 2), and the page (memories 5 and 9 to 11, see [`keys`]);
//! * `const W…`, `type A R L`, `switch T…` — a constant each, a type (numbered from 1; 0 is the subroutine's own), a
//!   table (numbered from 0);
//! * `returns N` — results of the subroutine that was entered (else 0);
//! * `N=MNEMONIC IMMEDIATES` — what stands at index N of the code;
//! * `random W`, `maximum N` — the state of the generator, the stack's maximum.
//!
//! The outcome is `trap NAME`, `halt`, or the operands after one execution, and, behind commas, what else is not as it
//! was: `at N` (the index, else the next one), `frames I B T …` (all open calls: return index, base, type), `data W…`,
//! `page W…`, `random W`. Nothing else changes. `GAS` is what the execution costs, or what must be there for
//! the trap to be reached.

use super::engine::{Act, Cuts, Engine, Seen, file_of, prime, root, run_on};
use keyvm::Event;
use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{Body, Frame, Image, Key, Meter, Object, Process};
use keyvm_isa::layout::STACK_MAXIMUM;
use keyvm_isa::{Insn, OPS, Op, Rights, Status, Trap};
use std::borrow::Cow;

/// Where operands begin to be pushed. Before it are a jump here and words to jump back to.
const BEGIN: u32 = 4;
/// Where the subroutine is called that operands behind a `/` belong to, where it returns to, and where it begins.
const CALL: u32 = 22;
const RETURN: u32 = CALL + 1;
const FUNC: u32 = CALL + 2;
/// Where the instruction stands.
const INSN: u32 = 28;
/// The length of the code.
const END: u32 = 40;

/// One line of a file.
#[derive(Debug, Default)]
pub(crate) struct Vector {
    pub(crate) place: String,
    /// The instruction; `None` for a word that is none.
    pub(crate) op: Option<Op>,
    word: u64,
    below: Vec<u64>,
    above: Option<Vec<u64>>,
    data: Vec<u64>,
    page: Vec<u64>,
    constants: Vec<u64>,
    types: Vec<FuncType>,
    switches: Vec<Vec<u64>>,
    returns: u16,
    code: Vec<(u32, u64)>,
    random: u64,
    maximum: Option<u32>,
    pub(crate) outcome: Outcome,
    gas: u64,
}

/// What becomes of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Outcome {
    #[default]
    Halt,
    Trap(Trap),
    Done(Done),
}

/// The state after one execution, where it is not as before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    stack: Vec<u64>,
    at: Option<u32>,
    frames: Option<Vec<Frame>>,
    data: Option<Vec<u64>>,
    page: Option<Vec<u64>>,
    random: Option<u64>,
}

// ---- Reading ---------------------------------------------------------------------------------------------------

type Parsed<T> = Result<T, String>;

/// All vectors of a file.
pub(crate) fn parse(name: &str, text: &str) -> Vec<Vector> {
    let lines = text.lines().zip(1..).map(|(line, number)| (line.split('#').next().unwrap_or(""), number));
    lines
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| {
            let place = format!("{name}:{number}");
            let mut vector = parse_line(line).unwrap_or_else(|what| panic!("{place}: {what}"));
            vector.place = place;
            vector
        })
        .collect()
}

fn parse_line(line: &str) -> Parsed<Vector> {
    let (left, right) = line.split_once("=>").ok_or("no `=>`")?;
    let (outcome, gas) = right.split_once(';').ok_or("no `;` before the gas")?;
    let mut vector = Vector { gas: whole(gas.trim())?, ..Vector::default() };
    let mut parts = left.split('|').map(str::trim);
    (vector.op, vector.word) = instruction(parts.next().unwrap_or(""))?;
    let operands = parts.next().unwrap_or("");
    match operands.split_once('/') {
        Some((below, above)) => (vector.below, vector.above) = (words(below)?, Some(words(above)?)),
        None => vector.below = words(operands)?,
    }
    for setting in items(parts.next().unwrap_or("")) {
        vector.set(setting)?;
    }
    vector.outcome = parse_outcome(outcome.trim())?;
    if parts.next().is_some() { Err("too many `|`".into()) } else { Ok(vector) }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// An item's name and what is behind it.
fn item(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn parse_outcome(text: &str) -> Parsed<Outcome> {
    let (first, rest) = text.split_once(',').unwrap_or((text, ""));
    match item(first.trim()) {
        ("halt", "") => return Ok(Outcome::Halt),
        ("trap", name) => return Trap::from_name(name).map(Outcome::Trap).ok_or(format!("no trap `{name}`")),
        _ => {}
    }
    let mut done = Done { stack: words(first)?, ..Done::default() };
    for field in items(rest) {
        let (name, value) = item(field);
        match name {
            "at" => done.at = Some(small(value)?),
            "data" => done.data = Some(words(value)?),
            "page" => done.page = Some(words(value)?),
            "random" => done.random = Some(word(value)?),
            "frames" => {
                let numbers = words(value)?;
                let (frames, []) = numbers.as_chunks::<3>() else {
                    return Err("a frame is three numbers".into());
                };
                let part = |n| u32::try_from(n).map_err(|_| "a frame's number is too large".to_owned());
                let frame = |&[return_index, base, typ]: &[u64; 3]| {
                    Ok(Frame { return_index: part(return_index)?, base: part(base)?, typ: part(typ)? })
                };
                done.frames = Some(frames.iter().map(frame).collect::<Parsed<_>>()?);
            }
            _ => return Err(format!("`{name}` is nothing that changes")),
        }
    }
    Ok(Outcome::Done(done))
}

impl Vector {
    fn set(&mut self, setting: &str) -> Parsed<()> {
        if let Some((index, code)) = setting.split_once('=') {
            self.code.push((small(index.trim())?, instruction(code.trim())?.1));
            return Ok(());
        }
        let (name, value) = item(setting);
        match name {
            "data" => self.data = words(value)?,
            "page" => self.page = words(value)?,
            "const" => self.constants = words(value)?,
            "switch" => self.switches.push(words(value)?),
            "random" => self.random = word(value)?,
            "maximum" => self.maximum = Some(small(value)?),
            "returns" => self.returns = u16::try_from(whole(value)?).map_err(|_| "too many results")?,
            "type" => {
                let [arguments, results, locals] = words(value)?[..] else {
                    return Err("a type is three numbers".into());
                };
                let part = |n| u16::try_from(n).map_err(|_| "a type's number is too large".to_owned());
                self.types.push(FuncType {
                    arguments: part(arguments)?,
                    results: part(results)?,
                    locals: part(locals)?.into(),
                });
            }
            _ => return Err(format!("no setting `{name}`")),
        }
        Ok(())
    }
}

/// An instruction with its immediates.
fn instruction(text: &str) -> Parsed<(Option<Op>, u64)> {
    let (mnemonic, imms) = item(text);
    if mnemonic == ".word" {
        return Ok((None, word(imms)?));
    }
    let info = OPS.iter().find(|info| info.mnemonic == mnemonic);
    let op = info.ok_or_else(|| format!("no instruction `{mnemonic}`"))?.op;
    let imms: Vec<i64> = items(imms).map(|imm| word(imm).map(u64::cast_signed)).collect::<Parsed<_>>()?;
    let encoded = Insn::encode(op, &imms).ok_or_else(|| format!("`{mnemonic}` has other immediates"))?;
    Ok((Some(op), encoded))
}

fn small(text: &str) -> Parsed<u32> {
    u32::try_from(whole(text)?).map_err(|_| format!("`{text}` is too large"))
}

fn whole(text: &str) -> Parsed<u64> {
    let digits = text.replace('_', "");
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    };
    number.ok_or_else(|| format!("`{text}` is no number"))
}

/// Words with blanks between them.
pub(crate) fn words(text: &str) -> Parsed<Vec<u64>> {
    let mut all = Vec::new();
    for part in text.split_whitespace() {
        if let Some((value, count)) = part.split_once('*') {
            let count = usize::try_from(whole(count)?).map_err(|_| "too many words")?;
            all.extend(std::iter::repeat_n(word(value)?, count));
        } else if let Some((first, last)) = part.split_once("..") {
            all.extend(whole(first)?..=whole(last)?);
        } else {
            all.push(word(part)?);
        }
    }
    Ok(all)
}

/// A word.
pub(crate) fn word(text: &str) -> Parsed<u64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let bad = || format!("`{text}` is no word");
    if !digits.starts_with("0x") {
        let infinite = (digits == "inf32").then(|| text.strip_suffix("32")).flatten();
        if let Some(single) = infinite.or_else(|| text.strip_suffix("f32")) {
            return single.parse::<f32>().map(|x| x.to_bits().into()).map_err(|_| bad());
        }
        match digits {
            "nan" if digits == text => return Ok(0x7ff8_0000_0000_0000),
            "nan32" if digits == text => return Ok(0x7fc0_0000),
            _ if digits == "inf" || digits.contains(['.', 'e']) => {
                return text.parse::<f64>().map(f64::to_bits).map_err(|_| bad());
            }
            _ => {}
        }
    }
    let magnitude = whole(digits)?;
    Ok(if digits == text { magnitude } else { magnitude.wrapping_neg() })
}

// ---- The image -------------------------------------------------------------------------------------------------

/// The key list that every vector has. Slot `s` is memory `s + 4`.
///
/// 0 itself; 1 the page; 2 the code; 3 null; 4 a key page; 5 the page, sealed; 6 the page, to be read only; 7 the page,
/// to be written only. There is no slot 8.
fn keys() -> Vec<Option<Key>> {
    let key = |object, rights| Some(Key { object, rights, gate: 0, seal: 0 });
    vec![
        key(3, Rights::OWN),
        key(4, Rights::ALL),
        key(2, Rights::ALL),
        None,
        key(5, Rights::ALL),
        Some(Key { object: 4, rights: Rights::ALL, gate: 0, seal: 6 }),
        key(4, Rights::READ),
        key(4, Rights::WRITE),
    ]
}

fn bytes_of(words: &[u64]) -> Cow<'static, [u8]> {
    Cow::Owned(words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn insn(op: Op, imms: &[i64]) -> u64 {
    Insn::encode(op, imms).expect("immediates that fit")
}

impl Vector {
    /// The operands before the instruction.
    pub(crate) fn operands(&self) -> Vec<u64> {
        let mut all = self.below.clone();
        all.extend(self.above.iter().flatten());
        all
    }

    fn base_before(&self) -> usize {
        if self.above.is_some() { self.below.len() } else { 0 }
    }

    fn frames_before(&self) -> Vec<Frame> {
        let base = u32::try_from(self.below.len()).expect("few operands");
        let entered = self.above.as_ref().map(|_| Frame { return_index: RETURN, base, typ: 0 });
        entered.into_iter().collect()
    }

    /// Gas of everything before the instruction.
    fn gas_before(&self) -> u64 {
        // The jump, what there is up to the call, the call or a `nop`, and the rest: one each.
        let skipped = u32::from(self.above.is_some());
        (1 + (INSN - BEGIN) - skipped).into()
    }

    /// The index after the instruction, and the operands above the base there.
    fn after(&self) -> (u32, Vec<u64>) {
        let Outcome::Done(done) = &self.outcome else { return (INSN, Vec::new()) };
        let base = match &done.frames {
            Some(frames) => frames.last().map_or(0, |frame| frame.base as usize),
            None => self.base_before(),
        };
        (done.at.unwrap_or(INSN + 1), done.stack[base..].to_vec())
    }

    /// What the whole program gives, where one instruction more tells.
    fn end(&self) -> Option<Event> {
        let (at, mut operands) = match &self.outcome {
            Outcome::Halt => return Some(Event::Halted),
            Outcome::Trap(trap) => return Some(Event::Trapped(*trap)),
            Outcome::Done(_) => self.after(),
        };
        if at == END {
            return Some(Event::Halted);
        }
        let again = (BEGIN..=INSN).contains(&at) && (at != RETURN || self.above.is_none());
        if again || operands.len() > 255 {
            return None;
        }
        let entered = self.code.iter().find(|&&(index, _)| index == at);
        if let Some(&(_, code)) = entered {
            let func = Insn::decode(code).filter(|insn| insn.op == Op::Func)?;
            let typ = usize::try_from(func.imms[0] - 1).ok().and_then(|typ| self.types.get(typ))?;
            operands.extend(std::iter::repeat_n(0, typ.locals as usize));
        }
        Some(Event::Yielded(operands.as_slice().into()))
    }

    fn code_words(&self) -> Vec<u64> {
        let mut parts = CodeParts {
            constants: self.constants.clone(),
            switches: self.switches.clone(),
            ..CodeParts::default()
        };
        let own = self.above.as_ref().map_or(0, Vec::len);
        let own = u16::try_from(own).expect("few operands");
        parts.types = vec![FuncType { arguments: own, results: self.returns, locals: 0 }];
        parts.types.extend(&self.types);
        let count = match self.end() {
            Some(Event::Yielded(words)) => i64::try_from(words.len()).expect("at most 255"),
            _ => 0,
        };
        let mut code = vec![insn(Op::Yield, &[count, 0]); END as usize];
        code[0] = insn(Op::Jump, &[BEGIN.into()]);
        code[BEGIN as usize..INSN as usize].fill(insn(Op::Nop, &[]));
        let operands = self.operands();
        assert!(operands.len() <= (CALL - BEGIN) as usize, "{}: too many operands", self.place);
        for (&operand, at) in operands.iter().zip(BEGIN as usize..) {
            code[at] = Insn::encode(Op::Push, &[operand.cast_signed()]).unwrap_or_else(|| {
                parts.constants.push(operand);
                insn(Op::Const, &[i64::try_from(parts.constants.len() - 1).expect("few constants")])
            });
        }
        if self.above.is_some() {
            code[CALL as usize] = insn(Op::Call, &[FUNC.into()]);
            code[RETURN as usize] = insn(Op::Yield, &[count, 0]);
            code[FUNC as usize] = insn(Op::Func, &[0]);
        }
        code[INSN as usize] = self.word;
        for &(index, word) in &self.code {
            code[index as usize] = word;
        }
        parts.instructions = code;
        parts.words()
    }

    /// The program.
    fn image(&self) -> Image<'static> {
        let body = |number, meter, body| Object { number, meter, body };
        let process = Process {
            stack_maximum: self.maximum.unwrap_or(STACK_MAXIMUM),
            data: bytes_of(&self.data),
            keys: keys(),
            random: self.random,
            standing: true,
            ..Process::new(3, 2)
        };
        Image {
            next_number: 7,
            prime: 1,
            root: 3,
            chain: Vec::new(),
            request: None,
            objects: vec![
                body(1, 0, Body::Meter(Box::new(Meter::UNLIMITED))),
                body(2, 1, Body::Code(self.code_words().into())),
                body(3, 1, Body::Process(Box::new(process))),
                body(4, 1, Body::Data(bytes_of(&self.page))),
                body(5, 1, Body::Keys(vec![None; 2])),
                body(6, 1, Body::Brand),
            ],
            debug: DebugInfo::default(),
        }
    }
}

// ---- Holding it ------------------------------------------------------------------------------------------------

/// The state as it would be if the process were still running: what tells how and why it stopped is taken out.
pub(crate) fn as_running(seen: &Seen, before: &Seen) -> Vec<u8> {
    let mut image = seen.image();
    image.chain = before.image().chain;
    prime(&mut image).gas_limit = u64::MAX;
    let process = root(&mut image).expect("the root lives");
    process.status = Status::Running;
    process.trap = None;
    (process.amount, process.gas_seen, process.words_seen) = (0, 0, 0);
    (process.message_words, process.message_keys) = (0, 0);
    file_of(&image)
}

/// Panics where two states differ, and says in what.
pub(crate) fn assert_same(place: &str, what: &str, found: &[u8], expected: &[u8]) {
    if found == expected {
        return;
    }
    let (found, expected) = (keyvm::image::read(found), keyvm::image::read(expected));
    let (found, expected) = (found.expect("a state"), expected.expect("a state"));
    for (found, expected) in found.objects.iter().zip(&expected.objects) {
        if let (Body::Process(found), Body::Process(expected)) = (&found.body, &expected.body) {
            let brief =
                |process: &Process<'_>| (process.index, process.stack.to_vec(), process.frames.to_vec());
            assert_eq!(brief(found), brief(expected), "{place}: {what}");
        }
        assert_eq!(found, expected, "{place}: {what}");
    }
    assert_eq!(found, expected, "{place}: {what}");
}

impl Vector {
    /// Holds everything the vector says on an engine.
    pub(crate) fn hold(&self, engine: &Engine) {
        let place = format!("tests/vectors/{} on {engine:?}", self.place);
        let image = self.image();
        let run = |acts: &[Act], cuts| run_on(engine, &image, acts, cuts).pop().expect("it was run");
        let limited = |limit| run(&[Act::GasLimit(limit), Act::Run(u64::MAX)], Cuts::None);
        let gas_before = self.gas_before();

        // Right before the instruction.
        let before = run(&[Act::Run(gas_before)], Cuts::None);
        assert_eq!(before.event, Event::Paused, "{place}: the program does not reach the instruction");
        let mut state = before.image();
        let process = root(&mut state).expect("the root lives");
        assert_eq!((process.index, &process.stack[..]), (INSN.into(), &self.operands()[..]), "{place}");
        assert_eq!(process.frames[..], self.frames_before(), "{place}: the subroutine was not entered");
        let unchanged = file_of(&state);

        // With one gas too few it stops there.
        let short = limited(gas_before + self.gas - 1);
        assert_eq!(short.event, Event::OutOfGas(self.gas), "{place}: with one gas too few");
        assert_same(&place, "running dry has changed something", &as_running(&short, &before), &unchanged);

        // With just enough it is executed, and nothing behind it is.
        let exact = limited(gas_before + self.gas);
        match &self.outcome {
            Outcome::Trap(trap) => {
                assert_eq!(exact.event, Event::Trapped(*trap), "{place}");
                assert_same(
                    &place,
                    "the trap has changed something",
                    &as_running(&exact, &before),
                    &unchanged,
                );
            }
            Outcome::Halt => {
                assert_eq!(exact.event, Event::Halted, "{place}");
                self.expect_done(&place, &exact, &before, None);
            }
            Outcome::Done(done) => {
                assert!(matches!(exact.event, Event::OutOfGas(_)), "{place}: {:?}", exact.event);
                self.expect_done(&place, &exact, &before, Some(done));
            }
        }

        // The whole program, at once and in the smallest pieces.
        if let Some(end) = self.end() {
            let whole = run(&[Act::Run(u64::MAX)], Cuts::None);
            assert_eq!(whole.event, end, "{place}: the whole program");
            let cut = run(&[Act::Run(u64::MAX)], Cuts::From(gas_before - 1));
            assert_eq!(cut.event, end, "{place}: the program in slices");
            assert_same(&place, "cuts show", &cut.file, &whole.file);
            assert_eq!(cut.hash, whole.hash, "{place}: cuts show in the state hash");
        }
    }

    /// Holds that the state is that before the instruction with the expected changes, and no others.
    fn expect_done(&self, place: &str, seen: &Seen, before: &Seen, done: Option<&Done>) {
        let mut expected = before.image();
        prime(&mut expected).gas_used += self.gas;
        if let Some(page) = done.and_then(|done| done.page.as_ref()) {
            let object = expected.objects.iter_mut().find(|object| object.number == 4);
            object.expect("the page lives").body = Body::Data(bytes_of(page));
        }
        let process = root(&mut expected).expect("the root lives");
        if let Some(done) = done {
            process.index = done.at.unwrap_or(INSN + 1).into();
            process.stack = Cow::Owned(done.stack.clone());
            process.random = done.random.unwrap_or(process.random);
            if let Some(data) = &done.data {
                process.data = bytes_of(data);
            }
            if let Some(frames) = &done.frames {
                process.frames = Cow::Owned(frames.clone());
            }
        }
        while (process.stack_capacity as usize) < process.stack.len() {
            process.stack_capacity = (process.stack_capacity * 2).min(process.stack_maximum);
        }
        let expected = file_of(&expected);
        assert_same(place, "the state afterwards", &as_running(seen, before), &expected);
    }
}
