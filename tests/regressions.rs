//! What once went wrong, each in a small program.

use keyvm::{Event, Machine, asm, image};

fn machine(source: &str) -> Machine {
    let image = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    Machine::new(&image).expect("the image is consistent")
}

/// The machine, saved and loaded again.
fn reloaded(machine: &mut Machine) -> Machine {
    let mut bytes = Vec::new();
    image::write(&machine.image(), &mut bytes).expect("it can be written");
    let portable = image::read(&bytes).expect("it can be read");
    let mut loaded = Machine::new(&portable).expect("a machine's own image is consistent");
    assert_eq!(loaded.state_hash(), machine.state_hash());
    assert_eq!(loaded.audit(), Ok(()));
    loaded
}

/// Runs to the next event, and from a saved copy to the next event, which must be the same.
fn next(machine: &mut Machine) -> Event {
    let mut copy = reloaded(machine);
    let event = machine.run(u64::MAX);
    assert_eq!(copy.run(u64::MAX), event);
    assert_eq!(copy.state_hash(), machine.state_hash());
    event
}

#[test]
fn a_long_row_of_keepers_that_give_up_ends_without_a_deep_native_stack() {
    // Keeper n is kept by keeper n + 1, and each traps at once.
    let source = "
        code bad { unreachable }
                meter(0)
                create(bad, 0)
                get 1
                30000
        more:   create(bad, 0)
                setmeter(get 4, get 0)
                setkeeper(get 2, get 4)
                set 2
                set 3 (sub(get 3, 1))
                jumpif(get 3, :more)
                recurse(get 1, 1000, 1000)
                yield 3";
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let event = thread.spawn(move || machine(source).run(u64::MAX)).expect("a thread starts").join();
    // Trap 9, Unreachable; one word; status 3, Trapped.
    assert_eq!(event.expect("the host's stack suffices"), Event::Yielded([9, 1, 3].into()));
}

#[test]
fn calling_keepers_is_paid_by_their_meters() {
    let source = "
        code bad { unreachable }
        code keeper { return }
        meter m {}
                setmeter(create(keeper, 0), m)
                create(bad, 0)
                setkeeper(5, 4)
                drop(drop(drop(recurse(5, 1000, 1000))))
                yield 1 (meterread(m, meter.GAS_USED))";
    // 64 for the call, 4 for the keeper's `return`.
    assert_eq!(next(&mut machine(source)), Event::Yielded([68].into()));
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_shrinks_gives_host_memory_back() {
    let source = "
                60
        more:   pagenew(0)
                memresize(add(get 1, 4), 1_000_000)
                memresize(add(get 1, 4), 0)
                drop
                set 0 (sub(get 0, 1))
                jumpif(get 0, :more)";
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
        line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).expect("a number") / 1024
    };
    let mut machine = machine(source);
    machine.set_words_limit(1_100_000);
    let before = resident();
    assert_eq!(machine.run(u64::MAX), Event::Halted);
    // Kept, they would be 480 MiB; other tests run beside this one.
    assert!(resident() < before + 300, "{} MiB more", resident() - before);
}

/// Root calls P, which calls Q, which stops P; Q is stopped and started. P2 calls Q, which ends P2 in the given way.
fn two_callers(end_of_p2: &str, rest: &str) -> String {
    format!(
        "image {{ root r }}
        meter m {{ }}
        code cr {{
                invoke(1)
                drop(drop)
                stop(2)
                start(2)
                invoke(3)
                drop(drop)
                yield 1 (1)
                {rest}
                yield 2
                halt
        }}
        code cp {{
                invoke(1)
                yield 2
        }}
        code cq {{
                stop(1)
                {end_of_p2}(2)
                yield 1 (7)
                yield 1 (8)
        }}
        process r under m {{ code cr standing stack_capacity 64 keys {{ 1: p(all) 2: q(all) 3: p2(all) }} }}
        process p under m {{ code cp standing keys {{ 1: q(all) }} }}
        process p2 under m {{ code cp standing keys {{ 1: q(all) }} }}
        process q under m {{ code cq standing keys {{ 1: p(all) 2: p2(all) }} }}"
    )
}

#[test]
fn a_process_that_was_stopped_is_waited_for_by_its_next_caller_alone() {
    let mut machine = machine(&two_callers("stop", "start(1)\nstart(3)\ninvoke(1)"));
    assert_eq!(next(&mut machine), Event::Yielded([1].into()));
    // P heard at once that Q was stopped: count 0, status 6; it yields both, and root passes on count 2, status 1.
    assert_eq!(next(&mut machine), Event::Yielded([2, 1].into()));
    assert_eq!(next(&mut machine), Event::Halted);
}

#[test]
fn a_process_whose_caller_was_destroyed_can_be_called_before_and_after_saving() {
    let mut machine = machine(&two_callers("destroy", "invoke(2)"));
    assert_eq!(next(&mut machine), Event::Yielded([1].into()));
    // Q goes on where it was, behind `destroy`, and yields 7.
    assert_eq!(next(&mut machine), Event::Yielded([1, 1].into()));
    assert_eq!(next(&mut machine), Event::Halted);
}

#[test]
fn a_process_that_nobody_waits_for_may_lose_its_meter_and_be_saved() {
    let source = "
        image { root r }
        meter m { }
        meter ma { }
        code cr {
                invoke(1)
                drop(drop)
                setmeter(2, 4)
                yield 0
        }
        code caller { invoke(1) }
        code cc {
                destroy(1)
                yield 0
        }
        process r under m { code cr standing keys { 1: a(all) 2: b(all) 5: b(all) } }
        process a under ma { code caller standing keys { 1: b(all) } }
        process b under m { code caller standing keys { 1: c(all) } }
        process c under m { code cc standing keys { 1: a(all) } }";
    let mut machine = machine(source);
    assert_eq!(next(&mut machine), Event::Yielded([].into()));
    assert_eq!(next(&mut machine), Event::Halted);
}

#[test]
fn whoever_pays_for_a_call_cannot_end_the_process_it_called() {
    // A client calls a server with 17 words, which raises the server's stack at the client's cost; then the client's meter
    // is destroyed.
    let source = "
        code server {
                yield 1 (1)
                yield 1 (2)
        }
        code client { recurse 17 (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17, 1, 1000, 1000) }
        meter m {}
                create(server, 0)
                create(client, 0)
                setmeter(5, m)
                drop(transferkey(5, 4))
                drop(drop(invoke(5)))
                destroy(m)
                drop(drop(recurse(4, 100, 100)))
                yield 1";
    assert_eq!(next(&mut machine(source)), Event::Yielded([2].into()));
}

#[test]
fn growth_below_a_destroyed_call_is_counted_once_by_the_call_above() {
    // `a` calls `p`, which calls `q`, which grows; then `p` dies, and with it both calls' meters; then `q` dies.
    let source = "
        code cq {
                memresize(2, 1000)
                yield
        }
        code cp {
                recurse(1, 10_000, 2000)
                yield
        }
        code ca {
                create(1, 0)
                create(2, 0)
                drop(transferkey(3, 4))
                drop(drop(recurse(3, 50_000, 5000)))
                destroy(3)
                drop(drop(recurse(4, 10, 10)))
                destroy(4)
                yield 1 (mempush(0, meta.WORDS))
        }
                create(ca, 0)
                drop(transferkey(get 0, cp))
                drop(transferkey(get 0, cq))
                recurse(get 0, 100_000, 20_000)
                yield 3";
    let mut machine = machine(source);
    // Instruction by instruction.
    let mut slice = 1;
    let event = loop {
        let before = machine.instructions();
        let event = machine.run(slice);
        assert_eq!(machine.audit(), Ok(()));
        if event != Event::Paused {
            break event;
        }
        slice = if machine.instructions() > before { 1 } else { slice + 1 };
    };
    assert_eq!(event, Event::Yielded([20_000, 1, 1].into()));
}

#[test]
fn a_process_that_ran_dry_on_its_way_down_to_a_suspended_one_can_be_saved() {
    let source = r"
image { root r }
meter prime { }
meter small { gas_limit 100 }
code cr {
        invoke(1)
        drop
        drop
        drop
        invoke(1)
        yield 3
        meterlimit(2, 1, 1000)
        invoke(1)
        yield 3
        halt
}
code cp {
        invoke(1)
        yield 3
}
code cq {
more:   jump :more
}
process r { code cr standing keys { 1: p(all) 2: small(all) } }
process p under small { code cp standing keys { 1: q(all) } }
process q under small { code cq standing }";
    let mut machine = machine(source);
    // One word, the 32 gas of the way down, that are missing; status 4, OutOfGas.
    assert_eq!(next(&mut machine), Event::Yielded([32, 1, 4].into()));
}

#[test]
fn a_keeper_that_feeds_a_process_on_its_way_down_does_not_cost_it_the_result() {
    let source = r"
image { root r }
meter prime { }
meter small { gas_limit 100 keeper k(call|copy) }
code cr {
        invoke(1)       ; q uses up the meter; the keeper gives up the first time
        yield 2
        drop
        invoke(1)       ; the keeper feeds the meter this time
        yield 2
        yield 1
        halt
}
code cp {
        111
        222
        invoke(1)
        yield 3         ; 77 1 1 is what q yields
}
code cq {
        20
more:   set 0 (sub(get 0, 1))
        jumpif(get 0, :more)
        yield 1 (77)
}
code ck {
        keydrop(3)
        jumpif(eq(get 0, 3), :no)
        jumpif(load64at 2, 0, :feed)
        store64at 2, 0 (1)
        return 1 (0)
feed:   meterlimit(2, 1, 100000)
        return 1 (1)
no:     return 1 (0)
}
process r { code cr standing keys { 1: p(all) } }
process p under small { code cp standing keys { 1: q(all) } }
process q under small { code cq standing keys { 1: p(all) } }
process k { code ck standing data { words 1 } keys { 2: small(all) } }";
    let mut machine = machine(source);
    machine.set_gas_limit(100_000);
    assert_eq!(next(&mut machine), Event::Yielded([1, 4].into()));
    // The process yields what the one it waited for had yielded: 77, 1, 1.
    assert_eq!(next(&mut machine), Event::Yielded([3, 1].into()));
}

#[test]
fn a_keeper_that_is_dry_by_itself_is_passed_over() {
    let source = r"
image { root r }
meter prime { }
meter mr { under prime gas_limit 120 }
meter ma { under prime gas_limit 100000 }
code cr { invoke(1)
 drop
 drop
 yield 0
 halt }
code ca { invoke(1)
  meterlimit(2, 1, 100000)
  return 0 }
code cq { unreachable }
code ck { return 1 (0) }
process r under mr { code cr standing keys { 1: a(all) } }
process a under ma { code ca standing keys { 1: q(all) 2: mr(all) } }
process q under ma { code cq standing keeper k(call|copy) }
process k under mr { code ck standing }";
    assert_eq!(next(&mut machine(source)), Event::Yielded([].into()));
}

/// A root, and two processes with these fields.
fn waiting(p: &str, q: &str) -> String {
    format!(
        "image {{ root r }}
         meter prime {{ }}
         code c {{
             invoke(1)
             stop(1)
             invoke(2)
             yield 4
             halt
         }}
         process r {{ code c standing keys {{ 1: p(all) 2: q(all) }} }}
         process p {{ code c standing status Waiting {p} }}
         process q {{ code c standing status Suspended {q} }}"
    )
}

#[test]
fn a_forged_caller_is_refused() {
    let loads = |p: &str, q: &str| {
        let source = waiting(p, q);
        let image = asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors:?}"));
        Machine::new(&image).is_ok()
    };
    assert!(loads("callee q", "caller p suspended invoke"));
    assert!(loads("callee q", ""));
    for (p, q) in [
        ("callee q", "caller p"),
        ("callee q", "suspended invoke"),
        ("callee q", "caller r suspended invoke"),
        ("callee q", "caller q suspended invoke"),
        ("callee q", "caller c suspended invoke"),
        ("callee q", "caller #99 suspended invoke"),
        ("", "caller p suspended invoke"),
        ("callee r", "caller p suspended invoke"),
    ] {
        assert!(!loads(p, q), "p: {p}; q: {q}");
    }
}

#[test]
fn a_ring_of_processes_that_wait_for_each_other_is_harmless() {
    let source = waiting("callee q caller q suspended invoke", "callee p caller p suspended invoke");
    let mut machine = machine(&source);
    machine.set_gas_limit(100_000);
    // The first is busy; when it is stopped the second hears of it, and waits for nobody.
    let Event::Yielded(words) = next(&mut machine) else { panic!("it yields") };
    assert_eq!(words[..2], [0, u64::from(keyvm::isa::Status::Busy.number())]);
    assert_eq!(machine.audit(), Ok(()));
}

/// Runs a program whole, and in slices, saved and loaded in between: to the same event and state.
fn whole_and_in_slices(source: &str) -> Event {
    let mut whole = machine(source);
    let event = whole.run(u64::MAX);
    assert_eq!(whole.audit(), Ok(()));
    for least in [1, 7, 40] {
        let mut parts = machine(source);
        let mut slice = least;
        let other = loop {
            let before = parts.instructions();
            let event = parts.run(slice);
            if event != Event::Paused {
                break event;
            }
            slice = if parts.instructions() > before { least } else { slice + 1 };
            parts = reloaded(&mut parts);
        };
        assert_eq!(other, event, "in slices of {least}");
        assert_eq!(parts.state_hash(), whole.state_hash(), "in slices of {least}");
    }
    event
}

#[test]
fn words_of_a_run_are_given_back_when_the_process_that_began_it_is_destroyed() {
    let processes = "
        code cr {
            invoke(1)
            yield 2
        }
        code ca {
            recurse(1, 1000, 1000)
            yield 2
        }
        process r { code cr standing keys { 1: a(all) } }";
    // In another run, in a run with rent, and where another meter's books are changed by the destruction.
    for rest in [
        "code ct { invoke(1) }
         code cu { destroy(1) }
         process a { code ca standing keys { 1: t(all) } }
         process t { code ct keys { 1: u(all) } }
         process u { code cu standing keys { 1: a(all) } }",
        "meter m { rent_limit 1_000_000_000 }
         code ct { destroy(1) }
         process a under m { code ca standing keys { 1: t(all) } }
         process t { code ct keys { 1: a(all) } }",
        "meter m { }
         meter n { }
         callmeter c { under n callee a }
         code ct { destroy(1) }
         process a under m { code ca standing keys { 1: t(all) } }
         process t { code ct keys { 1: a(all) } }",
    ] {
        let source = format!("image {{ root r }}\nmeter prime {{ }}\n{processes}\n{rest}");
        // No words; status 7, Destroyed.
        assert_eq!(whole_and_in_slices(&source), Event::Yielded([0, 7].into()));
    }
}

#[test]
fn growth_that_is_adopted_is_numbered_in_the_order_of_the_processes() {
    // That `p1` is charged to `m` anew puts it elsewhere in the host's lists than it is after loading.
    let source = "
        image { root r }
        meter prime { }
        meter s { under prime }
        meter m { under prime }
        meter n { under prime }
        code cr {
                setmeter(1, 2)
                setmeter(1, 3)
                destroy(3)
                yield 0
        }
        process r { code cr standing keys { 1: p1(all) 2: n(all) 3: m(all) } }
        process p1 under m { code cr }
        process p2 under m { code cr }
        process q1 { code cr data { words 4 } }
        process q2 { code cr data { words 4 } }
        callmeter d1 { under s callee p1 }
        callmeter d2 { under s callee p2 }
        callmeter e1 { under d1 callee q1 own_words 4 }
        callmeter e2 { under d2 callee q2 own_words 4 }";
    assert_eq!(whole_and_in_slices(source), Event::Yielded([].into()));
}

/// Root and a process that it has called, which waits for a third; that destroys something charged to the call.
fn words_of_a_link(words: u64) -> String {
    format!(
        "image {{ root r }}
         chain {{ r invoke  a recurse c, 100000, {words}  b invoke }}
         meter prime {{ }}
         callmeter c {{ under prime callee a }}
         meter m {{ under c }}
         code cr {{ yield 2 }}
         code cx {{ halt }}
         code cb {{
                 destroy(1)
                 drop(create(2, 0))
                 yield 0
         }}
         process r {{ code cr standing status Waiting callee a keys {{ 1: a(all) }} }}
         process a {{ code cr status Waiting callee b keys {{ 1: b(all) }} }}
         process b under m {{ code cb standing status Running keys {{ 1: v(all) 2: cx(all) }} }}
         process v under m {{ code cx standing }}"
    )
}

#[test]
fn calls_that_hold_more_than_any_meter_could_have_had_are_refused() {
    // What a call has left, and what is charged to it (a meter and two processes, with keys), was had by one meter.
    let loads = |source: &str| {
        let image = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
        Machine::new(&image).is_ok()
    };
    let charged = 16 + 2 * 64;
    assert!(!loads(&words_of_a_link(u64::MAX)));
    assert!(!loads(&words_of_a_link(u64::MAX - charged + 1)));
    let most = words_of_a_link(u64::MAX - charged);
    // Two words; status 1, Yielded.
    assert_eq!(whole_and_in_slices(&most), Event::Yielded([2, 1].into()));
}

#[test]
fn growth_may_be_adopted_where_a_limit_is_below_what_is_counted() {
    // The call of `q` hangs below `m`, and half of what is destroyed with `m` is over the limit.
    let source = "
        image { root r }
        meter prime { }
        meter m { under prime }
        code cr {
                destroy(1)
                drop(pagenew(0))
                yield 0
        }
        process r { code cr standing keys { 1: m(all) } }
        process q { code cr data { words 30 } }
        callmeter c { under m callee q own_words 30 }";
    let mut machine = machine(source);
    let used = machine.budget().words_used;
    machine.set_words_limit(used - 30);
    // The meters had 16 words each; a page header has too few words left, now and after loading.
    assert!(matches!(next(&mut machine), Event::OutOfWords { .. }));
    assert_eq!(machine.budget().words_used, used - 16);
    assert_eq!(machine.audit(), Ok(()));
}

#[test]
fn a_stopped_process_that_goes_on_when_called_is_refused() {
    let loads = |chain: &str, r: &str, q: &str| {
        let source = format!(
            "image {{ root r }}
             {chain}
             meter prime {{ }}
             code c {{ yield 2 }}
             process r {{ code c standing {r} }}
             process q {{ code c standing {q} }}"
        );
        let image = asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors:?}"));
        Machine::new(&image).is_ok()
    };
    let waiting = "status Suspended callee q";
    assert!(loads("", waiting, "status Suspended caller r suspended invoke"));
    assert!(loads("", "status Suspended", "stopped status Suspended"));
    assert!(!loads("", waiting, "stopped status Suspended caller r suspended invoke"));
    assert!(loads("chain { r invoke }", "status Running", ""));
    assert!(!loads("chain { r invoke }", "stopped status Running", ""));
}

#[test]
fn a_process_that_is_with_its_keeper_has_room_for_the_result_that_it_waits_for() {
    let loaded = |operands: u32| {
        let source = format!(
            "image {{ root r }}
             chain {{ r invoke  k keeper }}
             meter prime {{ }}
             code c {{ return 0 }}
             process r {{ code c standing status Trapped callee q stack {{ words {operands} }} }}
             process k {{ code c standing status Running }}
             process q {{ code c status Suspended }}"
        );
        Machine::new(&asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors:?}")))
    };
    let refused = loaded(16).map(drop).expect_err("its stack is full").to_string();
    assert!(refused.ends_with("it has no room for a result"), "{refused}");
    let mut machine = loaded(14).expect("there is room for a status and a count");
    // The keeper gives up; what is left can be saved and loaded.
    assert!(matches!(next(&mut machine), Event::Trapped(_)));
    assert_eq!(machine.audit(), Ok(()));
    assert!(Machine::new(&machine.image()).is_ok());
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let pipe = directory.path().join("pipe.blob");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
    assert!(made.success());
    // Nobody writes into it: whoever opened it would wait for ever.
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let told = image::load(&pipe).map(|_| ()).map_err(|error| error.to_string());
        send.send(told).expect("the test waits");
    });
    let told = receive.recv_timeout(std::time::Duration::from_secs(60)).expect("it does not wait");
    assert_eq!(told, Err("not a regular file".to_owned()));
}
