//! Each form of the language gives what it should.

use keyvm_isa::code::{Code, FuncType};
use keyvm_isa::image::{Body, Call, Image, Key, Link, Process, Suspended};
use keyvm_isa::layout::{Kind, meta, meter};
use keyvm_isa::{ImmKind, Insn, OPS, Op, Rights, Status, Trap};
use keyvm_lang::asm::{RANDOM_SEED, assemble, disassemble};
use keyvm_lang::render;

fn image(source: &str) -> Image<'static> {
    assemble(source).unwrap_or_else(|errors| panic!("{}", render("test", source, &errors, false)))
}

fn body<'i>(image: &'i Image<'static>, number: u64) -> &'i Body<'static> {
    &image.objects.iter().find(|object| object.number == number).expect("an object").body
}

fn code(source: &str) -> Code {
    match body(&image(source), 2) {
        Body::Code(words) => Code::new(words.to_vec()).expect("well-formed code"),
        other => panic!("{other:?}"),
    }
}

/// The instructions of a simple program, with their immediates.
fn insns(source: &str) -> Vec<(Op, Vec<i64>)> {
    let code = code(source);
    let words = &code.words()[..code.len()];
    let insns = words.iter().map(|&word| Insn::decode(word).expect("an instruction"));
    insns.map(|insn| (insn.op, insn.imms[..insn.op.info().imms.len()].to_vec())).collect()
}

fn data(source: &str) -> Vec<u8> {
    match body(&image(source), 3) {
        Body::Process(process) => process.data.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn process(image: &Image<'static>, number: u64) -> Process<'static> {
    match body(image, number) {
        Body::Process(process) => (**process).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_instruction_assembles_and_disassembles() {
    for info in OPS {
        let imms: Vec<_> = info
            .imms
            .iter()
            .map(|imm| match imm.kind {
                // What is called by its name must be a subroutine.
                ImmKind::Target if matches!(info.op, Op::Call | Op::Tailcall) => "0".to_owned(),
                ImmKind::Target => ":there".to_owned(),
                ImmKind::Switch => "[:there]".to_owned(),
                ImmKind::Type => "2->1+3".to_owned(),
                _ => "7".to_owned(),
            })
            .collect();
        let source = format!("there:\n{} {}", info.mnemonic, imms.join(", "));
        let image = image(&source);
        let [(op, _)] = insns(&source)[..] else { panic!("{source}") };
        assert_eq!(op, info.op);
        let text = disassemble(&image);
        assert!(text.contains(info.mnemonic), "{text}");
        assert_eq!(assemble(&text).as_ref(), Ok(&image), "{text}");
    }
}

#[test]
fn operands_are_evaluated_before_their_instruction_from_left_to_right() {
    assert_eq!(
        insns("add(1, mul(2, get 0))"),
        [(Op::Push, vec![1]), (Op::Push, vec![2]), (Op::Get, vec![0]), (Op::Mul, vec![]), (Op::Add, vec![]),]
    );
    assert_eq!(insns("load64 2, 8 (get 0)"), [(Op::Get, vec![0]), (Op::Load64, vec![2, 8])]);
}

#[test]
fn immediates_are_left_out_where_they_have_a_default() {
    assert_eq!(insns("load64"), [(Op::Load64, vec![2, 0])]);
    assert_eq!(insns("load64 3"), [(Op::Load64, vec![3, 0])]);
    assert_eq!(insns("copy"), [(Op::Copy, vec![2, 2])]);
    assert_eq!(insns("recurse")[0], (Op::Recurse, vec![0, 0]));
    assert_eq!(insns("recurse 1 (41, 1, 50, 50)")[4], (Op::Recurse, vec![1, 0]));
    assert_eq!(insns("calltable 1->1 (0)")[1], (Op::Calltable, vec![0, 2]));
}

#[test]
fn immediates_are_constant_expressions_and_take_the_commas_of_a_list_of_operands_first() {
    assert_eq!(insns("const A = 3\nload64 A+1, (2<<4)|1 (get A)")[1], (Op::Load64, vec![4, 33]));
    assert_eq!(insns("add(load64at 2, 8)"), [(Op::Load64at, vec![2, 8]), (Op::Add, vec![])]);
    assert_eq!(
        insns("add(load64at 2, get 0)"),
        [(Op::Load64at, vec![2, 0]), (Op::Get, vec![0]), (Op::Add, vec![])]
    );
    assert_eq!(
        insns("add(load64at 2 (), 8)"),
        [(Op::Load64at, vec![2, 0]), (Op::Push, vec![8]), (Op::Add, vec![])]
    );
    assert_eq!(insns("add(size 3, 8)")[0], (Op::Size, vec![3]));
}

#[test]
fn the_target_is_the_immediate_or_the_last_in_the_parentheses() {
    for source in ["x: jump(:x)", "x: jump :x", "x: jump x", "x:\njump 0", "x: jump(\n:x\n)"] {
        assert_eq!(insns(source), [(Op::Jump, vec![0])], "{source}");
    }
    assert_eq!(
        insns("x: jumpif(lt(get 0, 10), :x)"),
        [(Op::Get, vec![0]), (Op::Push, vec![10]), (Op::Lt, vec![]), (Op::Jumpif, vec![0])]
    );
    assert_eq!(insns("nop\nfunc x 2 -> 0\ncall(1, 2, :x)\n")[4], (Op::Call, vec![1]));
    assert_eq!(insns("jump :end\nhalt\nend:")[0], (Op::Jump, vec![2]));
}

#[test]
fn literals_constants_and_labels_are_pushed() {
    assert_eq!(
        insns("const A = 5\n-3\nA\n'a'\n:x\nx: (1+2)*3"),
        [
            (Op::Push, vec![-3]),
            (Op::Push, vec![5]),
            (Op::Push, vec![97]),
            (Op::Push, vec![4]),
            (Op::Push, vec![9]),
        ]
    );
    assert_eq!(insns("push :x\nx: push -1"), [(Op::Push, vec![1]), (Op::Push, vec![-1])]);
}

#[test]
fn what_does_not_fit_a_push_becomes_one_constant() {
    let source =
        "1.5\n1.5f32\n0x123456789abcdef0\n-2e10\ninf\nnan\n1.5\nadd(0x80000000000000, -0x80000000000000)";
    let code = code(source);
    assert_eq!(
        code.constants(),
        [
            1.5f64.to_bits(),
            0x1234_5678_9abc_def0,
            (-2e10f64).to_bits(),
            f64::INFINITY.to_bits(),
            0x7ff8_0000_0000_0000,
            0x80_0000_0000_0000,
        ]
    );
    let insns = insns(source);
    assert_eq!(insns[1], (Op::Push, vec![i64::from(1.5f32.to_bits())]));
    assert_eq!(insns[6], (Op::Const, vec![0]));
    assert_eq!(insns[8], (Op::Push, vec![-0x80_0000_0000_0000]));
}

#[test]
fn constants_may_refer_to_one_another_in_any_order() {
    let source = "const A = B * 2\nconst B = (C + 1) << 4 | 1\nconst C = -7 / 2 & 0xff\nA";
    assert_eq!(insns(source), [(Op::Push, vec![(((-3 & 0xff) + 1) << 4 | 1) * 2])]);
    let mut long = String::from("const A0 = 1\n");
    for n in 1..5000 {
        long.push_str(&format!("const A{n} = A{} + 1\n", n - 1));
    }
    assert_eq!(insns(&(long + "A4999")), [(Op::Push, vec![5000])]);
}

#[test]
fn subroutines_have_a_type_and_names_for_their_slots() {
    let source = "call :sum (1, 2)\nhalt\nfunc sum 2 -> 1, 3\n params a, b\n locals x, y, z\n set z (add(get a, get b))\n ret(tee y (get z))\nfunc 0\nget 1";
    let code = code(source);
    assert_eq!(code.types(), [FuncType { arguments: 2, results: 1, locals: 3 }]);
    let insns = insns(source);
    assert_eq!(insns[2], (Op::Call, vec![4]));
    assert_eq!(insns[4], (Op::Func, vec![0]));
    assert_eq!(insns[8], (Op::Set, vec![4]));
    assert_eq!(insns[10], (Op::Tee, vec![3]));
}

#[test]
fn directives_fill_the_tables_before_what_is_interned() {
    let source = "9000000000000000001\n.constant 5\n.constant 9000000000000000001\n.type 1->2+3\n.switch :x, 7\nx: callto 1->2+3 (0)\ncallto 0->0 (0)\ncallto 1 (0)\nswitch [:x, 7] (0)\nswitch [:x] (0)\nswitch 0 (0)\n.word 0xffff";
    let code = code(source);
    assert_eq!(code.constants(), [5, 9_000_000_000_000_000_001]);
    assert_eq!(code.types().len(), 2);
    assert_eq!(code.switch(0), Some(&[1, 7][..]));
    assert_eq!(code.switch(1), Some(&[1][..]));
    assert_eq!(code.switch_count(), 2);
    assert_eq!(code.words()[code.len() - 1], 0xffff);
    assert_eq!(Insn::decode(code.words()[0]).unwrap().imms[0], 1);
}

#[test]
fn a_simple_program_gets_a_meter_code_and_a_root_process() {
    let image = image(
        "host console\nhost out \"std.out\"\npage table { words 2 }\nadd(console, table)\nrandom 9\ndata { u8 1 }",
    );
    assert_eq!((image.prime, image.root, image.next_number), (1, 3, 7));
    assert_eq!(
        image.objects.iter().map(|o| (o.number, o.meter)).collect::<Vec<_>>(),
        [(1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]
    );
    let root = process(&image, 3);
    let hosted =
        Rights::from_bits((Rights::CALL.bits() | Rights::COPY.bits() | Rights::STRONG.bits()).into());
    let key = |object, rights| Some(Key { object, rights, gate: 0, seal: 0 });
    assert_eq!(root.keys, [key(3, Rights::OWN), key(4, hosted), key(5, hosted), key(6, Rights::ALL)]);
    assert_eq!((root.code, root.standing, root.random, root.key_capacity), (2, true, 9, 8));
    assert_eq!(root.data[..], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(body(&image, 5), &Body::Host("std.out".into()));
    assert_eq!(body(&image, 6), &Body::Data(vec![0; 16].into()));
    let Body::Code(words) = body(&image, 2) else { panic!() };
    assert_eq!(Insn::decode(words[0]).unwrap().imms[0], 1);
    assert_eq!(Insn::decode(words[1]).unwrap().imms[0], 3);
}

#[test]
fn an_empty_text_is_a_simple_program() {
    let image = image("");
    assert_eq!(image.objects.len(), 3);
    assert_eq!(process(&image, 3).random, RANDOM_SEED);
}

#[test]
fn the_key_list_of_a_simple_program_grows_by_doubling() {
    let source: String = (0..9).map(|n| format!("brand b{n}\n")).collect();
    assert_eq!(process(&image(&source), 3).key_capacity, 16);
}

#[test]
fn data_is_laid_out_in_order_and_its_labels_are_offsets() {
    assert_eq!(data("data { \"a\\n\\x00é\" }"), [97, 10, 0, 0xc3, 0xa9, 0, 0, 0]);
    assert_eq!(
        data("data { u8 1, 255, -1 u16 0x102 align 4 u32 -2 }"),
        [1, 255, 255, 2, 1, 0, 0, 0, 0xfe, 255, 255, 255, 0, 0, 0, 0]
    );
    assert_eq!(data("data {\n u64 1,\n 2\n zero 8 }").len(), 24);
    assert_eq!(data("data { f64 1, 2.5 }"), [1f64.to_le_bytes(), 2.5f64.to_le_bytes()].concat());
    assert_eq!(
        data("data { f32 1, -2.5, 3.5f32, nan }")[..8],
        [1f32.to_le_bytes(), (-2.5f32).to_le_bytes()].concat()
    );
    assert_eq!(data("data { words 3 u8 1 }").len(), 24);
    assert_eq!(data("nop\nf: nop\ndata { u64 :f }"), 1u64.to_le_bytes());
    assert_eq!(
        insns("data { \"abc\" label there zero N label end }\nconst N = there * 2\nend")[0],
        (Op::Push, vec![9])
    );
}

#[test]
fn a_full_text_says_everything_itself() {
    let source = r#"
        image { next 100  prime top  root first }
        meter top { gas_limit 1000  rent_limit 0x1_0000_0000_0000_0000  keeper second(call) }
        meter low #50 under top { words_limit none  stopped  gas_used 7  rent_used 9 }
        host console "con" under low
        gate g under low
        gate h { parent g }
        brand b
        code program { start: nop  
            end: halt }
        callmeter cm { under low  callee second  own_words 5 }
        keys list { slots 3  1: console(call|copy) via g sealed b  0: null }
        process first {
            code program  meter low  standing  stopped
            index :end  status Trapped  trap DivideByZero
            stack { u64 1, 2 }  frames { frame :end, 1, 0  frame 2, 3, 4 }
            data { "hello" u64 :end }
            keys { 2: list(all) }
            callee second  suspended recurse 10, 20
        }
        process second { keys { 0: null  1: #77(read) } caller first  suspended invoke }
        chain { first invoke  second recurse cm, 5, 6  first keeper }
        request { host console  words { u64 7 }  keys { 0: list(read) } }
    "#;
    let image = image(source);
    assert_eq!((image.next_number, image.prime, image.root), (100, 1, 9));
    assert_eq!(image.objects.last().unwrap().number, 50);
    let first = process(&image, 9);
    assert_eq!((first.code, first.index, first.status), (6, 1, Status::Trapped));
    assert_eq!(first.trap, Some(Trap::DivideByZero));
    assert_eq!(first.stack[..], [1, 2]);
    assert_eq!(first.frames[0].return_index, 1);
    assert_eq!(first.suspended, Some(Suspended::Recurse { gas: 10, words: 20 }));
    assert_eq!(process(&image, 10).caller, 9);
    assert_eq!(first.keys[0].unwrap().rights, Rights::OWN);
    assert!(first.standing && first.stopped);
    assert_eq!(process(&image, 10).keys[0], None);
    assert_eq!(image.chain[1], Link { process: 10, call: Call::Recurse { meter: 7, gas: 5, words: 6 } });
    assert_eq!(image.request.as_ref().unwrap().words, [7]);
    assert_eq!(assemble(&disassemble(&image)).as_ref(), Ok(&image));
}

#[test]
fn blocks_in_a_full_text_may_stand_beside_code_outside_any() {
    let image = image("meter m {}\nprocess p { standing }\npush 1");
    assert_eq!(image.objects.iter().map(|object| object.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(process(&image, 2).code, 3);
    assert_eq!((image.prime, image.root), (1, 2));
}

#[test]
fn comments_and_blank_lines_mean_nothing() {
    assert_eq!(insns("; one\n\n  add ; two ( {\n\r\n ; three"), [(Op::Add, vec![])]);
    assert_eq!(insns("add( ; first\n 1, ; second\n\n 2\n)").len(), 3);
}

#[test]
fn every_number_of_the_machine_s_tables_has_a_name_in_every_text() {
    let mut given: Vec<(String, u64)> = Vec::new();
    given.extend(Status::ALL.iter().map(|s| (format!("status.{}", s.1), s.0.number().into())));
    given.extend(Trap::ALL.iter().map(|t| (format!("trap.{}", t.1), t.0.number().into())));
    given.extend(meta::FIELDS.iter().map(|f| (format!("meta.{}", f.1), f.0)));
    given.extend(meter::FIELDS.iter().map(|f| (format!("meter.{}", f.1), f.0)));
    given.extend(Rights::NAMED.iter().map(|r| (format!("right.{}", r.1), r.0.bits().into())));
    given.extend(Kind::ALL.iter().map(|k| (format!("kind.{}", k.1), k.0 as u64)));
    for (name, number) in given {
        let source = format!("const A = {name} + 1\n{name}\nadd(A, get {name})\ndata {{ u64 {name} }}");
        let pushed: Vec<_> =
            insns(&source).into_iter().filter_map(|(_, imms)| imms.first().copied()).collect();
        let number = number.cast_signed();
        assert_eq!(pushed, [number, number + 1, number], "{name}");
        assert_eq!(data(&source), number.to_le_bytes(), "{name}");
    }
    assert_eq!(insns("right.read|right.copy"), [(Op::Push, vec![0x201])]);
    assert_eq!(insns("trap.Busy - status.Busy"), [(Op::Push, vec![18])]);
}

#[test]
fn a_text_has_a_place_and_a_length_in_bytes() {
    let source = "data { u8 1  text a \"h\u{e9}\" text empty \"\" align 4 text b \"xyz\" }\nconst N = b.len\n\
        a\na.len\nempty\nempty.len\nb\nb.len\nN";
    let pushed: Vec<_> = insns(source).into_iter().map(|(_, imms)| imms[0]).collect();
    assert_eq!(pushed, [1, 3, 4, 0, 4, 3, 3]);
    assert_eq!(data(source), *b"\x01h\xc3\xa9xyz\0");
    // A length is known before any place is.
    assert_eq!(data("data { zero a.len  text a \"xy\" }"), *b"\0\0xy\0\0\0\0");
}

#[test]
fn code_outside_any_subroutine_names_its_slots_at_its_start() {
    assert_eq!(
        insns("; first\nhost h\nlocals a, b = h << 2,\n c\nset b (get c)\nget a"),
        [
            (Op::Push, vec![0]),
            (Op::Push, vec![4]),
            (Op::Push, vec![0]),
            (Op::Get, vec![2]),
            (Op::Set, vec![1]),
            (Op::Get, vec![0]),
        ]
    );
    // What is on the stack already is only named; and a subroutine has names of its own.
    assert_eq!(
        insns("params n\nlocals d = 2\nadd(get n, get d)\nfunc f 1 -> 1\nparams d\nget d")[..4],
        [(Op::Push, vec![2]), (Op::Get, vec![0]), (Op::Get, vec![1]), (Op::Add, vec![])]
    );
    assert_eq!(insns("locals a\nl: jump :l"), [(Op::Push, vec![0]), (Op::Jump, vec![1])]);
    let page = image("code c { params n\nlocals a\nget n }");
    let Body::Code(words) = body(&page, 4) else { panic!("{page:?}") };
    let code = Code::new(words.to_vec()).expect("well-formed code");
    assert_eq!(Insn::decode(code.words()[1]).expect("an instruction").imms[0], 0);
    assert_eq!(code.len(), 2);
}
