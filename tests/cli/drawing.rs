//! The key graph.

use super::{keyvm, program, temporary, written};
use std::collections::BTreeSet;
use std::fmt::Write;

#[test]
fn a_drawing_shows_every_kind_of_object_and_its_keys() {
    let directory = temporary();
    let svg = directory.path().join("world.svg");
    let ran = keyvm("graph -o", &[&svg, &program("world.kasm")]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    let text = std::fs::read_to_string(&svg).unwrap();
    for shown in [
        ">process 11, root<",
        ">process 12<",
        ">host 1<",
        ">data 3<",
        ">keys 4<",
        ">gate 5<",
        ">brand 7<",
        ">meter 9<",
        ">code 10<",
        // A name that is markup, or would move the cursor, is only text.
        "&lt;out&gt;\\u{1b}[2J",
        // A key with its slot and rights, in short and in full.
        ">4 call<",
        "process 12, key 4 to host 2: call copy strong",
        "keys 4, key 0 to process 12: call copy strong through gate 6",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains('\u{1b}'));
    assert_eq!(text.matches("<g").count(), text.matches("</g>").count());
}

#[test]
fn a_drawing_for_graphviz_has_the_same_nodes_and_keys() {
    let directory = temporary();
    let dot = directory.path().join("world.dot");
    assert_eq!(keyvm("graph -o", &[&dot, &program("world.kasm")]).code, Some(0));
    let text = std::fs::read_to_string(&dot).unwrap();
    assert!(text.starts_with("digraph \"Keys in world.kasm\" {\n") && text.ends_with("}\n"));
    for shown in ["o11 -> o4 [label=\"1 read uncopied\"", "o4 -> o6 ", "o6 -> o5 ", "o5 -> o12 "] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

#[test]
fn a_large_drawing_is_warned_of_and_one_for_graphviz_is_not() {
    let directory = temporary();
    let of = |pages: usize, end: &str| {
        let text: String = (0..pages).map(|page| format!("page p{page} {{ }}\n")).collect();
        let source = written(&directory, "many.kasm", &text);
        let ran = keyvm("graph -o", &[&directory.path().join(format!("many.{end}")), &source]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
        ran.err.replace(&directory.path().display().to_string(), "DIR")
    };
    // Besides the pages there are the root and the prime meter.
    let warning = "warning: DIR/many.svg: 3002 nodes and 3001 arrows are much for a browser; \
                   with -o DIR/many.dot Graphviz or other tools draw them\n";
    assert_eq!(of(3000, "svg"), warning);
    assert_eq!(of(3000, "dot"), "");
    assert_eq!(of(2998, "svg"), "");
}

#[test]
fn of_a_tree_of_some_hundred_processes_no_two_overlap_and_children_stand_behind_their_makers() {
    const COUNT: usize = 511;
    let directory = temporary();
    let mut text = String::from("image { root p1 }\nmeter all { }\ncode c { halt }\n");
    for process in 1..=COUNT {
        let child = |number: usize| {
            if number <= COUNT { format!("p{number}(all) ") } else { "null".to_owned() }
        };
        let keys = match (child(2 * process), child(2 * process + 1)) {
            (left, _) if left == "null" => String::new(),
            (left, right) => format!("1: {left} 2: {right} 3: p{}(call)", COUNT / process),
        };
        let standing = if process == 1 { "standing" } else { "" };
        writeln!(text, "process p{process} {{ code c {standing} keys {{ {keys} }} }}").unwrap();
    }
    let source = written(&directory, "tree.kasm", &text);
    let svg = directory.path().join("tree.svg");
    let ran = keyvm("graph -o", &[&svg, &source]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let text = std::fs::read_to_string(&svg).unwrap();
    let number = |line: &str, name: &str| -> i64 {
        let value = line.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap();
        (value.parse::<f64>().unwrap() * 10.0) as i64
    };
    let mut places = BTreeSet::new();
    for line in text.lines().filter(|line| line.contains("<rect class=\"process") && line.contains("<g id")) {
        let (x, y) = (number(line, "x"), number(line, "y"));
        let height = number(line, "height");
        let below = places.range((x, y - height + 1)..(x, y + height)).count();
        assert_eq!(below, 0, "{line}");
        assert!(places.insert((x, y)));
    }
    assert_eq!(places.len(), COUNT);
    let layers: BTreeSet<_> = places.iter().map(|place| place.0).collect();
    assert_eq!(layers.len(), 9, "the tree is nine deep");
}
