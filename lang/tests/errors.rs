//! What is said of each mistake: the whole text with the whole message, in `snapshots/`.

use keyvm_lang::asm::assemble;
use keyvm_lang::render;

macro_rules! refused {
    ($($name:ident: $source:expr;)*) => { $(
        #[test]
        fn $name() {
            let errors = assemble($source).expect_err("a mistake");
            let message = render("program.kasm", $source, &errors, false);
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), format!("{}\n\n{message}", $source));
            });
        }
    )* };
}

refused! {
    // Tokens and literals.
    an_unknown_character: "push 1 @ 2";
    an_invisible_character: "push\u{a0}1\nhalt\u{feff}";
    quotes_of_a_word_processor: "data { \u{201c}abc\u{201d} }\npush \u{2018}a\u{2019}";
    comments_of_other_languages: "# one\nhalt // two\npush 1 // three\n/* four */\nadd(1, /* five */ 2)\ndata { # six\n u8 1 // seven\n}\npush 6 / / 2";
    a_mistake_behind_a_byte_order_mark: "\u{feff}hallt";
    an_open_string: "data { \"abc }";
    an_open_character: "push 'a";
    a_malformed_number: "push 12ab";
    a_number_past_128_bits: "1_000_000_000_000_000_000_000_000_000_000_000_000_000";
    an_unknown_escape: r#"data { "ab\q" }"#;
    two_characters_between_single_quotes: "'ab'";

    // Instructions.
    an_unknown_instruction: "laod64 2, 8 (get 0)";
    an_unknown_instruction_with_operands: "ad(1, 2)";
    an_unknown_instruction_among_operands: "add(1, mull(2, 3))";
    an_unknown_instruction_with_no_likeness: "frobnicate 7";
    an_instruction_in_capitals: "ADD(1, 2)\nPush 1";
    declarations_that_lack_something: "data \"hello\"\nhost \"console\"\nmeter\nlocals\nimage";
    an_unknown_directive: ".constnat 5";
    immediates_where_there_are_none: "add 1, 2";
    too_many_immediates: "load64 2, 8, 9";
    a_missing_immediate: "slide 1";
    a_missing_immediate_behind_a_comma: "load64 2,";
    an_immediate_that_does_not_fit: "load64 256, 0";
    a_push_that_does_not_fit: "push 0x80000000000000";
    a_negative_immediate: "load64 2, -8";
    a_fraction_for_a_whole_number: "load64 2, 1.5";
    an_instruction_for_an_immediate: "load64 add, 1";
    too_many_operands: "add(1, 2, 3)";
    operands_for_an_instruction_without_any: "halt(1)";
    operands_beyond_a_count: "return(5)";
    operands_beyond_a_count_and_a_fixed_number: "recurse(7, 8, 0, 50, 50)";
    a_call_of_what_is_no_subroutine: "call(1, :start)\nstart: halt\ntailcall end\nend:";
    a_host_that_is_not_declared: "invoke 2 (1, 42, console)\ninvoke 2 (3, 0, args)";
    a_host_that_is_declared_with_a_slip: "host consle\ninvoke 2 (1, 42, console)";
    an_operand_with_no_likeness: "add(frobnicate, 1)";
    a_slot_that_is_nearly_an_instruction: "locals dub\nget dub2\nget hallt";
    a_missing_target: "jump";
    a_missing_target_among_operands: "jumpif(get 0)";
    an_open_parenthesis: "add(1, 2\nhalt";
    two_statements_on_a_line: "push 1 push 2";
    a_type_for_a_number: "size 1->2";
    a_table_for_a_number: "jump [:a]";
    a_type_that_does_not_fit: "callto 65536->0 (1)";
    operands_nested_too_deeply: {
        static DEEP: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "not(".repeat(201));
        DEEP.as_str()
    };

    // Names.
    an_unknown_label: "start: jump :strat";
    a_label_defined_twice: "a: nop\na: halt";
    a_label_defined_twice_far_apart: "host console\nagain: nop\n add(1, 2)\n\n drop\nfunc again 0 -> 0\n ret";
    an_unknown_constant: "const LENGTH = 8\npush LENTGH";
    a_bare_word_that_is_nearly_an_instruction: "hallt";
    a_name_declared_twice: "const A = 1\nhost A";
    a_name_of_the_implicit_objects: "host root";
    an_instruction_as_a_name: "const add = 1";
    a_constant_that_needs_itself: "const A = B + 1\nconst B = A * 2\nA";
    a_division_by_zero: "const A = 1 / (2 - 2)";
    a_shift_past_the_end: "const A = 1 << 127";
    arithmetic_on_fractions: "const A = 1.5 + 1";
    a_label_in_a_constant: "x: nop\nconst A = :x";
    a_constant_without_a_value: "const A =\nA";

    // Given names.
    a_given_name_with_a_slip: "add(status.Runing, trap.DivideByZro)\nload64 meta.GASS\npush meter.GAS_LIMT\npush right.read|right.raed\npush kind.dta";
    a_given_name_of_another_group: "push status.DivideByZero";
    a_given_name_without_its_group: "push Busy";
    a_name_with_a_dot_with_no_likeness: "push kind.x\npush flavour.sweet";
    names_with_a_dot_of_ones_own: "const a.b = 1\nhost c.d\ne.f: nop\nfunc g.h 0 -> 0\ndata { label i.j }";
    names_with_a_dot_for_an_object: "keys k { 0: status.Returned(call) }";

    // Subroutines.
    a_subroutine_without_a_type: "func f\nret";
    names_without_a_subroutine: "halt\nparams a, b";
    slots_named_behind_a_label: "start: locals a\nget a";
    a_value_for_a_local_of_a_subroutine: "func f 0 -> 0, 1\nlocals a = 1\nret";
    a_slot_named_twice: "params a\nlocals b, a\nget a";
    a_local_outside_in_a_subroutine: "locals a\nhalt\nfunc f 0 -> 0\nget a";
    names_behind_another_instruction: "func f 1 -> 0\nnop\nparams a";
    more_names_than_arguments: "func f 1 -> 0\nparams a, b";
    a_slot_for_a_constant: "func f 1 -> 1\nparams n\nadd(n, 1)";
    a_slot_of_another_subroutine: "func f 1 -> 0\nparams n\nfunc g 0 -> 0\nget n";

    // Data.
    an_unknown_item_of_data: "data { u24 1 }";
    a_number_too_large_for_its_item: "data { u8 256 }";
    a_fraction_in_bytes: "data { u16 1.5 }";
    an_alignment_that_is_none: "data { align 3 }";
    data_that_is_too_long: "page p { words 1000000000 }";
    a_place_that_depends_on_itself: "data { zero N label N }";
    a_length_of_what_is_no_text: "data { label here  text greeting \"hi\" }\nadd(here.len, greting.len)\nconst A = A.len";
    a_text_without_a_string: "data { text a 5 }";
    a_broken_text_is_not_reported_where_it_is_used: "data { text a \"\\q\" }\nadd(a, a.len)";
    a_text_with_the_name_of_a_constant: "const a = 1\ndata { text a \"x\" }";
    a_block_that_is_not_closed: "data { u8 1\nhalt";
    a_block_that_was_never_opened: "nop\n}";

    // Declarations.
    an_unknown_field: "meter m { gas_limt 7 }";
    an_unknown_field_with_no_likeness: "gate g { x 7 }";
    a_field_given_twice: "meter m { gas_limit 7 gas_limit 8 }";
    an_unknown_object: "host console\nkeys k { 0: consle(call) }";
    an_object_that_is_not_declared: "keys k { 0: frobnicator(call) }";
    a_constant_for_an_object: "const A = 1\nkeys k { 0: A(call) }";
    an_object_for_a_number_in_a_full_text: "host h\nprocess p { index h }";
    an_unknown_right: "host h\nkeys k { 0: h(cal|read) }";
    a_key_without_rights: "host h\nkeys k { 0: h }";
    an_unknown_status: "process p { status Runing }";
    an_unknown_trap: "process p { trap Overflow }";
    an_unknown_way_to_be_called: "process p { suspended invok }";
    a_frame_of_two_numbers: "process p { frames { frame 1, 2 } }";
    a_recurse_without_words: "process p { suspended recurse 1 }";
    a_number_that_is_taken: "host a #2";
    a_number_that_is_zero: "host a #0";
    a_slot_filled_twice: "keys k { 0: root(call) 0: root(read) }";
    a_slot_beyond_the_list: "keys k { slots 2 2: root(call) }";
    a_host_name_that_is_not_text: "host h \"\\xff\"";
    a_host_name_that_is_too_long: "host h \"01234567890123456789012345678901234567890123456789012345678901234\"";
    data_outside_processes_in_a_full_text: "process p {}\ndata { u8 1 }\nrandom 5";
    a_field_that_does_not_fit: "process p { message_words 256 stack_capacity 0x100000000 gas_seen 0x10000000000000000 }";

    // All at once.
    every_mistake_of_a_text_is_found: "ad(1, 2)\nconst A = \npush A\nload64 300\nmeter m { gas 5\n rent 7 }\njump :nowhere\nhalt halt\nf: g: f: nop";
    a_broken_declaration_is_not_reported_where_it_is_used: "const A = (1\nhost h \"\\q\"\npush A\nkeys k { 0: h(call) }\nfunc f 1 ->\ncall :f";
}
