//! The image format: what is written is read, nothing else is, and no file does harm.

use keyvm::image::{
    HEADER_BYTES, Hash, ImageError, ImageErrorKind, LoadError, SECTIONS_AT, SUM_AT, Sections, checksum, load,
    read, save, state_hash, write,
};
use keyvm_isa::debug::{CodeDebug, CodeDebugBuilder, DebugInfo, Line};
use keyvm_isa::image::{Body, Call, Frame, Image, Key, Link, Meter, Object, Process, Request, Suspended};
use keyvm_isa::{Rights, Status, Trap};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::borrow::Cow;
use std::fs;

type Owned = Image<'static>;

fn file_of(image: &Image<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    write(image, &mut file).expect("a vector takes everything");
    file
}

/// Makes the checksum of a file right, as a forger would.
fn seal(file: &mut [u8]) {
    if let Some(sum) = checksum(file) {
        file[SUM_AT..SUM_AT + 32].copy_from_slice(&sum.0);
    }
}

/// Number `i` of the header: objects, tables, code, small contents, pages.
fn number(file: &[u8], i: usize) -> u64 {
    let bytes = file[SECTIONS_AT + 8 * i..].first_chunk();
    u64::from_le_bytes(*bytes.expect("a header has five numbers"))
}

/// Where the checked part of the file ends.
fn checked_end(file: &[u8]) -> usize {
    HEADER_BYTES + (number(file, 1) + number(file, 2)) as usize
}

/// What must hold of any bytes: they are refused, or they are the one file of the image they give.
fn refused_or_the_one_file(file: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(image) = read(file) {
        prop_assert!(file_of(&image) == file, "accepted, but not what is written");
    }
    Ok(())
}

// Any image.

fn key() -> impl Strategy<Value = Option<Key>> {
    option::of((1..u64::MAX, 0..2048u64, any::<u64>(), 0..9u64).prop_map(|(object, rights, gate, seal)| {
        Key { object, rights: Rights::from_bits(rights), gate, seal }
    }))
}

fn data() -> impl Strategy<Value = Cow<'static, [u8]>> {
    let length = prop_oneof![Just(0), 1..20usize, 510..514usize, Just(1024), 1000..1600usize];
    (length, any::<u8>())
        .prop_map(|(words, with)| Cow::Owned((0..words * 8).map(|i| i as u8 ^ with).collect()))
}

fn link() -> impl Strategy<Value = Link> {
    let call = prop_oneof![
        any::<(u64, u64, u64)>().prop_map(|(meter, gas, words)| Call::Recurse { meter, gas, words }),
        Just(Call::Invoke),
        Just(Call::Keeper),
    ];
    (any::<u64>(), call).prop_map(|(process, call)| Link { process, call })
}

fn request() -> impl Strategy<Value = Request> {
    (any::<u64>(), vec(any::<u64>(), 0..5), vec(key(), 0..5)).prop_map(|(host, words, keys)| Request {
        host,
        words,
        keys,
    })
}

fn meter() -> impl Strategy<Value = Meter> {
    (any::<[u64; 3]>(), any::<[u128; 2]>(), any::<bool>(), key()).prop_map(
        |(words, rents, stopped, keeper)| Meter {
            gas_used: words[0],
            gas_limit: words[1],
            words_limit: words[2],
            rent_used: rents[0],
            rent_limit: rents[1],
            stopped,
            keeper,
        },
    )
}

fn process() -> impl Strategy<Value = Box<Process<'static>>> {
    let suspended = option::of(prop_oneof![
        any::<(u64, u64)>().prop_map(|(gas, words)| Suspended::Recurse { gas, words }),
        Just(Suspended::Invoke),
    ]);
    let frame = any::<[u32; 3]>().prop_map(|[return_index, base, typ]| Frame { return_index, base, typ });
    (
        any::<([u64; 9], [u32; 4], u8, u8, [bool; 2])>(),
        proptest::sample::select(Status::ALL),
        option::of(proptest::sample::select(Trap::ALL)),
        (vec(any::<u64>(), 0..9), vec(frame, 0..4), data(), vec(key(), 0..4), key(), suspended),
    )
        .prop_map(|(numbers, status, trap, lists)| {
            let (words, capacities, message_words, message_keys, [standing, stopped]) = numbers;
            let (stack, frames, data, keys, keeper, suspended) = lists;
            Box::new(Process {
                code: words[0],
                status: status.0,
                index: words[1],
                progress: words[2],
                stack: Cow::Owned(stack),
                stack_capacity: capacities[0],
                stack_maximum: capacities[1],
                frames: Cow::Owned(frames),
                frame_capacity: capacities[2],
                data,
                keys,
                key_capacity: capacities[3],
                random: words[3],
                message_words,
                message_keys,
                trap: trap.map(|trap| trap.0),
                amount: words[4],
                standing,
                stopped,
                keeper,
                callee: words[5],
                caller: words[8],
                suspended,
                gas_seen: words[6],
                words_seen: words[7],
            })
        })
}

fn body() -> impl Strategy<Value = Body<'static>> {
    prop_oneof![
        data().prop_map(Body::Data),
        vec(any::<u64>(), 0..40).prop_map(|words| Body::Code(Cow::Owned(words))),
        vec(key(), 0..6).prop_map(Body::Keys),
        process().prop_map(Body::Process),
        meter().prop_map(|meter| Body::Meter(Box::new(meter))),
        any::<(u64, u64)>().prop_map(|(callee, own_words)| Body::CallMeter { callee, own_words }),
        any::<u64>().prop_map(|parent| Body::Gate { parent }),
        Just(Body::Brand),
        ".{0,20}".prop_map(Body::Host),
    ]
}

fn code_debug() -> impl Strategy<Value = CodeDebug<'static>> {
    let names = vec((0..50u32, "[a-zé ]{1,9}", any::<bool>()), 0..6);
    let lines = vec((0..50u32, 0..3u32, any::<u32>(), 0..300u32), 0..9);
    (names, lines).prop_map(|(names, lines)| {
        let mut builder = CodeDebugBuilder::new();
        let files = ["a.et", "b.kasm", "c"].map(|name| builder.file(name));
        for (index, name, is_func) in names {
            builder.name(index, &name, is_func);
        }
        for (index, file, line, column) in lines {
            builder.line(Line { index, file: files[file as usize], line, column });
        }
        builder.finish(50)
    })
}

/// What people may be told. Whether the objects are there, and are code, is not looked at here.
fn debug() -> impl Strategy<Value = DebugInfo<'static>> {
    use proptest::collection::btree_map;
    let names = btree_map(1..u64::MAX, "[a-z é.]{1,20}", 0..4);
    let code = btree_map(1..u64::MAX, code_debug(), 0..3);
    let both = (names, code).prop_map(|(names, code)| DebugInfo {
        names: names.into_iter().map(|(number, name)| (number, name.into())).collect(),
        code: code.into_iter().collect(),
    });
    prop_oneof![Just(DebugInfo::default()), both]
}

prop_compose! {
    fn image()(
        [next_number, prime, root] in any::<[u64; 3]>(),
        chain in vec(link(), 0..4),
        request in option::of(request()),
        bodies in proptest::collection::btree_map(1..u64::MAX, (any::<u64>(), body()), 0..8),
        debug in debug(),
    ) -> Owned {
        let object = |(number, (meter, body))| Object { number, meter, body };
        let objects: Vec<_> = bodies.into_iter().map(object).collect();
        Image { next_number, prime, root, chain, request, objects, debug }
    }
}

/// A small image with every kind of thing in it.
fn small() -> Owned {
    let key = |object| Some(Key { object, rights: Rights::OWN, gate: 6, seal: 7 });
    let process = Process {
        code: 2,
        status: Status::Pending,
        index: 3,
        progress: 0,
        stack: Cow::Owned(vec![1, 2, 3]),
        stack_capacity: 16,
        stack_maximum: 1 << 20,
        frames: Cow::Owned(vec![Frame { return_index: 1, base: 2, typ: 3 }]),
        frame_capacity: 4,
        data: Cow::Owned(vec![5; 16]),
        keys: vec![key(4), None, key(1)],
        key_capacity: 8,
        random: 99,
        message_words: 1,
        message_keys: 2,
        trap: Some(Trap::Failed),
        amount: 5,
        standing: true,
        stopped: false,
        keeper: key(9),
        callee: 0,
        caller: 12,
        suspended: Some(Suspended::Recurse { gas: 10, words: 11 }),
        gas_seen: 12,
        words_seen: 13,
    };
    let meter = Meter {
        gas_used: 1,
        gas_limit: u64::MAX,
        words_limit: 100,
        rent_used: 1 << 70,
        rent_limit: u128::MAX,
        stopped: false,
        keeper: None,
    };
    let bodies = [
        Body::Data(Cow::Owned(vec![0xAA; 5000])),
        Body::Code(Cow::Owned(vec![7, 1, 0, 0, 0])),
        Body::Keys(vec![None, key(1), None]),
        Body::Process(Box::new(process)),
        Body::Meter(Box::new(meter)),
        Body::Gate { parent: 0 },
        Body::Brand,
        Body::Host("clock".to_owned()),
        Body::CallMeter { callee: 4, own_words: 12 },
        Body::Data(Cow::Owned(vec![0xBB; 24])),
        Body::Data(Cow::Owned(vec![])),
    ];
    Image {
        next_number: 20,
        prime: 5,
        root: 4,
        chain: vec![
            Link { process: 4, call: Call::Invoke },
            Link { process: 4, call: Call::Recurse { meter: 9, gas: 1, words: 2 } },
        ],
        request: Some(Request { host: 8, words: vec![1, 2], keys: vec![None, key(1)] }),
        objects: (1..).zip(bodies).map(|(number, body)| Object { number, meter: 5, body }).collect(),
        debug: DebugInfo::default(),
    }
}

// What is written is read.

proptest! {
    #[test]
    fn any_image_survives_being_written_and_read(image in image()) {
        let file = file_of(&image);
        let again = read(&file);
        prop_assert_eq!(again.as_ref(), Ok(&image));
        prop_assert_eq!(again.map(|again| file_of(&again)), Ok(file));
    }

    #[test]
    fn the_state_hash_depends_on_the_image_alone(image in image()) {
        let file = file_of(&image);
        prop_assert_eq!(read(&file).map(|again| state_hash(&again)), Ok(state_hash(&image)));
    }

    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_forged_file_is_refused_or_is_the_one_file_of_its_image(
        image in image(),
        words in vec((any::<prop::sample::Index>(), prop_oneof![0..9u64, any::<u64>()]), 1..4),
        bytes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut file = file_of(&image);
        for (at, with) in words {
            let at = at.index(file.len() / 8) * 8;
            // The magic and version are left: they were tried above.
            if at >= 16 {
                file[at..at + 8].copy_from_slice(&with.to_le_bytes());
            }
        }
        for (at, with) in bytes {
            let at = at.index(file.len());
            file[at] = with;
        }
        seal(&mut file);
        refused_or_the_one_file(&file)?;
    }

    #[test]
    fn random_tables_are_refused_or_are_the_one_file_of_their_image(
        tables in vec(prop_oneof![6 => 0..10u64, 1 => any::<u64>()], 5..80),
        objects in 0..4u64,
    ) {
        let mut file = file_of(&Image { objects: vec![], ..small() });
        file.truncate(HEADER_BYTES);
        file[16..24].copy_from_slice(&objects.to_le_bytes());
        file[24..32].copy_from_slice(&(tables.len() as u64 * 8).to_le_bytes());
        file.extend(tables.iter().flat_map(|word| word.to_le_bytes()));
        seal(&mut file);
        refused_or_the_one_file(&file)?;
    }
}

#[test]
fn debug_information_has_one_form() {
    let plain = file_of(&Image { objects: vec![], ..small() });
    let with = |words: &[u64]| {
        let mut file = plain.clone();
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let tables = (file.len() - HEADER_BYTES) as u64;
        file[SECTIONS_AT + 8..SECTIONS_AT + 16].copy_from_slice(&tables.to_le_bytes());
        seal(&mut file);
        let image = read(&file).map_err(|error| error.kind)?;
        assert_eq!(file_of(&image), file);
        Ok(image.debug.into_owned())
    };
    let (x, empty) = (u64::from(b'x'), DebugInfo::default());
    assert_eq!(with(&[]), Ok(empty));
    // A name, a table; a file and a line for two.
    let table = u64::from_le_bytes([1, 1, b'x', 0, 0, 2, 3, 0]);
    let two = with(&[2, 7, 1, x, 9, 2, x << 8 | x, 1, 5, 7, table]).expect("it is well-formed");
    assert_eq!(two.names, [(7, "x".into()), (9, "xx".into())]);
    assert_eq!(two.code_page(5).and_then(|table| table.place(0)).expect("it has a place").line, 1);
    let out_of_range = |field| Err(ImageErrorKind::OutOfRange { field });
    let not_canonical = |what| Err(ImageErrorKind::NotCanonical { what });
    assert_eq!(with(&[0, 0]), not_canonical("there is debug information that says nothing"));
    assert_eq!(
        with(&[2, 9, 1, x, 9, 1, x, 0]),
        not_canonical("names are not in ascending order of their objects")
    );
    let what = "debug information is not in ascending order of the code pages";
    assert_eq!(with(&[0, 2, 5, 2, 0, 5, 2, 0]), not_canonical(what));
    assert_eq!(with(&[1, 7, 1, x << 8 | x, 0]), not_canonical("a gap is not filled with zeros"));
    assert_eq!(with(&[0, 1, 5, 7, table | 1 << 56]), not_canonical("a gap is not filled with zeros"));
    for name in [0, 0x1b, 0xff] {
        assert_eq!(with(&[1, 7, 1, name, 0]), out_of_range("a name"));
    }
    assert_eq!(with(&[1, 7, 0, 0, 0]), out_of_range("a name"));
    assert_eq!(with(&[1, 7, u64::MAX, x, 0]), out_of_range("a count"));
    assert_eq!(with(&[u64::MAX, 7, 1, x, 0]), out_of_range("a count"));
    assert_eq!(with(&[0, 1, 5, 1, 0]), out_of_range("debug information of a code page"));
    assert_eq!(with(&[0, 1, 5, 8, table]), out_of_range("debug information of a code page"));
    assert_eq!(with(&[1, 7, 1, x]), Err(ImageErrorKind::BadSection { section: "tables" }));
    assert_eq!(with(&[1, 7, 1, x, 0, 0]), Err(ImageErrorKind::BadSection { section: "tables" }));
}

#[test]
fn version_1_stands() {
    let file = file_of(&small());
    assert_eq!(
        blake3::hash(&file).to_string(),
        "8299ad07969b7f2e5c05269ff62c2c51153c187d680672e10bd20d018aa5b6fc"
    );
    assert_eq!(
        state_hash(&small()).to_string(),
        "c071b9c63b83a134d5e779a88830246281eb67b3d8d2defb915bad552b8df268"
    );
}

#[test]
fn pages_are_aligned_and_filled_up_and_data_is_borrowed() {
    let file = file_of(&small());
    assert_eq!(file.len() % 4096, 0);
    let image = read(&file).unwrap();
    let Body::Data(Cow::Borrowed(page)) = image.objects[0].body else {
        panic!("a page is borrowed");
    };
    let at = page.as_ptr().addr() - file.as_ptr().addr();
    assert_eq!(at % 4096, 0);
    assert!(file[at + 5000..].iter().all(|&byte| byte == 0));
    let Body::Data(Cow::Borrowed(_)) = image.objects[9].body else {
        panic!("small data is borrowed");
    };
}

#[test]
fn an_image_without_pages_is_not_filled_up() {
    let mut image = small();
    image.objects.remove(0);
    assert!(file_of(&image).len() < 2000);
}

#[test]
fn what_has_no_file_is_refused_before_anything_is_written() {
    let key = Some(Key { object: 0, rights: Rights::NONE, gate: 0, seal: 0 });
    let mut images = [small(), small(), small(), small(), small()];
    images[0].objects.swap(3, 4);
    images[1].objects[0].number = 0;
    images[2].objects[0].body = Body::Data(Cow::Owned(vec![1; 9]));
    images[3].objects[2].body = Body::Keys(vec![key]);
    images[4].request.as_mut().unwrap().keys.push(key);
    for image in images {
        let mut out = Vec::new();
        assert_eq!(write(&image, &mut out).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
        assert!(out.is_empty());
    }
}

// Nothing else is read.

#[test]
fn every_bit_flipped_in_header_tables_and_code_is_refused() {
    let mut file = file_of(&small());
    for bit in 0..checked_end(&file) * 8 {
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&file).is_err(), "bit {bit}");
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_bit_flipped_in_data_gives_other_data_or_is_refused() {
    let image = small();
    let mut file = file_of(&image);
    let mut accepted = 0;
    for bit in checked_end(&file) * 8..file.len() * 8 {
        file[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = read(&file) {
            accepted += 1;
            assert_ne!(other, image, "bit {bit}");
            assert_eq!(file_of(&other), file, "bit {bit}");
        }
        file[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(accepted, (16 + 24 + 5000) * 8, "all bits of data, and no others");
}

#[test]
fn every_bit_flipped_and_forged_is_refused_or_another_state() {
    let image = small();
    let hash = state_hash(&image);
    let mut file = file_of(&image);
    for bit in HEADER_BYTES * 8..checked_end(&file) * 8 {
        file[bit / 8] ^= 1 << (bit % 8);
        seal(&mut file);
        if let Ok(other) = read(&file) {
            assert_eq!(file_of(&other), file, "bit {bit}");
            assert_ne!(state_hash(&other), hash, "bit {bit}");
        }
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let file = file_of(&small());
    for length in 0..file.len() {
        let error = read(&file[..length]).unwrap_err();
        assert!(matches!(error.kind, ImageErrorKind::Truncated { .. }), "{length}: {error}");
    }
}

#[test]
fn a_file_that_goes_on_is_refused() {
    let mut file = file_of(&small());
    let end = file.len() as u64;
    file.push(0);
    assert_eq!(read(&file), Err(ImageError::at(end, ImageErrorKind::TrailingBytes)));
}

#[test]
fn other_files_are_refused_by_name() {
    let kind = |bytes: &[u8]| read(bytes).unwrap_err().kind;
    assert_eq!(kind(b"\x7fELF and so on"), ImageErrorKind::NotAnImage);
    let mut file = file_of(&small());
    file[8] = 2;
    assert_eq!(kind(&file), ImageErrorKind::Version(2));
    assert!(read(&file).unwrap_err().to_string().contains("version 2"));
    let text: Vec<u8> = file_of(&small()).into_iter().filter(|&byte| byte != b'\r').collect();
    assert_eq!(kind(&text), ImageErrorKind::Mangled);
    let text: Vec<u8> = file_of(&small())
        .into_iter()
        .flat_map(|b| if b == b'\n' { vec![b'\r', b'\n'] } else { vec![b] })
        .collect();
    assert_eq!(kind(&text), ImageErrorKind::Mangled);
}

#[test]
fn a_forged_code_page_is_refused() {
    let mut file = file_of(&small());
    let last = checked_end(&file) - 1;
    file[last] ^= 1;
    assert_eq!(read(&file).unwrap_err().kind, ImageErrorKind::BadChecksum);
}

// No file does harm.

#[test]
fn counts_that_the_file_cannot_have_are_refused_before_anything_is_allocated() {
    // Each word of header and tables in turn says more than memory could hold: an allocation would abort the test.
    let file = file_of(&small());
    for at in (16..checked_end(&file)).step_by(8) {
        for huge in [u64::MAX, u64::MAX / 8, 1 << 60, 1 << 44, 1 << 56 | 3] {
            let mut file = file.clone();
            file[at..at + 8].copy_from_slice(&huge.to_le_bytes());
            seal(&mut file);
            refused_or_the_one_file(&file).unwrap();
        }
    }
}

#[test]
fn a_header_that_promises_much_allocates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("huge.blob");
    let mut file = file_of(&small());
    file[48..56].copy_from_slice(&(1u64 << 60).to_le_bytes());
    fs::write(&path, &file).unwrap();
    assert!(matches!(load_error(&path), ImageErrorKind::Truncated { .. }));
}

// Files.

/// What is wrong with the image in a file.
fn load_error(path: &std::path::Path) -> ImageErrorKind {
    match load(path) {
        Err(LoadError::Image(error)) => error.kind,
        other => panic!("no image was expected: {other:?}"),
    }
}

#[test]
fn a_saved_image_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.blob");
    save(&small(), &path).unwrap();
    assert_eq!(load(&path).unwrap(), small());
}

#[test]
fn a_file_is_loaded_or_refused_as_its_bytes_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.blob");
    let file = file_of(&small());
    let compare = |file: &[u8]| {
        fs::write(&path, file).unwrap();
        match (load(&path), read(file)) {
            (Ok(loaded), Ok(image)) => assert_eq!(loaded, image),
            (Err(LoadError::Image(loaded)), Err(error)) => assert_eq!(loaded, error),
            (loaded, image) => panic!("loaded: {loaded:?}, read: {image:?}"),
        }
    };
    compare(&file);
    for length in [0, 7, 8, 87, 88, 500, file.len() - 4096, file.len() - 1] {
        compare(&file[..length]);
    }
    for at in (0..checked_end(&file)).chain((checked_end(&file)..file.len()).step_by(61)) {
        let mut file = file.clone();
        file[at] ^= 0x41;
        seal(&mut file);
        compare(&file);
    }
}

#[test]
fn what_is_no_image_is_not_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.blob");
    assert!(matches!(load(&path), Err(LoadError::Io(_))));
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    assert_eq!(load_error(&path), ImageErrorKind::NotAnImage);
    let mut file = file_of(&small());
    file.extend([0; 5000]);
    fs::write(&path, &file).unwrap();
    assert_eq!(load_error(&path), ImageErrorKind::TrailingBytes);
}

/// Reading at address 0 of a process is an error of the device, even for who may read everything.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_told() {
    for (path, code) in [("/proc/self/mem", 5), ("/proc/self/missing", 2)] {
        match load(path) {
            Err(LoadError::Io(error)) => assert_eq!(error.raw_os_error(), Some(code), "{path}: {error}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn a_save_that_fails_leaves_the_old_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.blob");
    save(&small(), &path).unwrap();
    let mut bad = small();
    bad.objects[0].number = 0;
    assert!(save(&bad, &path).is_err());
    assert_eq!(fs::read(&path).unwrap(), file_of(&small()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(save(&small(), directory.path().join("missing/a.blob")).is_err());
}

#[test]
fn a_save_replaces_a_file_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.blob");
    fs::write(&path, vec![1; 1_000_000]).unwrap();
    save(&small(), &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), file_of(&small()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn only_files_are_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let error = save(&small(), directory.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::IsADirectory);
}

#[cfg(unix)]
#[test]
fn a_save_keeps_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("a.blob"), directory.path().join("link"));
    save(&small(), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("a.blob", &link).unwrap();
    let other = Image { next_number: 21, ..small() };
    save(&other, &link).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(load(&path).unwrap(), other);
}

#[test]
fn the_length_that_a_header_promises_is_that_of_the_file() {
    let file = file_of(&small());
    let sections = Sections {
        objects: number(&file, 0),
        tables: number(&file, 1),
        code: number(&file, 2),
        small: number(&file, 3),
        pages: number(&file, 4),
    };
    assert_eq!(sections.file_bytes(), Some(file.len() as u64));
    assert_ne!(state_hash(&small()), Hash::ZERO);
}
