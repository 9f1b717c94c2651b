//! From a region to Cranelift's intermediate representation.
//!
//! # Checkpoints
//!
//! Gas is charged for a *segment*: a row of instructions of one block up to the next call or helper. Where a segment
//! begins is a *checkpoint*: what the state is there is known, and whatever fails before the segment has changed
//! anything leaves there, for the interpreter, which finds the exact place by executing from there. A store changes
//! something; what may fail after it gets a checkpoint of its own.

mod bound;
mod call;
mod edge;
mod exit;
mod held;
mod home;
pub(crate) mod memory;
mod quick;
mod reach;
mod room;
mod segment;
mod turns;

pub(crate) use memory::{Kind, access, memory_of, reached, table_of};
pub(crate) use segment::is_native;

use crate::arith::Class;
use crate::charges::{Charges, charges};
use crate::compile::Level;
use crate::context::{Context, Exit, FRAME_SHIFT, ROOM_GUARD, View};
use crate::fault::Fault;
use crate::gas::{BlockCost, Check, checks};
use crate::loops::nests;
use crate::region::{Part, Region, Start};
use crate::stub::{self, Stubs};
use crate::uses::Uses;
use crate::values::{Form, forms};
use bound::Bound;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AliasRegion, AliasRegionData, FuncRef, InstBuilder, MemFlagsData, SigRef, Type, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use edge::Bridge;
use home::{NOWHERE, Read};
use keyvm_isa::Code;
use keyvm_isa::code::FuncType;
use quick::Kept;
use reach::{DataReach, Reaching, Sum};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::offset_of;
use turns::Group;

/// Arguments that a native call passes in registers; the rest lie on the stack of operands.
pub(crate) const REGISTER_ARGUMENTS: usize = 8;
/// Results, likewise.
pub(crate) const REGISTER_RESULTS: usize = 4;

/// A unit that calls nothing, and comes to no more than this, takes little native stack, and does not look how much is
/// left.
const LEAF_WORK: usize = 500;

/// What a native call gives in place of gas.
const LEFT: i64 = stub::LEFT as i64;
const REFUSED: i64 = stub::REFUSED as i64;

/// What code is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether no program is to read, by a mispredicted check, what it may not.
    pub speculation_guards: bool,
    /// Whether gas is taken and compared. Without it nothing is metered: for measurements only.
    pub gas_checks: bool,
    /// How much care is taken with code.
    pub levels: Levels,
    /// A mistake that is made on purpose.
    #[cfg(feature = "faults")]
    #[doc(hidden)]
    pub fault: Option<Fault>,
}

/// How a unit is made.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) options: Options,
    pub(crate) level: Level,
    /// Whether it asks for room where it is needed, and not for all when it begins.
    pub(crate) careful: bool,
}

/// Which code is made: that is the host's to choose for each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// Quick code at first, and optimized code of what runs long.
    Both,
    /// Quick code alone: for tests and measurements.
    Quick,
    /// Optimized code alone: likewise.
    Optimized,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            speculation_guards: true,
            gas_checks: true,
            levels: Levels::Both,
            #[cfg(feature = "faults")]
            fault: None,
        }
    }
}

/// An operand.
#[derive(Clone, Copy, Debug)]
struct Val {
    value: Value,
    form: Form,
    bound: Bound,
    /// Of what it is the sum, if that tells where it is an address.
    sum: Option<Sum>,
    /// In quick code, the place in memory that holds it, too; see [`home`].
    home: u32,
}

impl Val {
    const fn new(value: Value, form: Form) -> Self {
        Self { value, form, bound: Bound::NONE, sum: None, home: NOWHERE }
    }

    const fn word(value: Value) -> Self {
        Self::new(value, Form::WORD)
    }

    /// The same, taken for canonical if it is a NaN.
    const fn as_is(self) -> Self {
        Self { form: Form { raw: false, ..self.form }, ..self }
    }
}

/// The signature of the native code of a subroutine.
pub(crate) fn signature(typ: FuncType) -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::Tail);
    let arguments = usize::from(typ.arguments).min(REGISTER_ARGUMENTS);
    let results = usize::from(typ.results).min(REGISTER_RESULTS);
    // Gas, room.
    signature.params.resize(2 + arguments, ir::AbiParam::new(types::I64));
    signature.returns.resize(1 + results, ir::AbiParam::new(types::I64));
    signature
}

/// The signature of native code that the host enters.
pub(crate) fn entry_signature(host: CallConv) -> ir::Signature {
    let mut signature = ir::Signature::new(host);
    signature.params.push(ir::AbiParam::new(types::I64));
    signature
}

/// Where the gas is that an exit has left.
#[derive(Clone, Copy)]
enum Gas {
    /// What a word holds, and this much.
    Value(Value, i64),
    /// The same, and what so many turns cost of a loop.
    Turns(Value, i64, Value, usize),
    /// What the context says, and this much.
    Context(i64),
    /// In quick code: the same, when so much had been added to that in the block.
    Kept(i64, i64),
}

/// A state of the program that code may leave with.
#[derive(Clone)]
struct State {
    index: u32,
    /// The inlined call it is in, if it is in one.
    inlined: Option<usize>,
    stack: Vec<Val>,
    /// How many operands at the top lie in memory as they are to be, whatever the values here.
    settled: usize,
    gas: Gas,
}

/// A block that leaves with a state.
struct Leaving {
    block: ir::Block,
    state: State,
}

/// A block that says why, and goes on to one that leaves at an index.
struct Saying {
    block: ir::Block,
    index: u32,
    why: Exit,
    leaving: ir::Block,
}

/// The present checkpoint.
struct Checkpoint {
    state: State,
    /// The block that leaves there, once something needs it, and those that say why before.
    common: Option<ir::Block>,
    leaving: Vec<(Exit, ir::Block)>,
}

pub(crate) struct Unit<'a> {
    code: &'a Code,
    region: &'a Region,
    isa: &'a dyn TargetIsa,
    options: Options,
    b: FunctionBuilder<'a>,
    forms: Vec<Vec<Form>>,
    uses: Uses,
    blocks: Vec<ir::Block>,
    /// Variables of each operand, by class.
    slots: Vec<[Option<Variable>; 3]>,
    gas: Variable,
    data: [Variable; 3],
    /// How memory 2 is reached.
    data_reach: DataReach,
    /// In optimized code, what is known of the operands where each block begins.
    bounds: Vec<Vec<Bound>>,
    /// In a unit that the host enters, what the pinned register held.
    pinned: Option<Value>,
    room: Value,
    helper: SigRef,
    callees: BTreeMap<u32, FuncRef>,
    /// The context, and frames: no guest memory.
    ours: MemFlagsData,
    /// All guest memory: two numbers may name one page.
    guest: MemFlagsData,
    /// The stack of operands.
    operands: MemFlagsData,
    leaving: Vec<Leaving>,
    saying: Vec<Saying>,
    bridges: Vec<Bridge>,
    /// Blocks that write the frames of an inlined call and of those it is made in, and leave.
    unwinding: BTreeMap<Option<usize>, ir::Block>,
    /// Those of them that are to be filled in.
    unwinding_open: Vec<(Option<usize>, ir::Block)>,
    /// What inlined beginnings of subroutines were given: the gas, and the arguments.
    given: BTreeMap<usize, (Variable, Vec<(Variable, Form)>)>,
    /// The same unit with nothing inlined, for when there is no room for as much as this one asks for.
    plain: Option<FuncRef>,
    /// Whether it is quick code.
    quick: bool,
    /// Words of operands that it asks for when it begins.
    asked_for: usize,
    /// In quick code, where it begins, with the numbers that it needs.
    beginning: ir::Block,
    numbers: BTreeMap<i64, Value>,
    /// In quick code, where the context is, and where operands are.
    context_at: Option<Value>,
    operands_at: Option<Value>,
    /// In quick code, what its exits need.
    kept: Kept,
    // Of the block that is being translated.
    /// Which one it is.
    number: usize,
    /// In quick code, what it has read.
    read: Read,
    /// The inlined call it is in, if it is in one.
    inlined: Option<usize>,
    /// Where the operands of that begin, above the unit's base.
    base: usize,
    stack: Vec<Val>,
    checkpoint: Checkpoint,
    /// What the gas is to be less than the variable holds, the whole segment included; see [`crate::charges`].
    owed: i64,
    /// What of that is for the rest of the segment.
    ahead: i64,
    /// Memory numbers that are known, by the index of the instruction that finds them on the stack.
    memories: BTreeMap<u32, u64>,
    /// What the checks of each block ask for.
    checks: Vec<Check>,
    /// Where gas is taken off.
    charges: Charges,
    /// Whether memory 2 is reached.
    uses_data: bool,
    /// What accesses to memory go by.
    reaching: Reaching,
    /// Instructions that a helper executes.
    helpers: Vec<u32>,
    /// What each block costs.
    costs: Vec<BlockCost>,
    /// The loops that each block lies in.
    nests: Vec<Vec<u32>>,
    /// Of each loop that is compiled twice.
    groups: Vec<Group>,
    /// What the block is of a loop that is compiled twice.
    part: Part,
}

/// What became of a unit, for those who want to see it.
pub(crate) struct Notes {
    /// What the checks of each block ask for.
    pub(crate) checks: Vec<Check>,
    /// Instructions that a helper executes.
    pub(crate) helpers: Vec<u32>,
    /// Subroutines that are called natively.
    pub(crate) callees: BTreeSet<u32>,
    /// What quick code has behind it.
    pub(crate) stubs: Stubs,
}

/// Where callees are found while a unit is lowered.
pub(crate) trait Callees {
    /// The native code of the subroutine at an index, if it is to be called directly.
    fn reference(&mut self, function: &mut ir::Function, index: u32, typ: FuncType) -> Option<FuncRef>;
    /// The native code of the same unit with nothing inlined.
    fn plain(&mut self, function: &mut ir::Function) -> FuncRef;
}

/// Fills a function in.
pub(crate) fn lower(
    function: &mut ir::Function,
    frontend: &mut FunctionBuilderContext,
    code: &Code,
    region: &Region,
    Manner { options, level, careful }: Manner,
    isa: &dyn TargetIsa,
    callees: &mut dyn Callees,
) -> Notes {
    let quick = level == Level::Quick;
    let target = isa.frontend_config();
    let host = target.default_call_conv;
    function.signature = match region.start {
        Start::Call { typ, .. } => signature(typ),
        Start::Enter { .. } => entry_signature(host),
    };
    let mut regions = ["context", "memory", "operands"].iter().zip(0..).map(|(name, id)| {
        let data = AliasRegionData { user_id: id, description: (*name).into() };
        function.dfg.alias_regions.insert(data)
    });
    let mut flags = || {
        let region: Option<AliasRegion> = regions.next();
        MemFlagsData::new().with_notrap().with_alias_region(region)
    };
    let (ours, guest, operands) = (flags(), flags(), flags());
    let mut direct = BTreeMap::new();
    for &callee in &region.callees {
        if let Some((typ, _)) = crate::region::subroutine(code, callee)
            && let Some(reference) = callees.reference(function, callee, typ)
        {
            direct.insert(callee, reference);
        }
    }
    let plain = (!region.inlined.is_empty()).then(|| callees.plain(function));
    let mut b = FunctionBuilder::new(function, frontend);
    let mut helper = ir::Signature::new(host);
    helper.params.resize(3, ir::AbiParam::new(types::I64));
    helper.returns.push(ir::AbiParam::new(types::I64));
    let helper = b.import_signature(helper);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let room = b.block_params(entry)[0];
    let gas = b.declare_var(types::I64);
    let data = [types::I64; 3].map(|typ| b.declare_var(typ));
    let data_reach = DataReach::new(&mut b);
    let blocks = region.blocks.iter().map(|_| b.create_block()).collect();
    let groups = region.turns.iter().map(|turns| Group::new(&mut b, turns)).collect();
    let nothing = State { index: 0, inlined: None, stack: Vec::new(), settled: 0, gas: Gas::Context(0) };
    let uses = if quick { Uses::none() } else { Uses::new(code, region) };
    let mut unit = Unit {
        code,
        region,
        isa,
        options,
        forms: if quick { Vec::new() } else { forms(code, region, &uses) },
        uses,
        blocks,
        slots: vec![[None; 3]; region.height as usize + 1],
        gas,
        data,
        data_reach,
        bounds: Vec::new(),
        pinned: None,
        room,
        helper,
        callees: direct,
        ours,
        guest,
        operands,
        leaving: Vec::new(),
        saying: Vec::new(),
        bridges: Vec::new(),
        unwinding: BTreeMap::new(),
        unwinding_open: Vec::new(),
        given: BTreeMap::new(),
        plain,
        quick,
        asked_for: if careful { room::most(code, 0, &region.blocks[0]) } else { region.height as usize },
        beginning: entry,
        numbers: BTreeMap::new(),
        context_at: None,
        operands_at: None,
        kept: Kept::default(),
        number: 0,
        read: Read::default(),
        inlined: None,
        base: 0,
        stack: Vec::new(),
        checkpoint: Checkpoint { state: nothing, common: None, leaving: Vec::new() },
        owed: 0,
        ahead: 0,
        memories: BTreeMap::new(),
        checks: Vec::new(),
        charges: Charges::default(),
        uses_data: false,
        reaching: Reaching::default(),
        helpers: Vec::new(),
        costs: Vec::new(),
        nests: nests(region),
        groups,
        part: Part::Plain,
        b,
    };
    if quick {
        unit.forms = unit.settled_forms();
    }
    unit.costs = unit.block_costs();
    unit.checks = checks(region, &unit.costs);
    unit.charges = match options.gas_checks {
        true => charges(region, &unit.costs, &unit.nests),
        false => Charges::none(region),
    };
    if quick {
        unit.begin_quick(entry);
    } else {
        unit.entry(entry);
    }
    for block in 0..region.blocks.len() {
        unit.block(block);
    }
    unit.bridges();
    unit.exits();
    unit.b.seal_all_blocks();
    unit.b.finalize(target);
    Notes {
        checks: unit.checks,
        helpers: unit.helpers,
        callees: unit.callees.into_keys().collect(),
        stubs: unit.kept.stubs,
    }
}

impl Unit<'_> {
    /// Whether a mistake is to be made here, for a test. Else this is a constant.
    fn planted(&self, fault: Fault) -> bool {
        self.options.plant(fault)
    }

    /// Says which instruction the code that follows is for.
    fn at(&mut self, index: u32) {
        if self.quick {
            // There it is exits that code is for.
            return;
        }
        self.b.set_srcloc(ir::SourceLoc::new(index));
    }

    /// Goes on in a block that is reached from nowhere but where something has gone there by now.
    fn go_on_in(&mut self, block: ir::Block) {
        self.b.switch_to_block(block);
        self.b.seal_block(block);
    }

    fn iconst(&mut self, value: i64) -> Value {
        self.b.ins().iconst(types::I64, value)
    }

    /// A value and a number.
    fn plus(&mut self, value: Value, number: i64) -> Value {
        if number == 0 {
            return value;
        }
        let number = self.number(number);
        self.b.ins().iadd(value, number)
    }

    /// Where the context is: in the register that is pinned, so that no call saves or passes it.
    fn context(&mut self) -> Value {
        match self.context_at {
            Some(context) => context,
            None => self.b.ins().get_pinned_reg(types::I64),
        }
    }

    /// Returns from a unit that the host entered.
    fn return_to_host(&mut self) {
        if let Some(pinned) = self.pinned {
            self.b.ins().set_pinned_reg(pinned);
        }
        self.b.ins().return_(&[]);
    }

    fn get(&mut self, offset: usize) -> Value {
        self.get_as(types::I64, offset)
    }

    /// Reads a field of the context.
    fn get_as(&mut self, typ: Type, offset: usize) -> Value {
        let offset = i32::try_from(offset).expect("a context is small");
        let context = self.context();
        self.b.ins().load(typ, self.ours, context, offset)
    }

    fn put(&mut self, value: Value, offset: usize) {
        let offset = i32::try_from(offset).expect("a context is small");
        let context = self.context();
        self.b.ins().store(self.ours, value, context, offset);
    }

    /// The variable of an operand in a class.
    fn slot(&mut self, slot: usize, class: Class) -> Variable {
        let (at, typ) = match class {
            Class::Word => (0, types::I64),
            Class::F64 => (1, types::F64),
            Class::F32 => (2, types::F32),
        };
        if let Some(variable) = self.slots[slot][at] {
            return variable;
        }
        let variable = self.b.declare_var(typ);
        self.slots[slot][at] = Some(variable);
        variable
    }

    /// The address of the first operand above the base.
    fn operands_address(&mut self) -> Value {
        if let Some(address) = self.operands_at {
            return address;
        }
        let mask = self.number(crate::context::WORDS_MASK.cast_signed());
        let words = self.b.ins().band(self.room, mask);
        let three = self.number(3);
        let bytes = self.b.ins().ishl(words, three);
        let end = self.get(offset_of!(Context, stack_end));
        self.b.ins().isub(end, bytes)
    }

    /// The code before the first block: arguments and room.
    fn entry(&mut self, entry: ir::Block) {
        let refused = self.b.create_block();
        self.b.set_cold_block(refused);
        let params = self.b.block_params(entry).to_vec();
        if let Start::Enter { .. } = self.region.start {
            self.pinned = Some(self.context());
            self.b.ins().set_pinned_reg(params[0]);
        }
        let (gas, room) = match self.region.start {
            Start::Call { .. } => (params[0], params[1]),
            Start::Enter { .. } => (self.get(offset_of!(Context, gas)), self.get(offset_of!(Context, room))),
        };
        self.room = room;
        self.b.def_var(self.gas, gas);
        let need = self.asked_for as i64 + (i64::from(self.region.frames()) << FRAME_SHIFT);
        let left = self.plus(room, -need);
        let guard = self.iconst(ROOM_GUARD.cast_signed());
        let short = self.b.ins().band(left, guard);
        let next = self.b.create_block();
        self.b.ins().brif(short, refused, &[], next, &[]);
        self.go_on_in(next);
        let mut deep = None;
        if self.looks_for_native_stack() {
            let native = self.b.ins().get_stack_pointer(types::I64);
            let limit = self.get(offset_of!(Context, native_limit));
            let is_deep = self.b.ins().icmp(IntCC::UnsignedLessThan, native, limit);
            let block = *deep.insert(self.b.create_block());
            self.b.set_cold_block(block);
            let next = self.b.create_block();
            self.b.ins().brif(is_deep, block, &[], next, &[]);
            self.go_on_in(next);
        }
        let height = self.region.blocks[0].height as usize;
        self.reload_data();
        let mut memory = None;
        for slot in 0..height {
            let value = match self.region.start {
                Start::Call { .. } if slot < REGISTER_ARGUMENTS => params[2 + slot],
                _ => {
                    let base = match memory {
                        Some(base) => base,
                        None => *memory.insert(self.operands_address()),
                    };
                    let offset = i32::try_from(slot * 8).expect("a unit's height is limited");
                    self.b.ins().load(types::I64, self.operands, base, offset)
                }
            };
            let variable = self.slot(slot, Class::Word);
            self.b.def_var(variable, value);
        }
        // The first block's operands may be held otherwise, if it is a loop's.
        for slot in 0..height {
            let form = self.forms[0][slot];
            if form.class != Class::Word {
                let variable = self.slot(slot, Class::Word);
                let word = self.b.use_var(variable);
                let value = self.in_class(Val::word(word), form.class);
                let variable = self.slot(slot, form.class);
                self.b.def_var(variable, value);
            }
        }
        let first = self.blocks[0];
        self.b.ins().jump(first, &[]);
        self.b.switch_to_block(refused);
        match self.plain {
            Some(plain) => self.go_on_plainly(plain, &params),
            None => self.no_room(&params, gas),
        }
        if let Some(deep) = deep {
            self.b.switch_to_block(deep);
            self.no_room(&params, gas);
        }
    }

    /// Whether it calls anything, or may have much on the native stack.
    fn looks_for_native_stack(&self) -> bool {
        self.region.calls || self.region.work > LEAF_WORK
    }

    /// Goes on in the same unit with nothing inlined, which asks for less room.
    fn go_on_plainly(&mut self, plain: FuncRef, params: &[Value]) {
        let context = self.context();
        match self.region.start {
            Start::Call { .. } => {
                let call = self.b.ins().call(plain, params);
                let results = self.b.inst_results(call).to_vec();
                self.b.ins().return_(&results);
            }
            Start::Enter { .. } => {
                self.b.ins().call(plain, &[context]);
                self.return_to_host();
            }
        }
    }

    /// What a unit does that finds too little room when it begins, or too little native stack.
    fn no_room(&mut self, params: &[Value], gas: Value) {
        let room = self.room;
        match self.region.start {
            Start::Call { index, typ, .. } => {
                self.put(gas, offset_of!(Context, gas));
                let frameless = self.b.create_block();
                let begun = self.b.create_block();
                let no_frame = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, room, 0);
                self.b.ins().brif(no_frame, frameless, &[], begun, &[]);
                self.b.switch_to_block(frameless);
                self.refuse(typ);
                // The call has happened. A caller could not take it back: the last one may have gone on here in its own
                // place.
                self.b.switch_to_block(begun);
                let registers = REGISTER_ARGUMENTS.min(typ.arguments.into());
                if registers > 0 {
                    let base = self.operands_address();
                    for (slot, &word) in params[2..2 + registers].iter().enumerate() {
                        self.store_operand(base, slot, Val::word(word));
                    }
                }
                self.put(room, offset_of!(Context, room));
                self.leave_without_room(index, typ.arguments.into());
                if !self.planted(Fault::FrameUnwritten) {
                    self.write_own_frame();
                }
                self.give_up(LEFT, typ);
            }
            Start::Enter { index, height } => {
                self.leave_without_room(index, height);
                self.return_to_host();
            }
        }
    }

    /// Writes that there was no room to go on at an index.
    fn leave_without_room(&mut self, index: u32, height: u32) {
        let state = [
            (Context::place(index, height as usize), offset_of!(Context, index)),
            (Exit::Room as i64, offset_of!(Context, exit)),
        ];
        for (value, offset) in state {
            let value = self.iconst(value);
            self.put(value, offset);
        }
    }

    /// Returns from a native call without having begun.
    fn refuse(&mut self, typ: FuncType) {
        // Quick code that has called it looks there.
        let refused = self.iconst(Exit::REFUSED.into());
        self.put(refused, offset_of!(Context, exit));
        self.give_up(REFUSED, typ);
    }

    /// Returns from a native call without having returned.
    fn give_up(&mut self, answer: i64, typ: FuncType) {
        let answer = self.iconst(answer);
        self.return_nothing(answer, typ);
    }

    /// Returns with this in place of gas, and no results.
    fn return_nothing(&mut self, answer: Value, typ: FuncType) {
        let results = usize::from(typ.results).min(REGISTER_RESULTS);
        let nothing = if results > 0 { Some(self.iconst(0)) } else { None };
        let mut returns = vec![answer];
        returns.extend(nothing.iter().copied().cycle().take(results));
        self.b.ins().return_(&returns);
    }

    /// Frames left: what `room` says.
    fn frames_left(&mut self, room: Value) -> Value {
        self.b.ins().ushr_imm_u(room, i64::from(FRAME_SHIFT))
    }

    /// Reads the view of memory 2 anew.
    fn reload_data(&mut self) {
        if !self.uses_data || self.quick {
            return;
        }
        let fields = [offset_of!(View, base), offset_of!(View, readable), offset_of!(View, marks)];
        for (variable, field) in self.data.into_iter().zip(fields) {
            let value = self.get(Context::view_offset(2) + field);
            self.b.def_var(variable, value);
        }
        self.find_near_data();
    }

    fn pop(&mut self) -> Val {
        let mut val = self.stack.pop().expect("the height has been checked");
        if val.bound.known.is_none() {
            val.value = self.loaded(val);
        }
        val
    }

    fn push_word(&mut self, value: Value) {
        self.stack.push(Val::word(value));
    }
}
