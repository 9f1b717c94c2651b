fn main() {
    let mut source = String::new();
    for n in 0..20_000 {
        source.push_str(&format!("const known{n} = 1\npush unknown{n}\n"));
    }
    let t = std::time::Instant::now();
    let e = keyvm_lang::asm::assemble(&source).unwrap_err();
    println!("assemble {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let n = keyvm_lang::render("f", &source, &e, false).len();
    println!("render {:?} {n}", t.elapsed());
}
