//! From places in a text to lines and columns.

/// The lines and columns, both from 1 on, of places in a text, in one walk through it.
pub(crate) fn positions(source: &str, starts: &[usize]) -> Vec<(u32, u32)> {
    let mut order: Vec<usize> = (0..starts.len()).collect();
    order.sort_by_key(|&nth| starts[nth]);
    let mut positions = vec![(0, 0); starts.len()];
    let (mut line, mut column) = (1_u32, 1_u32);
    let mut at = 0;
    for nth in order {
        for c in source.get(at..starts[nth]).unwrap_or_default().chars() {
            if c == '\n' {
                (line, column) = (line.saturating_add(1), 1);
            } else {
                column = column.saturating_add(1);
            }
        }
        at = starts[nth];
        positions[nth] = (line, column);
    }
    positions
}
