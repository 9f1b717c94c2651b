//! How blocks end.

use super::call::Target;
use super::{Gas, Unit};
use crate::context::Exit;
use crate::fault::Fault;
use crate::gas::{Check, Cost, end_cost};
use crate::loops::loops_of_both;
use crate::region::{Edge, End};
use crate::values::{Form, drop_to_results};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, JumpTableData, Value};
use keyvm_isa::Op;
use std::collections::{BTreeMap, BTreeSet};

/// A block that leads from one block of the region to another.
pub(super) struct Bridge {
    block: ir::Block,
    target: ir::Block,
    /// How much less is owed then.
    charge: i64,
    /// The loops in whose groups of turns both are.
    groups: (Option<usize>, Option<usize>),
}

impl Unit<'_> {
    /// Ends a block.
    pub(super) fn end(&mut self, number: usize, check: Check) {
        let region = self.region;
        let block = &region.blocks[number];
        match &block.end {
            End::Fall(edge) | End::Jump(edge) => self.go(*edge),
            End::InlinedCall(edge) => {
                self.give(*edge);
                self.go(*edge);
            }
            End::CalledAfterAll(edge) => self.call_after_all(*edge, check.last, self.charges.end[number]),
            End::InlinedReturn(typ, edge) => {
                drop_to_results(&mut self.stack, self.base, *typ);
                self.inlined = self.inlined.and_then(|call| self.region.inlined[call].caller);
                self.go(*edge);
            }
            End::Branch { taken, next, .. } if let Some(is_taken) = self.known_branch() => {
                self.pop();
                self.go(if is_taken { *taken } else { *next });
            }
            End::Branch { taken, next, when_zero } => {
                let condition = self.pop_word();
                let (then, otherwise) = if *when_zero { (next, taken) } else { (taken, next) };
                self.branch(number, condition, *then, *otherwise);
            }
            End::Switch(targets) => self.switch(targets),
            End::Computed => {
                let mut target = self.pop_word();
                if self.planted(Fault::JumpHigh) {
                    target = self.b.ins().band_imm_u(target, i64::from(u32::MAX));
                }
                let end = self.iconst(self.code.len() as i64);
                let inside = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, target, end);
                self.leave_unless(inside, Exit::Check);
                self.leave_to(target);
            }
            End::Group { turns, fast, slow } => {
                let good = self.group(*turns);
                self.branch(number, good, *fast, *slow);
            }
            End::Return(typ) => {
                let gas = self.give_gas();
                self.return_native(*typ, gas);
            }
            End::Tailcall { target, typ, .. } => {
                if self.callees.contains_key(target) {
                    let gas = self.give_gas();
                    self.tailcall(&Target::Direct(*target), *typ, gas);
                } else {
                    let gas = self.gas_with(self.word(Cost::one(end_cost(&block.end))));
                    let state = self.state(block.end_index, self.stack.clone(), gas);
                    self.leave(state, Exit::Callee);
                }
            }
            End::TailcallTo(typ) => {
                let Some(insn) = self.insn(block.end_index) else { return };
                let operand = self.pop();
                let target = self.named(&insn, operand, block.end_index);
                let code = self.callee_at(target, *typ);
                let gas = self.give_gas();
                self.tailcall(&Target::Code(code), *typ, gas);
            }
            End::Leave => {
                let why = match self.insn(block.end_index).map(|insn| insn.op) {
                    Some(Op::Ret) => Exit::Return,
                    Some(
                        Op::Call
                        | Op::Callto
                        | Op::Calltable
                        | Op::Tailcall
                        | Op::Tailcallto
                        | Op::Tailcalltable,
                    ) => Exit::Callee,
                    _ => Exit::Kernel,
                };
                let gas = self.gas_left();
                let state = self.state(block.end_index, self.stack.clone(), gas);
                self.leave(state, why);
            }
        }
    }

    pub(super) fn go(&mut self, edge: Edge) {
        self.hand_over(&[edge]);
        let target = self.target(edge);
        self.b.ins().jump(target, &[]);
    }

    /// Goes from a block one of two ways.
    fn branch(&mut self, from: usize, condition: Value, then: Edge, otherwise: Edge) {
        self.hand_over(&[then, otherwise]);
        let stays_in = |edge| match edge {
            Edge::Block(to) => loops_of_both(&self.nests[from], &self.nests[to]),
            Edge::Out(_) => 0,
        };
        let sooner_out = stays_in(otherwise) < stays_in(then);
        let (then, otherwise) = (self.target(then), self.target(otherwise));
        if sooner_out {
            self.go_unless(condition, otherwise, then);
        } else {
            self.b.ins().brif(condition, then, &[], otherwise, &[]);
        }
    }

    /// Goes to `otherwise` unless a condition holds, and to `then` if it does: in this order. What leaves a loop is to be
    /// named before what stays in it. Cranelift looks at it later then, and where it has looked at that it takes nothing
    /// more out of the loop.
    pub(super) fn go_unless(&mut self, condition: Value, otherwise: ir::Block, then: ir::Block) {
        if self.quick {
            self.b.ins().brif(condition, then, &[], otherwise, &[]);
            return;
        }
        let not = self.b.ins().icmp_imm_u(IntCC::Equal, condition, 0);
        self.b.ins().brif(not, otherwise, &[], then, &[]);
    }

    fn switch(&mut self, targets: &[Edge]) {
        let selector = self.pop();
        let word = self.as_word(selector);
        self.hand_over(targets);
        let Some((&last, rest)) = targets.split_last() else { return };
        let default = self.target(last);
        let mut blocks = BTreeMap::from([(last, default)]);
        // Cranelift's tables have 32-bit selectors; what is beyond goes to the last target.
        let clamped = if selector.bound.most > u64::from(u32::MAX) && !self.planted(Fault::SwitchHigh) {
            let most = rest.len().saturating_sub(self.planted(Fault::SwitchDefault).into());
            let most = self.iconst(most as i64);
            self.b.ins().umin(word, most)
        } else {
            word
        };
        let narrow = self.b.ins().ireduce(ir::types::I32, clamped);
        let default = self.b.func.dfg.block_call(default, &[]);
        let mut calls: Vec<ir::BlockCall> = Vec::with_capacity(rest.len());
        for &edge in rest {
            let block = match blocks.get(&edge) {
                Some(&block) => block,
                None => *blocks.entry(edge).or_insert(self.target(edge)),
            };
            calls.push(self.b.func.dfg.block_call(block, &[]));
        }
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(narrow, table);
    }

    /// The block that an edge goes to.
    fn target(&mut self, edge: Edge) -> ir::Block {
        match edge {
            Edge::Block(block) => {
                let charge = self.owed - self.charges.begin[block];
                let groups = (self.part.group(), self.region.blocks[block].part.group());
                if charge == 0 && groups.0 == groups.1 {
                    return self.blocks[block];
                }
                let bridge = self.b.create_block();
                if groups.0 > groups.1 {
                    // What leads out of a group of turns happens once in many of them: what it takes is to stand aside.
                    self.b.set_cold_block(bridge);
                }
                self.bridges.push(Bridge { block: bridge, target: self.blocks[block], charge, groups });
                bridge
            }
            Edge::Out(index) => {
                let gas = self.gas_left();
                if self.quick {
                    return self.exit_block(index, gas);
                }
                let state = self.state(index, self.stack.clone(), gas);
                self.leaving_for(state, Exit::Edge)
            }
        }
    }

    /// Fills in all blocks between others.
    pub(super) fn bridges(&mut self) {
        for Bridge { block, target, charge, groups } in std::mem::take(&mut self.bridges) {
            self.b.switch_to_block(block);
            self.kept.gas = None;
            let held = self.held();
            let gas = match groups {
                (Some(turns), None) if !self.planted(Fault::TurnsKept) => {
                    let left = self.turns_left(turns);
                    self.gas_value(Gas::Turns(held, -charge, left, turns))
                }
                (None, Some(turns)) => {
                    let cost = self.cost_of_good_turns(turns);
                    let gas = self.b.ins().isub(held, cost);
                    // One group of them has begun.
                    let begun = self.charges.group(self.region, turns);
                    self.gas_value(Gas::Value(gas, begun - charge))
                }
                _ => self.gas_value(Gas::Value(held, -charge)),
            };
            self.hold(gas);
            self.b.ins().jump(target, &[]);
        }
    }

    /// Defines the variables that the blocks at the ends of edges read.
    fn hand_over(&mut self, edges: &[Edge]) {
        if self.quick {
            self.settle();
            return;
        }
        // One variable may go both to where a raw float is expected and to where it is not.
        let blocks: BTreeSet<usize> = edges
            .iter()
            .filter_map(|edge| match *edge {
                Edge::Block(next) => Some(next),
                Edge::Out(_) => None,
            })
            .collect();
        for slot in 0..self.stack.len() {
            let mut wanted: [Option<Form>; 3] = [None; 3];
            for &next in &blocks {
                let form = self.forms[next][slot];
                let wanted = &mut wanted[form.class as usize];
                let raw = form.raw && wanted.is_none_or(|other| other.raw);
                *wanted = Some(Form { raw, ..form });
            }
            for form in wanted.into_iter().flatten() {
                let val = self.stack[slot];
                let val = if self.planted(Fault::NanLoop) { val.as_is() } else { val };
                let value = self.in_form(val, form);
                let variable = self.slot(slot, form.class);
                self.b.def_var(variable, value);
            }
        }
    }
}
