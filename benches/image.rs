//! Images of 1 GiB: saving and loading, beside copying the same file; and the hash after one store.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use keyvm::isa::image::{Body, Object};
use keyvm::{Machine, asm, image};
use std::borrow::Cow;
use std::fs::File;
use std::hint::black_box;

const BYTES: usize = 1 << 30;
/// The number of the data page.
const PAGE: u64 = 4;

/// A machine with a data page of 1 GiB that is not all zeros.
fn large_machine() -> Machine {
    let mut image = asm::assemble("halt").unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut bytes = vec![0; BYTES];
    for (index, word) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        *word = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    }
    assert_eq!(image.next_number, PAGE);
    image.next_number = PAGE + 1;
    image.objects.push(Object { number: PAGE, meter: image.prime, body: Body::Data(Cow::Owned(bytes)) });
    Machine::from_image(image).expect("the image is consistent")
}

fn copy_with_sync(from: &std::path::Path, to: &std::path::Path) -> std::io::Result<u64> {
    let mut target = File::create(to)?;
    let bytes = std::io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    Ok(bytes)
}

fn images(c: &mut Criterion) {
    let mut machine = large_machine();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (path, copy) = (folder.path().join("large.blob"), folder.path().join("copy.blob"));

    let mut group = c.benchmark_group("image-1GiB");
    group.throughput(Throughput::Bytes(BYTES as u64)).sample_size(10);
    group.bench_function("save", |b| {
        b.iter(|| image::save(&machine.image(), &path).expect("the image can be saved"));
    });
    group.bench_function("copy", |b| {
        b.iter(|| {
            let bytes = copy_with_sync(&path, &copy).expect("the file can be copied");
            assert!(bytes > BYTES as u64);
        });
    });
    group.bench_function("load", |b| {
        b.iter(|| {
            let machine = Machine::from_image(image::load(&path).expect("it is an image"));
            assert_eq!(machine.expect("it is consistent").bytes(PAGE).map(<[u8]>::len), Some(BYTES));
        });
    });
    group.finish();

    let mut group = c.benchmark_group("hash-1GiB");
    let mut last = machine.state_hash();
    let mut turn = 0u64;
    group.bench_function("after-one-store", |b| {
        b.iter(|| {
            turn += 1;
            let address = turn.wrapping_mul(0x9e37_79b9) % (BYTES as u64 - 8);
            machine.write_bytes(PAGE, address, &turn.to_le_bytes()).expect("the address is inside");
            let hash = machine.state_hash();
            assert_ne!(std::mem::replace(&mut last, black_box(hash)), hash);
        });
    });
    group.finish();
}

criterion_group!(benches, images);
criterion_main!(benches);
