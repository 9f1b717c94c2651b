//! What newcomers from other languages write, and what is said of it: all in one snapshot, to be read.

use super::checked;

/// Wrong programs, with a line of `=` between them.
const PROGRAMS: &str = include_str!("newcomers.txt");

#[test]
fn what_newcomers_write() {
    let mut said = String::new();
    for program in PROGRAMS.split("=====\n") {
        let message = checked(program, &[]).map(|_| ()).expect_err(program);
        said += &format!("{program}\n{message}=====\n");
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("newcomers", said);
    });
}
