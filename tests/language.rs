//! Programs in the language: every example's whole output, also when it goes from machine to machine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compiling;
mod transcript;

use compiling::compiling;
use keyvm::entish::{File, compile};
use keyvm::image;
use keyvm::isa::image::Image;
use keyvm::{Args, Console, Engine, Event, Hosts, Levels, Machine};
use std::io::Write;
use std::path::{Path, PathBuf};
use transcript::Transcript;

// ---- Running a program ------------------------------------------------------------------------------------

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names of the programs in a folder, without their ending.
fn programs(folder: &Path) -> Vec<String> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "et"));
    let mut names: Vec<_> =
        paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[track_caller]
fn compiled(name: &str, text: String) -> Image<'static> {
    let file = File { name: format!("{name}.et"), text };
    compile(file, &mut |_| Ok(None)).unwrap_or_else(|errors| panic!("{}", errors.render(false))).image
}

/// An example, and how it is run.
#[derive(Clone, Copy, Default)]
struct Example {
    name: &'static str,
    args: &'static [&'static str],
    input: &'static str,
    /// It is stopped after so many yields, if it does not end by itself.
    yields: Option<usize>,
}

impl Example {
    fn image(&self) -> Image<'static> {
        let path = folder("examples").join(format!("{}.et", self.name));
        compiled(self.name, std::fs::read_to_string(path).unwrap())
    }

    /// Its output on an engine. If there is a slice, it goes on in another machine after each so much gas.
    fn output_of(&self, engine: &Engine, slice: Option<u64>) -> String {
        let transcript = Transcript::default();
        let mut hosts = Hosts::new();
        hosts.grant("args", Args::new(self.args.iter().copied()));
        hosts.grant("console", Console::new(self.input.as_bytes(), transcript.clone()));
        let mut machine =
            Machine::with_engine(&self.image(), engine).unwrap_or_else(|error| panic!("{error}"));
        let mut yields = 0;
        while self.yields != Some(yields) {
            match machine.run_hosted(slice.unwrap_or(u64::MAX), &mut hosts) {
                Event::Yielded(words) => {
                    let words: Vec<_> = words.iter().map(u64::to_string).collect();
                    writeln!(transcript.clone(), "{}", words.join(" ")).unwrap();
                    yields += 1;
                }
                Event::Paused => {
                    let mut file = Vec::new();
                    image::write(&machine.image(), &mut file).unwrap();
                    machine = Machine::with_engine(&image::read(&file).unwrap(), engine).unwrap();
                }
                Event::Halted => break,
                event => panic!("{}: {event:?}\n{}", self.name, transcript.text()),
            }
        }
        assert_eq!(machine.audit(), Ok(()), "the books of {} balance", self.name);
        transcript.text()
    }

    fn output(&self) -> String {
        self.output_of(&Engine::default(), None)
    }

    #[track_caller]
    fn writes(&self, output: &str) {
        let found = self.output();
        assert!(found == output, "{} wrote\n{found}", self.name);
    }
}

// ---- What each writes -------------------------------------------------------------------------------------

const SANDBOX: Example = Example { name: "sandbox", args: &["41"], input: "", yields: Some(3) };
const RECURSION: Example = plain("recursion");
const PLUGIN: Example = plain("plugin");
const GENERATOR: Example = plain("generator");
const CRACKING: Example = plain("cracking");
const PRISONER: Example = plain("prisoner");
const QUEENS: Example = with("queens", &["8"]);
const SIEVE: Example = with("sieve", &["300"]);
const MATRIX: Example = with("matrix", &["90"]);
const DIGEST: Example = plain("digest");
const DIGEST_OF_ARGUMENTS: Example = with("digest", &["the quick brown fox", "é"]);
const MANDELBROT: Example = plain("mandelbrot");
const NBODY: Example = with("nbody", &["1000"]);
const BRAINFUCK: Example = plain("brainfuck");
const LIFE: Example = plain("life");
const WORDCOUNT: Example = Example {
    name: "wordcount",
    args: &[],
    input: "The cat and the dog.\r\nThe end, \"said\" the cat.\n\nÄpfel, Äpfel: 42 \u{201c}cats\u{201d}, and dogs",
    yields: None,
};
const JSON: Example = with(
    "json",
    &[r#"{"a": [1, 2.50, true, null, {}, []], "b": {"c": "d\u00e9\ud83d\ude00\n\\\/"}, "e": -1e-7}"#],
);

const fn plain(name: &'static str) -> Example {
    with(name, &[])
}

const fn with(name: &'static str, args: &'static [&'static str]) -> Example {
    Example { name, args, input: "", yields: None }
}

const ALL: [Example; 16] = [
    SANDBOX, RECURSION, PLUGIN, GENERATOR, CRACKING, PRISONER, QUEENS, SIEVE, MATRIX, DIGEST, MANDELBROT,
    NBODY, BRAINFUCK, LIFE, WORDCOUNT, JSON,
];

#[test]
fn every_example_is_tested_here() {
    let mut tested = ALL.map(|example| example.name);
    tested.sort_unstable();
    assert_eq!(programs(&folder("examples")), tested);
}

/// `keyvm fmt` leaves them as they are.
#[test]
fn examples_and_library_are_in_the_style_that_fmt_writes() {
    for name in ["examples", "lang/src/entish/std", "lang/tests/std"] {
        let folder = folder(name);
        for program in programs(&folder) {
            let text = std::fs::read_to_string(folder.join(format!("{program}.et"))).unwrap();
            let formatted = keyvm::entish::format(&text).expect("it is well-formed");
            assert!(formatted == text, "run `keyvm fmt {name}` for {program}.et");
        }
    }
}

#[test]
fn sandbox_yields_forty_two_again_and_again() {
    SANDBOX.writes("42\n42\n42\n");
}

#[test]
fn recursion_goes_deeper_with_more() {
    let output = RECURSION.output();
    let level = |line: &str| -> u64 { line.rsplit(' ').next().unwrap().parse().unwrap() };
    let (gas, words): (Vec<_>, Vec<_>) = output.lines().partition(|line| line.contains("gas"));
    for lines in [gas, words] {
        let levels: Vec<u64> = lines.into_iter().map(level).collect();
        assert!(levels.len() > 2 && levels.is_sorted_by(|a, b| a < b), "{output}");
        assert!(levels[0] > 0 && levels[levels.len() - 1] < 30, "{output}");
    }
}

#[test]
fn a_plugin_reads_and_does_no_more() {
    PLUGIN.writes(
        "The greatest price is 14\n\
         Writing: stopped by trap 18\n\
         The first price is still 10\n\
         Waiting: 0 is what we take if it does not answer\n",
    );
}

#[test]
fn generators_take_turns() {
    GENERATOR.writes(
        "25\n36\n49\n64\n81\n100\n121\n144\n169\n196\n\
         The sum of the products is 622328\n",
    );
}

#[test]
fn a_search_goes_on_where_it_was_cut_off() {
    CRACKING.writes("after 100,000 gas it is still searching\nit found 4711\n");
}

#[test]
fn the_prisoner_does_not_get_out() {
    PRISONER.writes(
        "spin       ran out of gas\n\
         recurse    ran out of memory\n\
         eat        ran out of memory\n\
         hide       ran out of gas\n\
         write      trapped: a missing right\n\
         upgrade    trapped: a missing right\n\
         guess      trapped: a missing right\n\
         scribble   trapped: an address that does not exist\n\
         destroy    trapped: a missing right\n\
         shout      trapped: a process that has no console\n\
         The secret is still 42\n",
    );
}

// The outputs from here on were computed by Python too.

#[test]
fn eight_queens_stand_in_92_ways() {
    QUEENS.writes(
        "Q . . . . . . .\n\
         . . . . Q . . .\n\
         . . . . . . . Q\n\
         . . . . . Q . .\n\
         . . Q . . . . .\n\
         . . . . . . Q .\n\
         . Q . . . . . .\n\
         . . . Q . . . .\n\
         92 ways for 8 queens\n",
    );
}

#[test]
fn there_are_62_primes_below_300() {
    SIEVE.writes(
        "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97\n\
         101 103 107 109 113 127 131 137 139 149 151 157 163 167 173 179 181 191\n\
         193 197 199 211 223 227 229 233 239 241 251 257 263 269 271 277 281 283\n\
         293\n\
         62 primes below 300\n",
    );
}

#[test]
fn a_power_of_a_matrix_is_a_fibonacci_number() {
    MATRIX.writes("58 64\n139 154\nFibonacci number 90 is 2880067194370816120\n");
}

#[test]
fn digests_are_those_that_are_known() {
    DIGEST.writes(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  the empty text\n\
         ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n\
         41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3  a thousand times a\n",
    );
    DIGEST_OF_ARGUMENTS.writes(
        "9ecb36561341d18eb65484e833efea61edc74b84cf5e6ae1b81c63533e25fc8f  the quick brown fox\n\
         4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c  é\n",
    );
}

#[test]
fn the_mandelbrot_set_has_its_shape() {
    MANDELBROT.writes(include_str!("language/mandelbrot.txt"));
}

#[test]
fn the_energy_of_five_bodies_is_right_to_the_last_digit() {
    NBODY.writes(
        "-0.169075164 before\n\
         -0.169087605 after 1000 steps\n\
         -0.1690876052346246 to the last digit\n",
    );
}

#[test]
fn brainfuck_greets_the_world() {
    BRAINFUCK.writes("Hello World!\nit did not come to an end\n");
}

#[test]
fn a_glider_glides() {
    LIFE.writes(include_str!("language/life.txt"));
}

#[test]
fn words_are_counted() {
    WORDCOUNT.writes(include_str!("language/wordcount.txt"));
}

#[test]
fn json_is_tidied() {
    JSON.writes(include_str!("language/tidy.json"));
    for text in ["", "[1, 2", "{\"a\"}", "[1,]", "nul", "\"\\x\"", "\"a", "1 2", "--1"] {
        let args: &'static [&'static str] = Box::leak(Box::new([text]));
        Example { args, ..JSON }.writes("that is no JSON\n");
    }
}

// ---- What happens from outside ----------------------------------------------------------------------------

#[test]
fn every_example_writes_the_same_compiled() {
    for example in ALL {
        for levels in [Levels::Quick, Levels::Optimized] {
            let output = example.output_of(&compiling(levels), None);
            assert_eq!(output, example.output(), "{levels:?}, {}", example.name);
        }
    }
}

#[test]
fn every_example_runs_from_machine_to_machine() {
    for example in ALL {
        // A budget is state, which this one looks at.
        if example.name != RECURSION.name {
            let output = example.output_of(&Engine::default(), Some(10_007));
            assert_eq!(output, example.output(), "{}", example.name);
        }
    }
}
