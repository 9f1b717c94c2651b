//! Saving when the world fails: the process is killed, the disk is full, a write is cut short. The old image or the new
//! one is there afterwards, whole.
//!
//! The program is its own saver: with [`SAVER`] set it saves images instead of testing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use keyvm::image::{load, read, save, write};
    use keyvm::isa::image::{Body, Image, Meter, Object, Process};
    use keyvm_oracle::random::Random;
    use libtest_mimic::{Arguments, Completion, Trial};
    use std::borrow::Cow;
    use std::io::{self, BufRead, BufReader, Write};
    use std::path::{Path, PathBuf};
    use std::process::{Command, ExitCode, Stdio};
    use std::time::Duration;

    /// Names the file that the saver saves to. [`FIRST`] and [`SAVES`] say which images, one after another.
    const SAVER: &str = "KEYVM_SAVER_FILE";
    /// The first image's number.
    const FIRST: &str = "KEYVM_SAVER_FIRST";
    /// How many.
    const SAVES: &str = "KEYVM_SAVER_SAVES";

    /// Processes that are killed.
    const KILLS: u64 = 1_000;

    /// Words of the page in an image, in turn: within the tables, some pieces of the file, and many writes.
    const PAGE_WORDS: [u64; 4] = [1, 600, 20_000, 400_000];

    pub(super) fn main() -> ExitCode {
        if let Some(file) = std::env::var_os(SAVER) {
            return saver(Path::new(&file));
        }
        let arguments = Arguments::from_args();
        let done = |test: fn()| {
            move || {
                test();
                Ok(Completion::Completed)
            }
        };
        let trials = vec![
            Trial::ignorable_test("killed_at_any_moment_the_old_image_or_the_new_one_is_there", done(kills)),
            Trial::ignorable_test("a_file_that_may_not_grow_so_long_leaves_the_old_one", done(too_long)),
            Trial::ignorable_test(
                "a_write_that_fails_anywhere_is_told_and_one_in_pieces_is_whole",
                done(writes),
            ),
            Trial::ignorable_test("a_full_disk_leaves_the_old_image", full_disk),
        ];
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    /// The image with this number: no two are alike.
    fn image(number: u64) -> Image<'static> {
        let words = PAGE_WORDS[(number % PAGE_WORDS.len() as u64) as usize];
        let page = (0..words).flat_map(|word| (word ^ number).to_le_bytes()).collect();
        let bodies = [
            Body::Meter(Box::new(Meter::UNLIMITED)),
            Body::Code(Cow::Owned(vec![number])),
            Body::Process(Box::new(Process::new(3, 2))),
            Body::Data(Cow::Owned(page)),
        ];
        let objects = (1..).zip(bodies);
        Image {
            next_number: 5 + number,
            prime: 1,
            root: 3,
            chain: Vec::new(),
            request: None,
            objects: objects
                .map(|(number, body)| Object { number, meter: u64::from(number != 1), body })
                .collect(),
            debug: keyvm::isa::debug::DebugInfo::default(),
        }
    }

    /// Which image a file holds, which must be one of them to the last byte.
    fn number_in(path: &Path) -> u64 {
        let loaded = load(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let number = loaded.next_number - 5;
        assert!(loaded == image(number), "image {number} is not whole");
        number
    }

    /// Saves one image after another, and says before each which it is, and at an end why it ended.
    fn saver(path: &Path) -> ExitCode {
        let setting = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
        let (first, saves) = (setting(FIRST), setting(SAVES));
        for number in first..first + saves {
            let image = image(number);
            println!("{number}");
            if let Err(error) = save(&image, path) {
                println!("{error}");
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    }

    /// A command that becomes the saver.
    fn saves(mut command: Command, path: &Path, first: u64, saves: u64) -> Command {
        command.env(SAVER, path).env(FIRST, first.to_string()).env(SAVES, saves.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn this_program() -> PathBuf {
        std::env::current_exe().unwrap()
    }

    fn kills() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("killed.blob");
        let mut random = Random::new(1);
        let (mut there, mut begun, mut old, mut new, mut abandoned) = (0, 0, 0, 0, 0);
        save(&image(there), &path).unwrap();
        for _ in 0..KILLS {
            let first = begun + 1;
            let mut saver =
                saves(Command::new(this_program()), &path, first, u64::from(u32::MAX)).spawn().unwrap();
            let mut lines = BufReader::new(saver.stdout.take().unwrap()).lines();
            begun = lines.next().unwrap().unwrap().parse().unwrap();
            std::thread::sleep(Duration::from_micros(random.below(12_000)));
            saver.kill().unwrap();
            saver.wait().unwrap();
            for line in lines {
                begun = line.unwrap().parse().unwrap();
            }
            let before = if begun == first { there } else { begun - 1 };
            there = number_in(&path);
            assert!(
                there == begun || there == before,
                "{there} is there, when {begun} was being saved in place of {before}"
            );
            *(if there == begun { &mut new } else { &mut old }) += 1;
            for entry in std::fs::read_dir(directory.path()).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if name != "killed.blob" {
                    assert!(name.starts_with(".keyvm-") && name.ends_with(".tmp"), "{name}");
                    std::fs::remove_file(entry.path()).unwrap();
                    abandoned += 1;
                }
            }
        }
        println!(
            "{KILLS} of {KILLS} kills: the old image {old} times, the new one {new} times; {abandoned} unfinished files"
        );
        assert!(abandoned * 4 > KILLS, "most kills fell between two saves");
    }

    /// What a shell that may write files of so many KiB makes of a save.
    fn too_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long.blob");
        save(&image(1), &path).unwrap();
        let limited = |ignoring: &str, kib: u64| {
            let mut shell = Command::new("sh");
            let program = this_program();
            shell.args(["-c", &format!("{ignoring} ulimit -f {}; exec \"$0\"", kib * 2)]).arg(program);
            saves(shell, &path, 3, 1).output().unwrap()
        };
        for kib in [0, 4, 64, 1000, 3000] {
            // The signal that says so ends the process, or is ignored and the write is cut short.
            for ignoring in ["", "trap '' XFSZ;"] {
                let output = limited(ignoring, kib);
                assert!(!output.status.success(), "{kib} KiB are too few");
                if !ignoring.is_empty() {
                    let told = String::from_utf8(output.stdout).unwrap();
                    assert!(told.contains("File too large"), "{told}");
                }
                assert_eq!(number_in(&path), 1, "{kib} KiB");
            }
        }
        assert!(limited("", 4000).status.success());
        assert_eq!(number_in(&path), 3);
    }

    /// Takes so many bytes, in pieces of at most seven, with interruptions.
    struct Stingy {
        taken: Vec<u8>,
        most: usize,
        turn: usize,
    }

    impl Write for Stingy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.turn += 1;
            if self.turn.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let piece = bytes.len().min(1 + self.turn % 7).min(self.most - self.taken.len());
            if piece == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.extend(&bytes[..piece]);
            Ok(piece)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writes() {
        let image = image(1);
        let mut whole = Vec::new();
        write(&image, &mut whole).unwrap();
        assert!(read(&whole).unwrap() == image);
        for most in (0..whole.len()).step_by(13) {
            let mut out = Stingy { taken: Vec::new(), most, turn: most };
            let error = write(&image, &mut out).expect_err("it is too little");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert!(out.taken == whole[..most] && read(&out.taken).is_err());
        }
        let mut out = Stingy { taken: Vec::new(), most: whole.len(), turn: 0 };
        write(&image, &mut out).unwrap();
        assert!(out.taken == whole);
    }

    /// On a disk of 1 MiB, where this user may have one.
    fn full_disk() -> Result<Completion, libtest_mimic::Failed> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("full.blob");
        let script = "mount -t tmpfs -o size=1m none \"$1\" || exit 77
            env KEYVM_SAVER_FIRST=1 KEYVM_SAVER_SAVES=1 \"$0\" && ! \"$0\" && cp \"$2\" \"$3\" && ls -A \"$1\"";
        let out = directory.path().with_extension("copy");
        let mut shell = Command::new("unshare");
        shell.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(this_program());
        shell.arg(directory.path()).arg(&path).arg(&out);
        let output = match saves(shell, &path, 3, 1).output() {
            Ok(output) if output.status.code() != Some(77) => output,
            _ => return Ok(Completion::ignored_with("this user may mount nothing")),
        };
        let told = String::from_utf8(output.stdout)?;
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("No space left on device"), "{told}");
        assert!(told.ends_with("\nfull.blob\n"), "nothing else is left on the disk: {told}");
        assert_eq!(number_in(&out), 1);
        std::fs::remove_file(out)?;
        Ok(Completion::Completed)
    }
}
