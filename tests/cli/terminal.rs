//! `keyvm repl` on a terminal.

use super::command;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A session with somebody before it who types.
struct Typist {
    child: Child,
    terminal: File,
    shown: Receiver<Vec<u8>>,
    /// What was shown and not waited for yet.
    text: String,
}

impl Typist {
    fn new(options: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("it can be used");
        unlockpt(&master).expect("it can be used");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let other = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it has another end");
        let end = || Stdio::from(other.try_clone().expect("it can be used more than once"));
        let mut command = command();
        command.arg("repl").args(options.split_whitespace()).env("TERM", "xterm");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("keyvm starts");
        let terminal = File::from(master);
        let mut reader = terminal.try_clone().expect("it can be used more than once");
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut typist = Self { child, terminal, shown, text: String::new() };
        typist.sees("> ");
        typist
    }

    fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("it is there");
    }

    /// Waits until something is shown behind what was waited for before.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        loop {
            if let Some(at) = self.text.find(text) {
                self.text.drain(..at + text.len());
                return;
            }
            let more = self.shown.recv_timeout(Duration::from_secs(60));
            let more = more.unwrap_or_else(|_| panic!("`{text}` is shown, and not only {:?}", self.text));
            self.text += &String::from_utf8_lossy(&more);
        }
    }

    fn leaves(mut self) {
        self.types(":quit\r");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn lines_that_are_typed_while_an_input_runs_come_after_it() {
    let mut typist = Typist::new("--quiet --engine interp");
    typist.types("x = 0\r");
    typist.sees("> ");
    typist.types("if true:\r    print(\"ru\" + \"ns\")\r    while x < 5_000_000: x += 1\r\r");
    typist.sees("runs");
    typist.types("x + 1\ny = 77\ny + 1000\n");
    typist.sees("5000001");
    typist.sees("1077");
    typist.leaves();
}

#[test]
fn unfinished_inputs_end_as_the_document_says() {
    let mut typist = Typist::new("--quiet");
    // Ctrl-C drops it.
    typist.types("x = (1 +\r");
    typist.sees(". ");
    typist.types("\x03");
    typist.sees("> ");
    typist.types("6 * 7\r");
    typist.sees("42\r\n");
    typist.types("x = [1,\r\r");
    typist.sees("is not closed");
    typist.sees("> ");
    typist.types("if 1 < 2: print(\"a\" + \"b\")\r");
    typist.sees(". ");
    typist.types("else: print(3)\r");
    typist.sees("ab\r\n");
    typist.types("if 1 < 2: print(\"c\" + \"d\")\r\r");
    typist.sees("cd\r\n");
    // What was pasted with a program is its input.
    typist.types("import input\r");
    let pasted =
        "def show():\n    line, there = input.line()\n\n    print(\"re\" + \"ad\", line)\n\nshow()\nthis";
    typist.types(&format!("\x1b[200~{pasted}\x1b[201~\r"));
    typist.sees("read this\r\n");
    typist.leaves();
}
