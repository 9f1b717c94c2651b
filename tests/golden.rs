//! Images of released formats load for ever: these files are never made anew.

use keyvm::{Args, Console, Event, Hosts, Machine, image};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Collects what the console writes.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Loads a file, checks its hash and that saving gives the same file, and goes on with it to the end: gives what the
/// console wrote, and the last hash.
fn go_on(file: &str, hash: &str) -> (String, String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let portable = image::load(&path).expect("the format is known");
    let mut machine = Machine::from_image(portable).expect("the image is consistent");
    assert_eq!(machine.state_hash().to_string(), hash);
    let mut saved = Vec::new();
    image::write(&machine.image(), &mut saved).expect("the image can be written");
    assert!(
        saved == std::fs::read(&path).expect("the file can be read"),
        "{file} is saved as something else"
    );
    let written = Written::default();
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::default());
    hosts.grant("console", Console::new(std::io::empty(), written.clone()));
    let event = loop {
        match machine.run_hosted(u64::MAX, &mut hosts) {
            Event::Yielded(words) => writeln!(written.clone(), "{words:?}").expect("it is kept"),
            event => break event,
        }
    };
    assert_eq!(event, Event::Halted);
    let text = String::from_utf8(written.0.lock().expect("nobody panicked").clone()).expect("it is text");
    (text, machine.state_hash().to_string())
}

#[test]
fn a_call_paused_in_version_1_goes_on() {
    let (text, hash) =
        go_on("jump-v1.blob", "16fb155c87fd57efde34eecd2dd2fb526aa92de5320886a6479b022fb1b3a2bc");
    assert!(text.ends_with("[29]\nTheir sum is 129\n"), "{text}");
    assert_eq!(hash, "0a6a3244212658004f429c0d0e2b4fdf04f0d4de9d8491c3aa7314af83d151c7");
}

#[test]
fn a_keeper_paused_in_version_1_goes_on() {
    let (text, hash) =
        go_on("keeper-v1.blob", "942a3f9bb39f8f856b5c5dca1bfffc3b049534d48ffd6ec4d0ccef5a0a4cb8fb");
    assert!(text.ends_with("Keeper: I give up at trap 11\nThe third trapped with number 11\n"), "{text}");
    assert_eq!(hash, "423b01c4a91b95651eafdcfd3cf042a3d32e67241664eaf9ca2eb60a955d179e");
}

#[test]
fn a_trap_in_version_1_is_told_with_names_and_lines() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/debug-v1.blob");
    let mut machine =
        Machine::from_image(image::load(&path).expect("the format is known")).expect("it is consistent");
    let hash = "4c751ed73b7e146e871fc4da9e0e7d022f9da6e1ec5042ae1c0d8d9481e940a4";
    assert_eq!(machine.state_hash().to_string(), hash);
    let image = machine.image();
    let mut saved = Vec::new();
    image::write(&image, &mut saved).expect("the image can be written");
    assert!(saved == std::fs::read(&path).expect("the file can be read"), "it is saved as something else");
    let debug = image.code_debug(2).expect("the code is known");
    let told = |index| {
        let near = debug.near(index).map_or("-", |near| near.name);
        format!("{near} {}", debug.place(index).expect("it comes from somewhere"))
    };
    assert_eq!([16, 9, 1].map(told), ["half fib.kasm:9:13", "outer fib.kasm:6:13", "- fib.kasm:2:18"]);
    assert_eq!(image.debug.name(image.root), Some("root"));
}
