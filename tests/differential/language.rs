//! Random programs in the language.

use keyvm_oracle::random::{Random, language};

#[test]
fn random_programs_have_calls_of_all_kinds() {
    let texts: String = (0..40).map(|seed| language::program(&mut Random::new(seed))).collect();
    for part in
        ["= try make", "= try give", ">(depth - 1", ") else ", ".value", "gas() / 2", "print(", "while job_"]
    {
        assert!(texts.contains(part), "no program has `{part}`");
    }
}
