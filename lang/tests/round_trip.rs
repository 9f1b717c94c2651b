//! Whatever a kernel may give out, its disassembly assembles to it.

use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::debug::{CodeDebugBuilder, DebugInfo, Line};
use keyvm_isa::image::{Body, Call, Frame, Image, Key, Link, Meter, Object, Process, Request, Suspended};
use keyvm_isa::{ImmKind, Insn, OPS, Rights, Status, Trap};
use keyvm_lang::asm::{assemble, disassemble};
use keyvm_lang::render;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use std::borrow::Cow;

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..12u64, 1 => any::<u64>()]
}

fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => Just(0),
        2 => 0..100u64,
        2 => any::<u64>(),
        1 => Just(u64::MAX),
        2 => "[ -~]{8}".prop_map(|text| u64::from_le_bytes(text.as_bytes().try_into().expect("eight bytes"))),
        1 => "[ -~]{3}".prop_map(|text| {
            let mut bytes = [0; 8];
            bytes[..3].copy_from_slice(text.as_bytes());
            u64::from_le_bytes(bytes)
        }),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    (number(), any::<u64>(), number(), number()).prop_map(|(object, bits, gate, seal)| Key {
        object,
        rights: Rights::from_bits(bits),
        gate: if gate > 5 { 0 } else { gate },
        seal: if seal > 5 { 0 } else { seal },
    })
}

fn keys() -> impl Strategy<Value = Vec<Option<Key>>> {
    vec(option::of(key()), 0..6)
}

fn bytes() -> impl Strategy<Value = Cow<'static, [u8]>> {
    vec(word(), 0..40).prop_map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn instruction() -> impl Strategy<Value = u64> {
    let known = (0..OPS.len(), any::<[u64; 3]>(), any::<bool>()).prop_map(|(row, values, small)| {
        let info = &OPS[row];
        let imms = info.imms.iter().zip(values).map(|(imm, value)| match imm.kind {
            ImmKind::Value => value.cast_signed() >> 8,
            _ if small => (value % 30).cast_signed(),
            kind => (value >> (64 - kind.bits())).cast_signed(),
        });
        Insn::encode(info.op, &imms.collect::<Vec<_>>()).expect("immediates that fit")
    });
    prop_oneof![4 => known, 1 => any::<u64>()]
}

fn code() -> impl Strategy<Value = Vec<u64>> {
    let typ = (0..3u16, 0..3u16, 0..3u32).prop_map(|(arguments, results, locals)| FuncType {
        arguments,
        results,
        locals,
    });
    let any_type = any::<u64>().prop_map(FuncType::from_word);
    let parts = (
        vec(instruction(), 0..40),
        vec(word(), 0..6),
        vec(prop_oneof![typ, any_type], 0..6),
        vec(vec(prop_oneof![0..45u64, any::<u64>()], 1..5), 0..4),
    );
    let well_formed = parts.prop_map(|(instructions, constants, types, switches)| {
        CodeParts { instructions, constants, types, switches }.words()
    });
    prop_oneof![9 => well_formed, 1 => vec(any::<u64>(), 0..9)]
}

fn meter() -> impl Strategy<Value = Meter> {
    let limit = || prop_oneof![Just(u64::MAX), any::<u64>()];
    let long = || prop_oneof![Just(u128::MAX), Just(0), any::<u128>()];
    (word(), limit(), limit(), long(), long(), any::<bool>(), option::of(key())).prop_map(
        |(gas_used, gas_limit, words_limit, rent_used, rent_limit, stopped, keeper)| Meter {
            gas_used,
            gas_limit,
            words_limit,
            rent_used,
            rent_limit,
            stopped,
            keeper,
        },
    )
}

fn process() -> impl Strategy<Value = Process<'static>> {
    let capacity = || prop_oneof![Just(16), Just(4), Just(8), any::<u32>()];
    let frame =
        any::<(u32, u32, u32)>().prop_map(|(return_index, base, typ)| Frame { return_index, base, typ });
    let suspended = prop_oneof![
        any::<(u64, u64)>().prop_map(|(gas, words)| Suspended::Recurse { gas, words }),
        Just(Suspended::Invoke),
    ];
    let standing = (
        number(),
        (0..Status::ALL.len()).prop_map(|row| Status::ALL[row].0),
        word(),
        word(),
        vec(word(), 0..40),
        capacity(),
        prop_oneof![Just(1 << 20), any::<u32>()],
        vec(frame, 0..7),
        capacity(),
    );
    let holding = (bytes(), keys(), any::<bool>(), capacity(), word(), any::<(u8, u8)>());
    let stopping = (
        option::of((0..Trap::ALL.len()).prop_map(|row| Trap::ALL[row].0)),
        word(),
        any::<(bool, bool)>(),
        option::of(key()),
        number(),
        option::of(suspended),
        word(),
        word(),
        number(),
    );
    (standing, holding, stopping).prop_map(|(standing, holding, stopping)| Process {
        code: standing.0,
        status: standing.1,
        index: standing.2,
        progress: standing.3,
        stack: standing.4.into(),
        stack_capacity: standing.5,
        stack_maximum: standing.6,
        frames: standing.7.into(),
        frame_capacity: standing.8,
        data: holding.0,
        keys: holding.1,
        key_capacity: holding.3,
        random: holding.4,
        message_words: holding.5.0,
        message_keys: holding.5.1,
        trap: stopping.0,
        amount: stopping.1,
        standing: stopping.2.0,
        stopped: stopping.2.1,
        keeper: stopping.3,
        callee: stopping.4,
        caller: stopping.8,
        suspended: stopping.5,
        gas_seen: stopping.6,
        words_seen: stopping.7,
    })
}

fn body() -> impl Strategy<Value = Body<'static>> {
    prop_oneof![
        bytes().prop_map(Body::Data),
        code().prop_map(|words| Body::Code(words.into())),
        keys().prop_map(Body::Keys),
        process().prop_map(|process| Body::Process(Box::new(process))),
        meter().prop_map(|meter| Body::Meter(Box::new(meter))),
        (number(), word()).prop_map(|(callee, own_words)| Body::CallMeter { callee, own_words }),
        number().prop_map(|parent| Body::Gate { parent }),
        Just(Body::Brand),
        "\\PC{0,16}|[a-z\"\\\\\n\0\u{7f}é]{0,20}".prop_map(Body::Host),
    ]
}

/// Names and lines of all code.
fn debug(objects: &[Object<'_>]) -> DebugInfo<'static> {
    let code = objects.iter().filter_map(|object| match &object.body {
        Body::Code(words) => {
            let mut builder = CodeDebugBuilder::new();
            let files = ["a ; b.et", "// \"c\" {"].map(|name| builder.file(name));
            for index in 0..u32::try_from(words.len()).expect("it is short") {
                builder.name(index, "} name :L1", index % 2 == 0);
                builder.line(Line { index, file: files[index as usize % 2], line: index, column: 1 });
            }
            Some((object.number, builder.finish(words.len() as u64)))
        }
        _ => None,
    });
    DebugInfo { names: vec![], code: code.collect() }
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (number(), any::<u64>(), word()).prop_map(|(meter, gas, words)| Call::Recurse { meter, gas, words }),
        Just(Call::Invoke),
        Just(Call::Keeper),
    ]
}

fn image() -> impl Strategy<Value = Image<'static>> {
    let objects = (btree_set(prop_oneof![9 => 1..20u64, 1 => 1..u64::MAX], 0..8), vec((number(), body()), 8));
    let objects = objects.prop_map(|(numbers, bodies)| {
        let objects = numbers.into_iter().zip(bodies);
        objects.map(|(number, (meter, body))| Object { number, meter, body }).collect::<Vec<_>>()
    });
    let request =
        (number(), vec(word(), 0..5), keys()).prop_map(|(host, words, keys)| Request { host, words, keys });
    let chain = vec((number(), call()).prop_map(|(process, call)| Link { process, call }), 0..4);
    (number(), number(), number(), chain, option::of(request), objects).prop_map(
        |(next_number, prime, root, chain, request, objects)| Image {
            next_number,
            prime,
            root,
            chain,
            request,
            debug: debug(&objects),
            objects,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_disassembly_of_any_image_assembles_to_it(mut image in image()) {
        let text = disassemble(&image);
        image.debug = DebugInfo::default();
        match assemble(&text) {
            Ok(again) => prop_assert_eq!(again, image, "{}", text),
            Err(errors) => prop_assert!(false, "{}\n{}", text, render("text", &text, &errors, false)),
        }
    }
}
