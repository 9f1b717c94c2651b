//! The instructions that compare.

use crate::Op;

impl Op {
    /// Whether it compares its operands: what it pushes is 1 if they are as it says, else 0.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Eqz
                | Self::Eq
                | Self::Ne
                | Self::Lt
                | Self::Gt
                | Self::Le
                | Self::Ge
                | Self::Lts
                | Self::Gts
                | Self::Les
                | Self::Ges
                | Self::Lts32
                | Self::Gts32
                | Self::Les32
                | Self::Ges32
                | Self::Feq
                | Self::Fne
                | Self::Flt
                | Self::Fgt
                | Self::Fle
                | Self::Fge
                | Self::Feq32
                | Self::Fne32
                | Self::Flt32
                | Self::Fgt32
                | Self::Fle32
                | Self::Fge32
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;

    #[test]
    fn a_comparison_is_called_one() {
        for info in OPS {
            let name = info.mnemonic.strip_prefix('f').unwrap_or(info.mnemonic);
            let name = name.strip_suffix("32").unwrap_or(name);
            let called = ["eqz", "eq", "ne", "lt", "gt", "le", "ge", "lts", "gts", "les", "ges"];
            assert_eq!(info.op.is_comparison(), called.contains(&name), "{}", info.mnemonic);
            assert!(!info.op.is_comparison() || info.pushes == 1, "{}", info.mnemonic);
        }
    }
}
